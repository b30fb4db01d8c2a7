"""What the dated moves of a pipeline tell in the timeline of its records."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.accounts.models import User
from crm.activities.queries.timeline import Entry, Group, Keys, Source, Subject
from crm.core.permissions import Actor
from crm.core.pipeline import Books, MoveKind
from crm.core.words import N_, Message

TITLES = {
    MoveKind.ADVANCE: N_("进入「%(stage)s」"),
    MoveKind.JUMP: N_("跳到「%(stage)s」"),
    MoveKind.BACK: N_("退回「%(stage)s」"),
    MoveKind.ASIDE: N_("转为「%(state)s」"),
    MoveKind.RESUME: N_("重新推进"),
}


def moves(
    code: str,
    books: Books[Any, Any, Any, Any, Any],
    titles: Mapping[MoveKind, str],
    more: Callable[[Any], Mapping[str, Any]] = lambda _move: {},
) -> Source:
    """The moves of a pipeline as a source of the timeline. `titles` says the kinds that it names in its own words,
    `more` what they take beside the stage and the state, of a row of the moves."""
    move, said = books.move, {**TITLES, **titles}

    def keys(subject: Subject, viewer: Actor, today: dt.date) -> Keys | None:
        if subject[0] != books.subject:
            return None
        return Keys(move.on, move.id, books.of(move) == subject[1])

    def load(session: Session, ids: Sequence[int], viewer: Actor) -> Mapping[int, Entry]:
        rows = session.execute(
            sa.select(move, User.name).outerjoin(User, User.id == move.by_id).where(move.id.in_(ids))
        )
        return {
            row.id: Entry(
                code, row.id, row.on,
                Message(said[row.kind], {"stage": row.stage, "state": row.state, **more(row)}),
                text=row.reason or "", who=name or "", is_change=True,
            )
            for row, name in rows
        }  # fmt: skip

    return Source(code, Group.TITLE, keys, load)
