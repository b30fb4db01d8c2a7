"""Moving a record of a pipeline: every move is a dated row, the record keeps a copy of the last one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping
from typing import Any, Protocol, TypeVar

from sqlalchemy.orm import Session

from crm.core.permissions import Actor
from crm.core.pipeline.declaring import Move, MoveKind, Pipeline, check_day, check_reason
from crm.core.words import N_, Message, Refused, Word

S = TypeVar("S", bound=Word)
T = TypeVar("T", bound=Word)


class Standing(Protocol):
    """A record that goes through stages."""

    stage: Any
    stage_on: dt.date
    state: Any
    state_on: dt.date | None
    state_reason: str | None


Row = Callable[..., Any]
"""Makes the row of a move from `kind, from_stage, stage, state, on, days, by_id, reason, skipped`."""


def advance(
    session: Session,
    record: Standing,
    pipeline: Pipeline[S, T],
    row: Row,
    *,
    actor: Actor,
    today: dt.date,
    stage: S,
    on: dt.date,
    since: dt.date,
    met: Collection[str],
    excused: Mapping[str, str],
    reason: str | None,
) -> Move[S]:
    """Move a record to another stage. Raises `Refused` as `Pipeline.check_move` does; writes nothing then."""
    judged = pipeline.check_move(
        record.stage,
        record.state,
        stage,
        since=since,
        on=on,
        today=today,
        met=met,
        excused=excused,
        reason=reason,
    )
    session.add(
        row(
            kind=judged.kind, from_stage=record.stage, stage=stage, state=record.state, on=on,
            days=(on - record.stage_on).days, by_id=actor.user_id, reason=judged.reason,
            skipped=[each.value for each in judged.skipped],
        )
    )  # fmt: skip
    record.stage, record.stage_on = stage, on
    return judged


def put_aside(
    session: Session,
    record: Standing,
    pipeline: Pipeline[S, T],
    row: Row,
    *,
    actor: Actor,
    today: dt.date,
    state: T,
    on: dt.date,
    since: dt.date,
    reason: str | None,
) -> None:
    """Put a record into a side state, with a reason. Raises `Refused`."""
    why = pipeline.check_aside(record.state, state, reason)
    check_day(on, since, today)
    _note(session, record, row, MoveKind.ASIDE, state, on, why, actor)


def take_up(
    session: Session,
    record: Standing,
    pipeline: Pipeline[S, T],
    row: Row,
    *,
    actor: Actor,
    today: dt.date,
    on: dt.date,
    since: dt.date,
    reason: str | None,
) -> None:
    """Go on with a record that was put aside, at the stage it had. Raises `Refused`."""
    if record.state is pipeline.active:
        raise Refused(N_("%(what)s正在推进中。"), what=Message(pipeline.what))
    why = check_reason(reason)
    check_day(on, since, today)
    _note(session, record, row, MoveKind.RESUME, pipeline.active, on, why, actor)


def _note(
    session: Session,
    record: Standing,
    row: Row,
    kind: MoveKind,
    state: Any,
    on: dt.date,
    why: str,
    actor: Actor,
) -> None:
    session.add(
        row(
            kind=kind, from_stage=record.stage, stage=record.stage, state=state, on=on,
            days=(on - record.stage_on).days, by_id=actor.user_id, reason=why, skipped=[],
        )
    )  # fmt: skip
    record.state, record.state_on, record.state_reason = state, on, why
