"""The board: a column a stage over the filter of the list, with exact counts and what the candidates raised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core import lists
from crm.core.permissions import Actor
from crm.firms.models import EquityRound, Firm
from crm.firms.queries import figures_visible_to
from crm.listing.models import Candidate
from crm.listing.queries.clocks import clocks_where
from crm.listing.queries.listing import matching
from crm.listing.queries.record import open_counts
from crm.listing.rules.stages import Clock
from crm.listing.rules.words import Stage

CARDS = 20


@dataclass(frozen=True, slots=True)
class Column:
    """A stage with its cards: the exact count, the outside equity its firms took in, in whole yuan."""

    stage: Stage
    count: int
    yuan: int
    cards: Sequence[Any]
    lacking: dict[int, int]
    clocks: dict[int, Clock]


def board_of(session: Session, wanted: lists.Asked, viewer: Actor) -> tuple[list[Column], dict[str, str]]:
    """All columns, and the conditions understood: nine statements for any number of cards."""
    ids, understood = matching(session, wanted, viewer)
    here = ids.subquery()
    counted = {
        row.stage: row.n
        for row in session.execute(
            sa.select(Candidate.stage, sa.func.count().label("n"))
            .where(Candidate.id.in_(sa.select(here.c.id)))
            .group_by(Candidate.stage)
        )
    }
    money = {
        row.stage: int(row.yuan or 0)
        for row in session.execute(
            sa.select(Candidate.stage, sa.func.sum(EquityRound.paid_in_yuan).label("yuan"))
            .join(EquityRound, EquityRound.firm_id == Candidate.firm_id)
            .join(Firm, Firm.id == Candidate.firm_id)
            .where(Candidate.id.in_(sa.select(here.c.id)), figures_visible_to(viewer))
            .group_by(Candidate.stage)
        )
    }
    place = sa.func.row_number().over(
        partition_by=Candidate.stage, order_by=(Candidate.stage_on, Candidate.id)
    )
    ranked = (
        sa.select(Candidate.id, place.label("place")).where(Candidate.id.in_(sa.select(here.c.id))).subquery()
    )
    cards = session.execute(
        sa.select(
            Candidate.id, Candidate.stage, Candidate.state, Candidate.board, Candidate.stage_on, Firm.name,
            Firm.leading_industry.label("industry"),
        )
        .join(ranked, ranked.c.id == Candidate.id)
        .join(Firm, Firm.id == Candidate.firm_id)
        .where(ranked.c.place <= CARDS)
        .order_by(Candidate.stage_on, Candidate.id)
    ).all()  # fmt: skip
    lacking = dict(open_counts(session, [row.id for row in cards]))
    clocks = clocks_where(session, Candidate.id.in_([row.id for row in cards]))
    by_stage: dict[Stage, list[Any]] = {}
    for row in cards:
        by_stage.setdefault(row.stage, []).append(row)
    columns = [
        Column(stage, counted.get(stage, 0), money.get(stage, 0), by_stage.get(stage, []), lacking, clocks)
        for stage in Stage
    ]
    return columns, understood
