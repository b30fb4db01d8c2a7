"""The clocks that run for candidates: how long tutoring has to last, when a letter, a decision, an approval runs out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core import workdays
from crm.core.words import N_, Message
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


def warning(session: Session, today: dt.date, *lights: str) -> sa.ColumnElement[bool]:
    """Candidates whose clock stands at one of these lights today."""
    found = [key for key, clock in clocks_where(session).items() if clock.standing(today) in lights]
    return Candidate.id.in_(found)


def told(clock: Clock, today: dt.date) -> tuple[Message, str]:
    """A clock in words, and a word of warning ("" without one)."""
    standing = clock.standing(today)
    mark = {"y": N_("快到期"), "r": N_("已过期")}.get(standing, "")
    if clock.is_least:
        mark = N_("已满") if standing == "g" else ""
    return Message(
        N_("%(clock)s，至 %(day)s"), {"clock": Message(clock.kind.label), "day": clock.due_on}
    ), mark


def cells_of(session: Session, ids: Any, today: dt.date) -> Mapping[int, Clock]:
    """The clocks of these candidates."""
    return clocks_where(session, Candidate.id.in_(ids))
