"""The blueprint all views of projects hang on, and what several of them share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, url_for
from werkzeug.datastructures import MultiDict

from crm.core.clock import today
from crm.core.db import db
from crm.core.saving import Over
from crm.core.web import actor
from crm.projects import queries
from crm.projects.models import Project

bp = Blueprint("projects", __name__)


def load(project_id: int) -> Project:
    """The project, if this person may see it; else 404."""
    return queries.get_project(db.session(), project_id, viewer=actor())


def over_project(project_id: int, title: str, texts: Callable[[Any], Mapping[str, str]], **more: Any) -> Over:
    """What a form over a project needs for its conflict page."""
    return Over(
        lambda: load(project_id),
        texts,
        title=title,
        back=url_for("projects.show", project_id=project_id),
        **more,
    )


def started(project: Project, **values: str) -> MultiDict[str, str]:
    """How a form over a project starts: its version, today, and what is given."""
    return MultiDict({"version": str(project.version), "on": today().isoformat(), **values})
