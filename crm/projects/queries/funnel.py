"""The funnel: of the projects first reported in a year, how many ever reached each stage. From the dated moves."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core import lists
from crm.core.clock import local
from crm.core.permissions import Actor
from crm.projects.models import Project
from crm.projects.queries.books import BOOKS
from crm.projects.queries.days import start_of
from crm.projects.queries.listing import matching
from crm.projects.rules.words import OVER, Stage


@dataclass(frozen=True, slots=True)
class Cohort:
    """The projects of a year: how many ever reached each stage (jumped ones passed), how many are over."""

    year: int
    reached: dict[Stage, int]
    over: int

    @property
    def count(self) -> int:
        return self.reached[Stage.LEAD]


def funnel(session: Session, wanted: lists.Asked, viewer: Actor) -> tuple[list[Cohort], dict[str, str]]:
    """The cohorts, the latest year first, and the conditions understood: three statements."""
    ids, understood = matching(session, wanted, viewer)
    here = ids.subquery()
    first, last = session.execute(
        sa.select(sa.func.min(Project.first_reported_at), sa.func.max(Project.first_reported_at)).join(
            here, here.c.id == Project.id
        )
    ).one()
    if first is None:
        return [], understood
    years = range(local(first).year, local(last).year + 1)
    year = sa.case(
        *((Project.first_reported_at < start_of(dt.date(each + 1, 1, 1)), each) for each in years),
        else_=years[-1],
    )
    far = BOOKS.farthest()
    inner = (
        sa.select(year.label("year"), sa.func.coalesce(far.c.place, 0).label("place"),
                  sa.case((Project.state.in_(OVER), 1), else_=0).label("is_over"))
        .join(here, here.c.id == Project.id)
        .outerjoin(far, far.c.record_id == Project.id)
        .subquery()
    )  # fmt: skip
    counted: dict[int, dict[int, int]] = {each: {} for each in years}
    over: dict[int, int] = dict.fromkeys(years, 0)
    for row in session.execute(
        sa.select(
            inner.c.year,
            inner.c.place,
            sa.func.count().label("n"),
            sa.func.sum(inner.c.is_over).label("over"),
        ).group_by(inner.c.year, inner.c.place)
    ):
        counted[row.year][row.place] = row.n
        over[row.year] += int(row.over or 0)
    return [
        Cohort(
            each,
            {stage: sum(n for place, n in counted[each].items() if place >= stage.place) for stage in Stage},
            over[each],
        )
        for each in reversed(years)
    ], understood
