"""Finding candidates: by whatever their firm is found by (names, code, pinyin), and by stock code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core import search as index
from crm.core.permissions import Actor
from crm.core.words import N_, Message
from crm.firms.models import Firm
from crm.listing.models import Candidate
from crm.listing.queries.scope import visible_to
from crm.listing.rules.words import Board, Stage, State

FIRM = "firm"  # the kind whose index holds the names of candidates


@dataclass(frozen=True, slots=True)
class Found:
    """A candidate that answers a search, and why it does; `score` 0..100 as for firms."""

    id: int
    name: str
    stage: Stage
    state: State
    board: Board | None
    why: Message
    score: int


def search(session: Session, text: str, viewer: Actor, limit: int = 10) -> list[Found]:
    """The best answers the viewer may see, archived ones left out. Two statements, one more for a stock code."""
    there = (visible_to(viewer), Candidate.archived_on.is_(None))
    visible = sa.select(Candidate.firm_id).where(Candidate.firm_id == index.entries.c.subject_id, *there)
    why = {
        hit.id: (hit.why, hit.score)
        for hit in index.find(session, FIRM, text[:100], limit=limit, visible=visible)
    }
    code = text.strip()
    if 4 <= len(code) <= 10 and code.isascii() and code.isalnum():
        rows = session.scalars(sa.select(Candidate.firm_id).where(Candidate.stock_code == code, *there))
        why |= {key: (Message(N_("证券代码 %(code)s"), {"code": code}), 100) for key in rows}
    found = [
        Found(row.id, row.name, row.stage, row.state, row.board, *why[row.firm_id])
        for row in session.execute(
            sa.select(
                Candidate.id, Candidate.firm_id, Candidate.stage, Candidate.state, Candidate.board, Firm.name
            )
            .join(Firm, Firm.id == Candidate.firm_id)
            .where(Candidate.firm_id.in_(list(why)), *there)
        )
    ]
    return sorted(found, key=lambda each: (-each.score, each.name, each.id))[:limit]


def by_ids(session: Session, ids: Sequence[int], *, viewer: Actor) -> Sequence[Any]:
    """(id, name, stage, state, board) of those of these candidates the viewer may see and that were not put away."""
    rows = session.execute(
        sa.select(Candidate.id, Firm.name, Candidate.stage, Candidate.state, Candidate.board)
        .join(Firm, Firm.id == Candidate.firm_id)
        .where(Candidate.id.in_(ids[:50]), visible_to(viewer), Candidate.archived_on.is_(None))
    )
    return rows.all()
