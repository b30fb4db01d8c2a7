"""Overdue next steps of projects: with whom they stand today, and what has climbed to the viewer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.accounts.models import UnitHead, User
from crm.accounts.queries import head_on
from crm.activities.models import NextStep
from crm.activities.queries.steps import Line
from crm.activities.rules.words import StepState
from crm.core import settings
from crm.core.permissions import Actor
from crm.projects.models import Project, ProjectCharge
from crm.projects.queries.scope import visible_to
from crm.projects.rules import escalation as law
from crm.projects.rules.escalation import Climb, Rung
from crm.projects.rules.words import GOING


@dataclass(frozen=True, slots=True)
class Standing:
    """An overdue step on a project's page: how long it is late and with whom it stands."""

    line: Line
    days: int
    rung: Rung
    name: str


@dataclass(frozen=True, slots=True)
class Climbed:
    """A project with an overdue step that has climbed to the viewer: the one overdue for longest, and how many."""

    project_id: int
    project: str
    step_id: int
    text: str
    owner: str
    due_on: dt.date
    rung: Rung
    steps: int


def climb_of(session: Session) -> Climb:
    """After how many days overdue a step climbs, as set."""
    return Climb(*(settings.value(session, each) for each in (law.LIAISON, law.LEADER, law.HEAD)))


def standing(
    session: Session, project: Project, charge: ProjectCharge | None, lines: Sequence[Line], today: dt.date
) -> list[Standing]:
    """The overdue ones of a project's open steps, the longest overdue first. Two statements at most."""
    late = sorted((line for line in lines if line.step.due_on < today), key=lambda line: line.step.due_on)
    if not late or project.state not in GOING or project.archived_on is not None:
        return []
    climb = climb_of(session)
    unit_id = charge.lead_unit_id if charge is not None else project.holder_unit_id
    head = None
    if unit_id is not None and late[0].step.due_on <= climb.latest_due(Rung.HEAD, today):
        head = head_on(session, unit_id, today)
    named: dict[Rung, User | None] = {
        Rung.LIAISON: charge.liaison if charge is not None else None,
        Rung.LEADER: charge.leader if charge is not None else None,
        Rung.HEAD: head,
    }
    ids = {rung: person.id if person is not None else None for rung, person in named.items()}
    found = []
    for line in late:
        rung = law.climbed_to(line.step.due_on, line.step.owner_id, ids, today, climb)
        if rung is not None:
            person = named.get(rung)
            days = (today - line.step.due_on).days
            found.append(Standing(line, days, rung, person.name if person is not None else line.owner))
    return found


def _steps(viewer: Actor, climb: Climb, today: dt.date) -> sa.Select[tuple[int, int, dt.date, str]]:
    """(step, project, due day, rung) of every overdue step of others that has climbed to the viewer."""
    me = viewer.user_id
    headed = sa.select(UnitHead.unit_id).where(
        UnitHead.user_id == me,
        UnitHead.starts_on <= today,
        sa.or_(UnitHead.ends_on.is_(None), UnitHead.ends_on >= today),
    )
    unit = sa.func.coalesce(ProjectCharge.lead_unit_id, Project.holder_unit_id)
    mine = {
        Rung.HEAD: unit.in_(headed),
        Rung.LEADER: ProjectCharge.leader_id == me,
        Rung.LIAISON: ProjectCharge.liaison_id == me,
    }
    reached = [
        (sa.and_(is_me, NextStep.due_on <= climb.latest_due(rung, today)), rung.value)
        for rung, is_me in mine.items()
    ]
    return (
        sa.select(
            NextStep.id, NextStep.subject_id, NextStep.due_on, sa.case(*reached, else_="").label("rung")
        )
        .join(Project, Project.id == NextStep.subject_id)
        .outerjoin(
            ProjectCharge, sa.and_(ProjectCharge.project_id == Project.id, ProjectCharge.is_current == 1)
        )
        .where(
            NextStep.kind == "project", NextStep.state == StepState.OPEN, NextStep.due_on < today,
            NextStep.owner_id != me, Project.state.in_(GOING), Project.archived_on.is_(None),
            visible_to(viewer), sa.or_(*(where for where, _rung in reached)),
        )
    )  # fmt: skip


def climbed_where(session: Session, viewer: Actor, today: dt.date) -> sa.ColumnElement[bool]:
    """Projects with an overdue step that has climbed to the viewer."""
    if viewer.user_id is None:
        return sa.false()
    return Project.id.in_(_steps(viewer, climb_of(session), today).with_only_columns(NextStep.subject_id))


def escalated(session: Session, viewer: Actor, today: dt.date, *, size: int) -> tuple[list[Climbed], int]:
    """The projects whose overdue steps have climbed to the viewer, the longest overdue first, and how many there
    are. One statement beside the settings."""
    if viewer.user_id is None:
        return [], 0
    steps = _steps(viewer, climb_of(session), today).subquery()
    ranked = sa.select(
        steps,
        sa.func.row_number().over(partition_by=steps.c.subject_id, order_by=(steps.c.due_on, steps.c.id)).label("place"),
        sa.func.count().over(partition_by=steps.c.subject_id).label("steps"),
    ).subquery()  # fmt: skip
    rows = session.execute(
        sa.select(
            ranked.c.subject_id, Project.name.label("project"), ranked.c.id, NextStep.text, User.name.label("owner"),
            ranked.c.due_on, ranked.c.rung, ranked.c.steps, sa.func.count().over().label("total"),
        )
        .join(Project, Project.id == ranked.c.subject_id)
        .join(NextStep, NextStep.id == ranked.c.id)
        .join(User, User.id == NextStep.owner_id)
        .where(ranked.c.place == 1)
        .order_by(ranked.c.due_on, ranked.c.id)
        .limit(size)
    ).all()  # fmt: skip
    found = [
        Climbed(row.subject_id, row.project, row.id, row.text, row.owner, row.due_on, Rung(row.rung), int(row.steps))
        for row in rows
    ]  # fmt: skip
    return found, int(rows[0].total) if rows else 0
