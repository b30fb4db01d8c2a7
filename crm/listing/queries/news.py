"""What happened in the listing reserve within some days: kinds of `crm.core.news`. Each is a dated move."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core.news import Line, News
from crm.core.permissions import Actor
from crm.core.pipeline import MoveKind
from crm.core.words import N_, Message
from crm.firms.models import Firm
from crm.listing.models import Candidate, CandidateMove
from crm.listing.queries.scope import visible_to

_TEXTS = {
    MoveKind.REPORT: N_("入上市后备库"),
    MoveKind.ADVANCE: "%(before)s → %(after)s",
    MoveKind.JUMP: "%(before)s → %(after)s",
    MoveKind.BACK: "%(before)s → %(after)s",
    MoveKind.ASIDE: N_("转为「%(state)s」"),
    MoveKind.RESUME: N_("重新推进"),
    MoveKind.BOARD: N_("目标板块改为「%(board)s」"),
}


def _keys(*kinds: MoveKind) -> Callable[[Actor, dt.date, dt.date], sa.Select[Any]]:
    def keys(viewer: Actor, first: dt.date, last: dt.date) -> sa.Select[Any]:
        on: Any = CandidateMove.on
        found: sa.Select[Any] = sa.select(on.label("on"), CandidateMove.id.label("id"))
        return found.join(Candidate, Candidate.id == CandidateMove.candidate_id).where(
            CandidateMove.on.between(first, last), CandidateMove.kind.in_(kinds), visible_to(viewer),
            Candidate.archived_on.is_(None),
        )  # fmt: skip

    return keys


def _lines(session: Session, ids: Sequence[int], _viewer: Actor) -> Mapping[int, Line]:
    rows = session.execute(
        sa.select(
            CandidateMove.id, CandidateMove.candidate_id, Firm.name, CandidateMove.on, CandidateMove.kind,
            CandidateMove.from_stage, CandidateMove.stage, CandidateMove.state, CandidateMove.board,
        )
        .join(Candidate, Candidate.id == CandidateMove.candidate_id)
        .join(Firm, Firm.id == Candidate.firm_id)
        .where(CandidateMove.id.in_(ids))
    )  # fmt: skip
    unset = Message(N_("未定"))
    return {
        row.id: Line(
            row.on,
            row.name,
            Message(
                _TEXTS[row.kind],
                {
                    "before": row.from_stage or "—",
                    "after": row.stage,
                    "state": row.state,
                    "board": row.board or unset,
                },
            ),
            "listing.show",
            {"candidate_id": row.candidate_id},
        )
        for row in rows
    }


NEWS = [
    News("listing-moved", N_("上市推进"), _keys(MoveKind.ADVANCE, MoveKind.JUMP), _lines),
    News("listing-back", N_("上市退回"), _keys(MoveKind.BACK), _lines),
    News("listing-aside", N_("上市中止或重启"), _keys(MoveKind.ASIDE, MoveKind.RESUME), _lines),
    News("listing-entered", N_("新入上市后备"), _keys(MoveKind.REPORT), _lines),
    News("listing-board", N_("更换板块"), _keys(MoveKind.BOARD), _lines),
]
