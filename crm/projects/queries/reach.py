"""How far projects ever came, and when they were first reported."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from crm.projects.models import Project
from crm.projects.queries.books import BOOKS
from crm.projects.queries.days import start_of
from crm.projects.rules.words import Stage


def reached_where(stage: Stage) -> sa.ColumnElement[bool]:
    """Projects that ever reached a stage."""
    far = BOOKS.farthest()
    return Project.id.in_(sa.select(far.c.record_id).where(far.c.place >= stage.place))


def cohort_where(year: int) -> sa.ColumnElement[bool]:
    """Projects first reported in a year of Shanghai's."""
    return sa.and_(
        Project.first_reported_at >= start_of(dt.date(year, 1, 1)),
        Project.first_reported_at < start_of(dt.date(year + 1, 1, 1)),
    )
