"""The board: a column a stage over the filter of the list, with exact counts and what the candidates raised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core import lists
from crm.core.permissions import Actor
from crm.core.pipeline.lanes import Lane, first_of_each, lanes, totals
from crm.firms.models import EquityRound, Firm
from crm.firms.queries import figures_visible_to
from crm.listing.models import Candidate
from crm.listing.queries.clocks import clocks_where
from crm.listing.queries.due import UNDATED
from crm.listing.queries.listing import matching
from crm.listing.queries.record import open_counts
from crm.listing.rules.stages import Clock
from crm.listing.rules.words import Stage

CARDS = 20


_ORDER = (Candidate.stage_on, Candidate.id)
_SINCE = sa.case((UNDATED, None), else_=Candidate.stage_on).label("stage_on")


@dataclass(frozen=True, slots=True)
class Card:
    """A candidate as the board shows it: its row, what its next stage still needs, its clock."""

    row: Any
    lacking: int
    clock: Clock | None


Column = Lane[Stage, Card]


def board_of(session: Session, wanted: lists.Asked, viewer: Actor) -> tuple[list[Column], dict[str, str]]:
    """All columns, and the conditions understood: nine statements for any number of cards."""
    ids, understood = matching(session, wanted, viewer)
    here = ids.subquery()
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
    rows = session.execute(
        sa.select(
            Candidate.id, Candidate.stage, Candidate.state, Candidate.board, _SINCE, Firm.name,
            Firm.leading_industry.label("industry"),
        )
        .join(Firm, Firm.id == Candidate.firm_id)
        .where(Candidate.id.in_(first_of_each(Candidate, ids, _ORDER, CARDS)))
        .order_by(*_ORDER)
    ).all()  # fmt: skip
    lacking = open_counts(session, [row.id for row in rows])
    clocks = clocks_where(session, Candidate.id.in_([row.id for row in rows]))
    sizes = {
        stage: (count, money.get(stage, 0))
        for stage, (count, _yuan) in totals(session, Candidate, ids).items()
    }
    cards = ((row.stage, Card(row, lacking.get(row.id, 0), clocks.get(row.id))) for row in rows)
    return lanes(Stage, sizes, cards), understood
