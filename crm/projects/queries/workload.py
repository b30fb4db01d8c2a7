"""Who has how much at hand: by leader and by officer, as the viewer may see it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.accounts.models import Unit, User
from crm.activities.models import NextStep
from crm.activities.rules.words import StepState
from crm.core.permissions import Actor
from crm.projects.models import Project, ProjectCharge
from crm.projects.queries.lights import colour_where
from crm.projects.queries.limits import limits_of
from crm.projects.queries.scope import visible_to
from crm.projects.rules.words import GOING, Colour


@dataclass(frozen=True, slots=True)
class Load:
    """What a person has at hand: open projects, their total in whole yuan, red and yellow ones, those with an overdue
    next step."""

    user_id: int
    name: str
    unit: str
    projects: int
    yuan: int
    red: int
    yellow: int
    late: int


def by_leader(session: Session, viewer: Actor, today: dt.date) -> list[Load]:
    """Leaders of open projects, the fullest first."""
    return _loads(session, viewer, today, ProjectCharge.leader_id)


def by_officer(session: Session, viewer: Actor, today: dt.date) -> list[Load]:
    """Officers who follow open projects, the fullest first."""
    return _loads(session, viewer, today, Project.holder_id)


def _loads(session: Session, viewer: Actor, today: dt.date, person: Any) -> list[Load]:
    limits = limits_of(session)

    def few(where: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
        return sa.func.sum(sa.case((where, 1), else_=0))

    late = Project.id.in_(
        sa.select(NextStep.subject_id).where(
            NextStep.kind == "project", NextStep.state == StepState.OPEN, NextStep.due_on < today
        )
    )
    red = sa.or_(colour_where(Colour.RED, today, limits), colour_where(Colour.OUT, today, limits))
    rows = session.execute(
        sa.select(
            User.id, User.name, Unit.short_name.label("unit"), sa.func.count().label("projects"),
            sa.func.sum(Project.total_yuan).label("yuan"), few(red).label("red"),
            few(colour_where(Colour.YELLOW, today, limits)).label("yellow"), few(late).label("late"),
        )
        .select_from(Project)
        .outerjoin(
            ProjectCharge, sa.and_(ProjectCharge.project_id == Project.id, ProjectCharge.is_current == 1)
        )
        .join(User, User.id == person)
        .outerjoin(Unit, Unit.id == User.unit_id)
        .where(visible_to(viewer), Project.state.in_(GOING), Project.archived_on.is_(None))
        .group_by(User.id, User.name, Unit.short_name)
        .order_by(sa.func.count().desc(), User.name, User.id)
    )  # fmt: skip
    return [
        Load(
            row.id, row.name, row.unit or "", row.projects, int(row.yuan or 0), int(row.red or 0),
            int(row.yellow or 0), int(row.late or 0),
        )
        for row in rows
    ]  # fmt: skip


def at_hand(session: Session, leader_id: int, viewer: Actor) -> int:
    """How many open projects a leader has, as the viewer may see them."""
    charges = sa.select(ProjectCharge.project_id).where(
        ProjectCharge.is_current == 1, ProjectCharge.leader_id == leader_id
    )
    return session.scalar(
        sa.select(sa.func.count()).select_from(Project).where(
            visible_to(viewer), Project.state.in_(GOING), Project.archived_on.is_(None), Project.id.in_(charges)
        )
    ) or 0  # fmt: skip
