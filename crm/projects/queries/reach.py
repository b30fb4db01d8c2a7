"""How far projects ever came, and when they were first reported."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from crm.projects.models import Project, ProjectMove
from crm.projects.queries.days import start_of
from crm.projects.rules.words import Stage


def farthest() -> sa.Subquery:
    """The farthest stage each project ever reached, as its place."""
    place = sa.case(*((ProjectMove.stage == stage, stage.place) for stage in Stage), else_=0)
    return (
        sa.select(ProjectMove.project_id, sa.func.max(place).label("place"))
        .group_by(ProjectMove.project_id)
        .subquery()
    )


def reached_where(stage: Stage) -> sa.ColumnElement[bool]:
    """Projects that ever reached a stage."""
    far = farthest()
    return Project.id.in_(sa.select(far.c.project_id).where(far.c.place >= stage.place))


def cohort_where(year: int) -> sa.ColumnElement[bool]:
    """Projects first reported in a year of Shanghai's."""
    return sa.and_(
        Project.first_reported_at >= start_of(dt.date(year, 1, 1)),
        Project.first_reported_at < start_of(dt.date(year + 1, 1, 1)),
    )
