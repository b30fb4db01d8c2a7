"""The books of the project pipeline."""

from __future__ import annotations

from crm.core.pipeline import Books
from crm.projects.models import Project, ProjectEvidence, ProjectMove, ProjectWaiver
from crm.projects.rules.stages import PIPELINE

BOOKS = Books(PIPELINE, "project", "project_id", Project, ProjectMove, ProjectWaiver, ProjectEvidence)
