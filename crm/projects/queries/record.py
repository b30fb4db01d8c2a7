"""One project: the record, who is in charge, its gate, its moves. The viewer decides what is there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from crm.core.permissions import Actor
from crm.core.pipeline import Line
from crm.core.words import N_, Message, Missing
from crm.projects.models import (
    Project,
    ProjectCharge,
    ProjectEvidence,
    ProjectPayment,
    ProjectUnit,
)
from crm.projects.queries.books import BOOKS
from crm.projects.queries.scope import assignable_by, editable_by, visible_to
from crm.projects.rules.stages import PIPELINE
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


moves_of, waivers_of, evidence_of, excuses = (
    BOOKS.moves_of, BOOKS.waivers_of, BOOKS.evidence_of, BOOKS.excuses,
)  # fmt: skip


def get_evidence(session: Session, project_id: int, row_id: int) -> ProjectEvidence:
    """A piece of evidence of this very project. Raises `Missing`."""
    found = BOOKS.get_evidence(session, project_id, row_id)
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
    found = BOOKS.met(session, projects)
    ids = list(found)
    for project in projects:
        if project.firm_id is not None:
            found[project.id].add("firm")
    for project_id in session.scalars(
        sa.select(ProjectCharge.project_id).where(
            ProjectCharge.project_id.in_(ids), ProjectCharge.is_current == 1
        )
    ):
        found[project_id].add("charge")
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


def next_gate(session: Session, project: Project) -> tuple[Stage | None, list[Line]]:
    """The stage that comes next, and the lines of its gate; (None, []) at the end."""
    return BOOKS.next_gate(session, project, met_items)


def gates_on_the_way(session: Session, project: Project, target: Stage) -> list[tuple[Stage, list[Line]]]:
    """The stages a move to this one passes that still lack something, each with the lines of its gate."""
    met = met_items(session, [project])[project.id]
    excused = BOOKS.excuses(session, [project.id])[project.id]
    gates = [(stage, PIPELINE.gate(stage, met, excused)) for stage in PIPELINE.between(project.stage, target)]
    return [(stage, lines) for stage, lines in gates if any(line.is_open for line in lines)]


def open_counts(session: Session, ids: Sequence[int]) -> Mapping[int, int]:
    """How many items the next stage of each project still needs."""
    return BOOKS.open_counts(session, ids, met_items)
