"""Moving a record of a pipeline: every move is a dated row, the record keeps a copy of the last one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection
from typing import Any, Protocol, TypeVar

from sqlalchemy.orm import Session

from crm.core import audit
from crm.core.permissions import Actor
from crm.core.pipeline.books import Books
from crm.core.pipeline.declaring import Move, MoveKind, check_day
from crm.core.words import Word

S = TypeVar("S", bound=Word)
T = TypeVar("T", bound=Word)


class Standing(Protocol):
    """A record that goes through stages."""

    id: Any
    stage: Any
    stage_on: Any
    state: Any
    state_on: Any
    state_reason: Any


def advance(
    session: Session,
    books: Books[S, T, Any, Any, Any],
    record: Standing,
    act: Word,
    *,
    actor: Actor,
    today: dt.date,
    stage: S,
    on: dt.date,
    met: Collection[str],
    reason: str | None,
    also: Callable[[Move[S]], None] | None = None,
    **more: Any,
) -> Move[S]:
    """Move a record to another stage from a day on. `met`: the codes of the items that are there; `also` judges what
    the stage table cannot say; `more` are further columns of the move. Raises `Refused` as `Pipeline.check_move` and
    `also` do; writes nothing then."""
    judged = books.pipeline.check_move(
        record.stage, record.state, stage, since=books.last_moved(session, record), on=on, today=today, met=met,
        excused=books.excuses(session, [record.id])[record.id], reason=reason,
    )  # fmt: skip
    if also is not None:
        also(judged)
    audit.begin(
        session, actor=actor, action=act, subject=(books.subject, record.id), stage=stage.value,
        kind=judged.kind.value,
    )  # fmt: skip
    note(
        session, books, record, judged.kind, actor=actor, on=on, stage=stage, reason=judged.reason,
        skipped=[each.value for each in judged.skipped], **more,
    )  # fmt: skip
    record.stage, record.stage_on = stage, on
    return judged


def put_aside(
    session: Session,
    books: Books[S, T, Any, Any, Any],
    record: Standing,
    act: Word,
    *,
    actor: Actor,
    today: dt.date,
    state: T,
    on: dt.date,
    reason: str | None,
    **more: Any,
) -> None:
    """Put a record into a side state, with a reason. Raises `Refused`."""
    why = books.pipeline.check_aside(record.state, state, reason)
    check_day(on, books.last_moved(session, record), today)
    audit.begin(session, actor=actor, action=act, subject=(books.subject, record.id), state=state.value)
    note(session, books, record, MoveKind.ASIDE, actor=actor, on=on, state=state, reason=why, **more)
    record.state, record.state_on, record.state_reason = state, on, why


def take_up(
    session: Session,
    books: Books[S, T, Any, Any, Any],
    record: Standing,
    act: Word,
    *,
    actor: Actor,
    today: dt.date,
    on: dt.date,
    reason: str | None,
    also: Callable[[], None] | None = None,
    **more: Any,
) -> None:
    """Go on with a record that was put aside, at the stage it had. Raises `Refused`, as `also` does."""
    state = books.pipeline.active
    why = books.pipeline.check_resume(record.state, reason)
    check_day(on, books.last_moved(session, record), today)
    if also is not None:
        also()
    audit.begin(session, actor=actor, action=act, subject=(books.subject, record.id))
    note(session, books, record, MoveKind.RESUME, actor=actor, on=on, state=state, reason=why, **more)
    record.state, record.state_on, record.state_reason = state, on, why


def note(
    session: Session,
    books: Books[S, T, Any, Any, Any],
    record: Standing,
    kind: MoveKind,
    *,
    actor: Actor,
    on: dt.date,
    reason: str | None,
    **more: Any,
) -> None:
    """Write the row of a move; the stage and the state are those the record has, unless given."""
    columns = {
        "kind": kind, "from_stage": record.stage, "stage": record.stage, "state": record.state, "on": on,
        "days": (on - record.stage_on).days, "by_id": actor.user_id, "reason": reason, "skipped": [], **more,
    }  # fmt: skip
    session.add(books.move(**{books.key: record.id}, **columns))
