"""What the next stage of each project still needs, for many projects and people at once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core.audit.journal import columns_of
from crm.core.pipeline import Item, Wants
from crm.projects.models import Project, ProjectCharge, ProjectEvidence, ProjectPayment, ProjectWaiver
from crm.projects.rules.stages import PIPELINE
from crm.projects.rules.words import Stage, State


def open_items(
    session: Session, person: Any, *where: sa.ColumnElement[bool]
) -> Iterator[tuple[int, int, Stage, list[Item], dt.date]]:
    """(project, person, next stage, what it still needs, the day the present stage began) of the active projects of
    a condition on project and current charge; `person` is the column of whom they are told. Five statements."""
    facts = [item for item in PIPELINE.items.values() if item.wants is Wants.FACT]
    here = sa.and_(
        Project.state == State.ACTIVE, Project.stage != Stage.FULL_PRODUCTION, Project.archived_on.is_(None)
    )
    base = sa.select(Project.id).where(here)
    evidence: dict[int, set[str]] = {}
    for project_id, kind in session.execute(
        sa.select(ProjectEvidence.project_id, ProjectEvidence.kind)
        .where(ProjectEvidence.removed_on.is_(None), ProjectEvidence.project_id.in_(base))
        .distinct()
    ):
        evidence.setdefault(project_id, set()).add(kind.value)
    paid = set(
        session.scalars(
            sa.select(ProjectPayment.project_id)
            .where(
                ProjectPayment.checked_on.is_not(None), ProjectPayment.withdrawn_on.is_(None),
                ProjectPayment.project_id.in_(base),
            )
            .distinct()
        )
    )  # fmt: skip
    excused: dict[int, dict[str, str]] = {}
    for project_id, code, reason in session.execute(
        sa.select(ProjectWaiver.project_id, ProjectWaiver.item, ProjectWaiver.reason).where(
            ProjectWaiver.project_id.in_(base)
        )
    ):
        excused.setdefault(project_id, {})[code] = reason
    columns = [
        sa.and_(_column(item.fact).is_not(None), sa.cast(_column(item.fact), sa.Text) != "").label(item.code)
        for item in facts
    ]
    rows = session.execute(
        sa.select(
            Project.id, person.label("person"), Project.stage, Project.stage_on, Project.firm_id,
            ProjectCharge.id.label("charge_id"), *columns,
        )
        .select_from(Project)
        .outerjoin(
            ProjectCharge, sa.and_(ProjectCharge.project_id == Project.id, ProjectCharge.is_current == 1)
        )
        .where(here, person.is_not(None), *where)
    )  # fmt: skip
    for row in rows:
        target = PIPELINE.next_of(row.stage)
        if target is None:
            continue
        met = {item.code for item, is_there in zip(facts, row[6:], strict=True) if is_there}
        met |= evidence.get(row.id, set())
        if row.firm_id is not None:
            met.add("firm")
        if row.charge_id is not None:
            met.add("charge")
        if row.id in paid:
            met.add("money")
        lacking = [line.item for line in PIPELINE.gate(target, met, excused.get(row.id, {})) if line.is_open]
        if lacking:
            yield row.id, row.person, target, lacking, row.stage_on


def _column(name: str) -> sa.Column[Any]:
    return columns_of(Project)[name]
