"""Evidence on a project, and why an item of a gate is not there."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Session

from crm.activities.queries.files import has_file
from crm.core.permissions import Actor
from crm.core.pipeline import WaiverKind, papers
from crm.projects.actions import guards
from crm.projects.models import Project, ProjectEvidence, ProjectWaiver
from crm.projects.queries.books import BOOKS
from crm.projects.rules.words import Act, Evidence


def prove(
    session: Session,
    project: Project,
    *,
    actor: Actor,
    today: dt.date,
    kind: Evidence,
    on: dt.date,
    reference: str | None = None,
    attachment_id: int | None = None,
) -> ProjectEvidence:
    """Note a document: a file of the project, or the number it can be found under. Raises `Refused`."""
    guards.require_editor(session, actor, project)
    guards.there(project)
    guards.held(session, project)
    return papers.prove(
        session, BOOKS, project, Act.EVIDENCE, actor=actor, today=today, kind=kind, on=on, reference=reference,
        attachment_id=attachment_id,
        is_here=attachment_id is None or has_file(session, "project", project.id, attachment_id),
    )  # fmt: skip


def put_away(
    session: Session, project: Project, row: ProjectEvidence, *, actor: Actor, today: dt.date, reason: str
) -> None:
    """Put evidence away with a reason; nothing is deleted."""
    guards.require_editor(session, actor, project)
    papers.put_away(session, BOOKS, project, Act.EVIDENCE_DROP, row, actor=actor, today=today, reason=reason)


def excuse(
    session: Session,
    project: Project,
    *,
    actor: Actor,
    today: dt.date,
    item: str,
    kind: WaiverKind,
    reason: str,
    until_on: dt.date | None = None,
) -> ProjectWaiver:
    """Say that an item cannot be known yet, and until when, or waive it. Only where the stage table allows it.
    Raises `Refused`."""
    guards.require_editor(session, actor, project)
    guards.there(project)
    return papers.excuse(
        session, BOOKS, project, Act.WAIVE, actor=actor, today=today, item=item, kind=kind, reason=reason,
        until_on=until_on,
    )  # fmt: skip


def take_back(session: Session, project: Project, row: ProjectWaiver, *, actor: Actor) -> None:
    """The excuse does not hold any more."""
    guards.require_editor(session, actor, project)
    papers.take_back(session, BOOKS, project, Act.UNWAIVE, row, actor=actor)
