"""What a candidate's moves tell in its timeline."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.accounts.models import User
from crm.activities.queries.timeline import Entry, Group, Keys, Source, Subject
from crm.core.permissions import Actor
from crm.core.pipeline import MoveKind
from crm.core.words import N_, Message
from crm.listing.models import CandidateMove


def _keys(subject: Subject, viewer: Actor, today: dt.date) -> Keys | None:
    if subject[0] != "candidate":
        return None
    return Keys(CandidateMove.on, CandidateMove.id, CandidateMove.candidate_id == subject[1])


_TITLES = {
    MoveKind.REPORT: N_("入上市后备库"),
    MoveKind.ADVANCE: N_("进入「%(stage)s」"),
    MoveKind.JUMP: N_("跳到「%(stage)s」"),
    MoveKind.BACK: N_("退回「%(stage)s」"),
    MoveKind.ASIDE: N_("转为「%(state)s」"),
    MoveKind.RESUME: N_("重新推进"),
    MoveKind.BOARD: N_("目标板块改为「%(board)s」"),
}


def _moves(session: Session, ids: Sequence[int], viewer: Actor) -> Mapping[int, Entry]:
    rows = session.execute(
        sa.select(
            CandidateMove.id, CandidateMove.on, CandidateMove.kind, CandidateMove.stage, CandidateMove.state,
            CandidateMove.board, CandidateMove.reason, User.name,
        )
        .outerjoin(User, User.id == CandidateMove.by_id)
        .where(CandidateMove.id.in_(ids))
    )  # fmt: skip
    unset = Message(N_("未定"))
    return {
        row.id: Entry(
            "listing-move", row.id, row.on,
            Message(_TITLES[row.kind], {"stage": row.stage, "state": row.state, "board": row.board or unset}),
            text=row.reason or "", who=row.name or "", is_change=True,
        )
        for row in rows
    }  # fmt: skip


MOVES = Source("listing-move", Group.TITLE, _keys, _moves)
