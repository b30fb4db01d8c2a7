"""The clocks that run for candidates: how long tutoring has to last, when a letter, a decision, an approval runs out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core import workdays
from crm.core.words import N_
from crm.listing.models import Candidate
from crm.listing.queries.record import term_days
from crm.listing.rules.stages import DECISION_WORKDAYS, TIMED, Clock, running
from crm.listing.rules.words import State

WARNS = frozenset({"y", "r"})  # runs out soon, or has


def clocks_where(session: Session, *where: sa.ColumnElement[bool]) -> dict[int, Clock]:
    """By candidate, the clock of its stage, of the active candidates of a condition that have one. Four statements
    for any number of them."""
    rows = session.execute(
        sa.select(Candidate.id, Candidate.stage, Candidate.stage_on).where(
            Candidate.state == State.ACTIVE,
            Candidate.stage.in_(TIMED),
            Candidate.archived_on.is_(None),
            *where,
        )
    ).all()
    days = workdays.table(session)
    began = term_days(session, [row.id for row in rows])
    found: dict[int, Clock] = {}
    for row in rows:
        since = began[row.id].get(row.stage, row.stage_on)
        clock = running(row.stage, State.ACTIVE, since, workdays.later(since, DECISION_WORKDAYS, days))
        if clock is not None:
            found[row.id] = clock
    return found


MARKS = {"soon": "y", "out": "r", "tutored": "g"}  # what is asked for: the light it means


def standing_in(clocks: Mapping[int, Clock], today: dt.date, *asked: str) -> sa.ColumnElement[bool]:
    """Of these the candidates whose term runs out soon (`soon`), has run out (`out`), whose tutoring has lasted long
    enough (`tutored`)."""
    lights = {(MARKS[each], each == "tutored") for each in asked}
    return Candidate.id.in_(
        [key for key, clock in clocks.items() if (clock.standing(today), clock.is_least) in lights]
    )


def mark(clock: Clock, today: dt.date) -> str:
    """The word of warning of a clock, "" without one."""
    standing = clock.standing(today)
    if clock.is_least:
        return N_("辅导期已满") if standing == "g" else ""
    return {"y": N_("期限快到"), "r": N_("期限已过")}.get(standing, "")
