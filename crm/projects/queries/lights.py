"""Lights as conditions, for lists and counts; the same bounds as `rules.progress.light`."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa

from crm.core.months import add_months
from crm.projects.models import Project, ProjectPulse
from crm.projects.rules.progress import Limits
from crm.projects.rules.words import Colour, Stage, State


def colour_where(colour: Colour, day: dt.date, limits: Limits) -> sa.ColumnElement[bool]:
    """A light's colour as a condition, for the list and the counts."""

    def idle(months: int) -> Any:
        # progress on or before the last day that is `months` behind: add_months(progress, months) <= day
        return ProjectPulse.progress_on <= latest_before(day, months)

    late = ProjectPulse.caught_up_on > latest_before(day, 1)
    found = {
        Colour.OUT: idle(limits.out),
        Colour.RED: sa.and_(idle(limits.red), sa.not_(idle(limits.out))),
        Colour.YELLOW: sa.and_(
            sa.not_(idle(limits.red)),
            sa.or_(idle(limits.yellow), sa.and_(ProjectPulse.caught_up_on.is_not(None), late)),
        ),
        Colour.GREEN: sa.and_(
            sa.not_(idle(limits.yellow)), sa.or_(ProjectPulse.caught_up_on.is_(None), sa.not_(late))
        ),
    }[colour]
    return sa.and_(
        Project.state == State.ACTIVE,
        Project.stage != Stage.FULL_PRODUCTION,
        Project.id.in_(sa.select(ProjectPulse.project_id).where(found)),
    )


def latest_before(day: dt.date, months: int) -> dt.date:
    """The latest day from which so many months have gone by on `day`."""
    probe = add_months(day, -months)
    while add_months(probe + dt.timedelta(1), months) <= day:
        probe += dt.timedelta(1)
    while add_months(probe, months) > day:
        probe -= dt.timedelta(1)
    return probe
