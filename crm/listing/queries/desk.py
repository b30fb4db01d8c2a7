"""What the reserve asks for today, for the workbench: how many of mine and of all, and whose terms end first."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core.permissions import Actor
from crm.core.words import N_
from crm.firms.models import Firm
from crm.listing.models import Candidate
from crm.listing.queries.clocks import WARNS, clocks_where, standing_in
from crm.listing.queries.due import ONGOING, obstacle_late, plan_late
from crm.listing.queries.scope import visible_to
from crm.listing.rules.stages import Clock


@dataclass(frozen=True, slots=True)
class Figure:
    """A number that opens the list it counts: what is asked of the list, how many are mine, how many there are."""

    label: str
    asked: dict[str, str]
    tone: str
    mine: int
    all: int


@dataclass(frozen=True, slots=True)
class Desk:
    figures: Sequence[Figure]
    lines: Sequence[tuple[int, str, Clock]]


def desk(session: Session, viewer: Actor, today: dt.date, *, size: int) -> Desk:
    """The figures and the terms that end first. Six statements for any number of candidates."""
    clocks = clocks_where(session, visible_to(viewer))
    own = Candidate.officer_id == viewer.user_id
    asked: list[tuple[str, dict[str, str], str, sa.ColumnElement[bool]]] = [
        (N_("期限已过"), {"clock": "out"}, "r", standing_in(clocks, today, "out")),
        (N_("期限快到"), {"clock": "soon"}, "y", standing_in(clocks, today, "soon")),
        (N_("辅导期已满"), {"clock": "tutored"}, "g", standing_in(clocks, today, "tutored")),
        (N_("计划日期已过"), {"plan": "late"}, "y", plan_late(today)),
        (N_("难题逾期"), {"obstacles": "late"}, "y", obstacle_late(today)),
        (N_("推进中和中止"), {"state": "open"}, "", ONGOING),
    ]

    def many(*where: sa.ColumnElement[bool]) -> sa.ColumnElement[int]:
        return sa.func.coalesce(sa.func.sum(sa.case((sa.and_(*where), 1), else_=0)), 0)

    columns = [column for *_rest, where in asked for column in (many(where, own), many(where))]
    row = session.execute(
        sa.select(*columns).select_from(Candidate).where(visible_to(viewer), Candidate.archived_on.is_(None))
    ).one()
    figures = [
        Figure(label, query, tone, int(row[2 * place]), int(row[2 * place + 1]))
        for place, (label, query, tone, _where) in enumerate(asked)
    ]
    first = sorted(
        (key for key, clock in clocks.items() if clock.standing(today) in WARNS),
        key=lambda key: (clocks[key].due_on, key),
    )[:size]
    names = dict(
        iter(
            session.execute(
                sa.select(Candidate.id, Firm.name)
                .join(Firm, Firm.id == Candidate.firm_id)
                .where(Candidate.id.in_(first))
            )
        )
    )
    return Desk(figures, [(key, names[key], clocks[key]) for key in first])
