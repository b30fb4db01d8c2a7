"""How projects go, recomputed for those a transaction touched: set-based, a few statements for any number."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.activities.models import Activity, ActivitySubject
from crm.core import audit, settings
from crm.core.audit.journal import chunks
from crm.core.clock import local
from crm.core.transaction import Derive
from crm.projects.models import Project, ProjectClaim, ProjectMove, ProjectPayment, ProjectPulse
from crm.projects.queries.limits import limits_of
from crm.projects.rules import progress as law

CHUNK = 1000
_SOURCES: dict[str, Any] = {
    model.__tablename__: model for model in (ProjectMove, ProjectPayment, ProjectClaim)
}


def recompute(session: Session, touched: dict[str, set[int]]) -> None:
    """Bring the pulses of the touched projects up to date. `touched` is table → row ids."""
    ids = sorted(_projects(session, touched))
    for start in range(0, len(ids), CHUNK):
        rebuild(session, ids[start : start + CHUNK])


PULSE = Derive(
    "projects.pulse",
    frozenset(
        {"projects", "project_moves", "project_payments", "project_claims", "activities", "activity_subjects"}
    ),
    recompute,
)


def _projects(session: Session, touched: dict[str, set[int]]) -> set[int]:
    """The projects behind touched rows; rows deleted or moved are found in the change rows."""
    found = set(touched.get("projects", ()))
    for table, model in _SOURCES.items():
        for part in chunks(sorted(touched.get(table, ()))):
            found.update(session.scalars(sa.select(model.project_id).where(model.id.in_(part)).distinct()))
    for table, column in (("activities", "activity_id"), ("activity_subjects", "id")):
        key = ActivitySubject.activity_id if column == "activity_id" else ActivitySubject.id
        for part in chunks(sorted(touched.get(table, ()))):
            found.update(
                session.scalars(
                    sa.select(ActivitySubject.subject_id)
                    .where(key.in_(part), ActivitySubject.kind == "project")
                    .distinct()
                )
            )
    operation = audit.running(session)
    if operation is not None:
        before = sa.select(audit.AuditChange.kind, audit.AuditChange.before).where(
            audit.AuditChange.operation == operation.id,
            audit.AuditChange.kind.in_([*_SOURCES, "activity_subjects"]),
            audit.AuditChange.verb != "insert",
        )
        for table, row in session.execute(before):
            if table != "activity_subjects":
                found.update([int(row["project_id"])] if row.get("project_id") is not None else [])
            elif row.get("kind") == "project" and row.get("subject_id") is not None:
                found.add(int(row["subject_id"]))
    return found


def rebuild(session: Session, ids: Sequence[int]) -> None:
    """Derive the pulses of these projects anew; only what changed is written."""
    reported = {
        row.id: local(row.first_reported_at).date()
        for row in session.execute(
            sa.select(Project.id, Project.first_reported_at)
            .where(Project.id.in_(ids))
            .with_for_update(key_share=True)
        )
    }
    progress: dict[int, set[dt.date]] = {key: {day} for key, day in reported.items()}
    renewals: dict[int, set[dt.date]] = defaultdict(set)
    contacts: dict[int, set[dt.date]] = defaultdict(set)
    told = (
        sa.select(ActivitySubject.subject_id, Activity.kind, Activity.on)
        .join(Activity, Activity.id == ActivitySubject.activity_id)
        .where(
            ActivitySubject.kind == "project",
            ActivitySubject.subject_id.in_(ids),
            Activity.withdrawn_on.is_(None),
            Activity.kind.in_(law.CONTACTS),
        )
    )
    for project_id, kind, day in session.execute(told):
        contacts[project_id].add(day)
        progress.setdefault(project_id, set()).add(day)
        if kind in law.RENEWING:
            renewals[project_id].add(day)
    moved = sa.select(ProjectMove.project_id, ProjectMove.on).where(
        ProjectMove.project_id.in_(ids), ProjectMove.kind.in_(law.FORWARD)
    )
    paid = sa.select(ProjectPayment.project_id, ProjectPayment.on).where(
        ProjectPayment.project_id.in_(ids), ProjectPayment.withdrawn_on.is_(None)
    )
    for statement in (moved, paid):
        for project_id, day in session.execute(statement):
            progress.setdefault(project_id, set()).add(day)
            renewals[project_id].add(day)
    holding = sa.select(ProjectClaim.project_id, ProjectClaim.from_on).where(
        ProjectClaim.project_id.in_(ids), ProjectClaim.is_current == 1
    )
    claimed: dict[int, dt.date] = {row.project_id: row.from_on for row in session.execute(holding)}
    limits, days = limits_of(session), settings.value(session, law.PROTECTION)
    known = {
        row.project_id: row
        for row in session.scalars(sa.select(ProjectPulse).where(ProjectPulse.project_id.in_(ids)))
    }
    for project_id, first in reported.items():
        values = {
            "progress_on": max(progress[project_id]),
            "caught_up_on": law.caught_up(progress[project_id], limits),
            "replied_on": min((day for day in contacts[project_id] if day >= first), default=None),
            "protected_until": law.protected_until(claimed[project_id], renewals[project_id], days)
            if project_id in claimed
            else None,
        }
        row = known.get(project_id)
        if row is None:
            session.add(ProjectPulse(project_id=project_id, **values))
            continue
        for name, value in values.items():
            if getattr(row, name) != value:
                setattr(row, name, value)
    session.flush()
