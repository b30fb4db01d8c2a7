"""One project: the record, who is in charge, its gate, its moves. The viewer decides what is there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from crm.core.audit.journal import columns_of
from crm.core.permissions import Actor
from crm.core.words import N_, Message, Missing
from crm.projects.models import (
    Project,
    ProjectCharge,
    ProjectEvidence,
    ProjectMove,
    ProjectPayment,
    ProjectUnit,
    ProjectWaiver,
)
from crm.projects.queries.scope import assignable_by, editable_by, visible_to
from crm.projects.rules.stages import GATES, ITEMS, Item, Line, Wants, gate, next_of
from crm.projects.rules.words import Stage, State


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel on a project's page, loaded when it comes into view; `values` makes what its address takes."""

    title: str
    endpoint: str
    needs: str = "project:read"
    by_kind: bool = False  # it serves every kind of record

    def values(self, project_id: int) -> dict[str, str | int]:
        return {"kind": "project", "record_id": project_id} if self.by_kind else {"project_id": project_id}


PANELS: list[Panel] = []  # filled by the factory
TAGS: list[Callable[[Session, Project, dt.date], Sequence[tuple[str | Message, bool]]]] = []


@dataclass(frozen=True, slots=True)
class Rights:
    """What a viewer may do with one project."""

    edit: bool
    assign: bool


def get_project(session: Session, project_id: int, *, viewer: Actor) -> Project:
    """The project with its firm and holder. Raises `Missing` when there is none, or none to be seen."""
    found = None
    if 0 < project_id < 2**63:
        found = session.execute(
            sa.select(Project)
            .options(
                joinedload(Project.firm),
                joinedload(Project.holder),
                joinedload(Project.holder_unit),
                joinedload(Project.reported_by),
            )
            .where(Project.id == project_id, visible_to(viewer))
        ).scalar_one_or_none()
    if found is None:
        raise Missing(N_("没有这个项目，或者您不能查看它。"))
    return found


def rights(session: Session, project_id: int, viewer: Actor) -> Rights:
    """What the viewer may do with this project: one statement."""
    row = session.execute(
        sa.select(editable_by(viewer).label("edit"), assignable_by(viewer).label("assign")).where(
            Project.id == project_id
        )
    ).one()
    return Rights(bool(row.edit), bool(row.assign))


def charge_of(session: Session, project_id: int) -> ProjectCharge | None:
    """Who is in charge now."""
    return session.execute(
        sa.select(ProjectCharge)
        .options(
            joinedload(ProjectCharge.leader),
            joinedload(ProjectCharge.lead_unit),
            joinedload(ProjectCharge.liaison),
            joinedload(ProjectCharge.agent),
        )
        .where(ProjectCharge.project_id == project_id, ProjectCharge.is_current == 1)
    ).scalar_one_or_none()


def charges_of(session: Session, project_id: int) -> Sequence[ProjectCharge]:
    """Everybody who was in charge, the latest first."""
    return session.scalars(
        sa.select(ProjectCharge)
        .options(
            joinedload(ProjectCharge.leader),
            joinedload(ProjectCharge.lead_unit),
            joinedload(ProjectCharge.liaison),
            joinedload(ProjectCharge.agent),
        )
        .where(ProjectCharge.project_id == project_id)
        .order_by(ProjectCharge.from_on.desc(), ProjectCharge.id.desc())
        .limit(50)
    ).all()


def members_of(session: Session, project_id: int) -> Sequence[ProjectUnit]:
    """The member units of the team now."""
    return session.scalars(
        sa.select(ProjectUnit)
        .options(joinedload(ProjectUnit.unit))
        .where(ProjectUnit.project_id == project_id, ProjectUnit.is_current == 1)
        .order_by(ProjectUnit.from_on, ProjectUnit.id)
        .limit(50)
    ).all()


def moves_of(session: Session, project_id: int) -> Sequence[ProjectMove]:
    """The moves of a project, oldest first."""
    return session.scalars(
        sa.select(ProjectMove)
        .where(ProjectMove.project_id == project_id)
        .order_by(ProjectMove.on, ProjectMove.id)
        .limit(500)
    ).all()


def waivers_of(session: Session, project_id: int) -> dict[str, ProjectWaiver]:
    """What is excused, by the code of its item."""
    rows = session.scalars(sa.select(ProjectWaiver).where(ProjectWaiver.project_id == project_id))
    return {row.item: row for row in rows}


def evidence_of(session: Session, project_id: int) -> Sequence[ProjectEvidence]:
    """Evidence that was not put away, the latest first."""
    return session.scalars(
        sa.select(ProjectEvidence)
        .where(ProjectEvidence.project_id == project_id, ProjectEvidence.removed_on.is_(None))
        .order_by(ProjectEvidence.on.desc(), ProjectEvidence.id.desc())
        .limit(100)
    ).all()


def get_evidence(session: Session, project_id: int, row_id: int) -> ProjectEvidence:
    """A piece of evidence of this very project. Raises `Missing`."""
    found = session.execute(
        sa.select(ProjectEvidence).where(
            ProjectEvidence.id == row_id, ProjectEvidence.project_id == project_id
        )
    ).scalar_one_or_none()
    if found is None:
        raise Missing(N_("没有这份佐证。"))
    return found


def of_firm(session: Session, firm_id: int, *, viewer: Actor) -> Sequence[Project]:
    """A firm's projects as the viewer may see them, the latest first."""
    return session.scalars(
        sa.select(Project)
        .where(Project.firm_id == firm_id, Project.archived_on.is_(None), visible_to(viewer))
        .order_by(Project.first_reported_at.desc(), Project.id.desc())
        .limit(20)
    ).all()


def goes_on(session: Session, project_id: int) -> bool:
    """Whether a project goes on, and so always has a next step: slot PROGRESS."""
    found = session.execute(
        sa.select(Project.state, Project.stage, Project.archived_on).where(Project.id == project_id)
    ).one_or_none()
    return (
        found is not None
        and found.state is State.ACTIVE
        and found.stage is not Stage.FULL_PRODUCTION
        and found.archived_on is None
    )


def met_items(session: Session, projects: Sequence[Project]) -> dict[int, set[str]]:
    """By project, the codes of the items of all gates that are there: three statements for any number."""
    ids = [project.id for project in projects]
    found: dict[int, set[str]] = {}
    for project in projects:
        codes = {
            item.code
            for item in ITEMS.values()
            if item.wants is Wants.FACT and getattr(project, item.fact) not in (None, "")
        }
        if project.firm_id is not None:
            codes.add("firm")
        found[project.id] = codes
    for project_id in session.scalars(
        sa.select(ProjectCharge.project_id).where(
            ProjectCharge.project_id.in_(ids), ProjectCharge.is_current == 1
        )
    ):
        found[project_id].add("charge")
    for project_id, kind in session.execute(
        sa.select(ProjectEvidence.project_id, ProjectEvidence.kind)
        .where(ProjectEvidence.project_id.in_(ids), ProjectEvidence.removed_on.is_(None))
        .distinct()
    ):
        found[project_id].add(kind.value)
    for project_id in session.scalars(
        sa.select(ProjectPayment.project_id)
        .where(
            ProjectPayment.project_id.in_(ids),
            ProjectPayment.checked_on.is_not(None),
            ProjectPayment.withdrawn_on.is_(None),
        )
        .distinct()
    ):
        found[project_id].add("money")
    return found


def excuses(session: Session, ids: Sequence[int]) -> dict[int, dict[str, str]]:
    """By project, the reasons of the items that are excused: one statement for any number."""
    found: dict[int, dict[str, str]] = {project_id: {} for project_id in ids}
    for row in session.execute(
        sa.select(ProjectWaiver.project_id, ProjectWaiver.item, ProjectWaiver.reason).where(
            ProjectWaiver.project_id.in_(ids)
        )
    ):
        found[row.project_id][row.item] = row.reason
    return found


def next_gate(session: Session, project: Project) -> tuple[Stage | None, list[Line]]:
    """The stage that comes next, and the lines of its gate; (None, []) at the end."""
    target = next_of(project.stage)
    if target is None:
        return None, []
    met = met_items(session, [project])[project.id]
    return target, gate(target, met, excuses(session, [project.id])[project.id])


def open_counts(session: Session, ids: Sequence[int]) -> Mapping[int, int]:
    """How many items the next stage of each project still needs."""
    projects = session.scalars(sa.select(Project).where(Project.id.in_(ids))).all()
    met, excused = met_items(session, projects), excuses(session, ids)
    found = {}
    for project in projects:
        target = next_of(project.stage)
        lines = gate(target, met[project.id], excused[project.id]) if target is not None else []
        found[project.id] = sum(line.is_open for line in lines)
    return found


def open_items(
    session: Session, person: Any, *where: sa.ColumnElement[bool]
) -> Iterator[tuple[int, int, Stage, list[Item], dt.date]]:
    """(project, person, next stage, what it still needs, the day the present stage began) of the active projects of
    a condition on project and current charge; `person` is the column of whom they are told. Five statements."""
    facts = [item for item in ITEMS.values() if item.wants is Wants.FACT]
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
        target = next_of(row.stage)
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
        lacking = [line.item for line in gate(target, met, excused.get(row.id, {})) if line.is_open]
        if lacking:
            yield row.id, row.person, target, lacking, row.stage_on


def _column(name: str) -> sa.Column[Any]:
    return columns_of(Project)[name]


__all__ = ["GATES", "Panel", "Rights", "get_project"]
