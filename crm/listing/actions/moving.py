"""Stages, side states and the board of a candidate: every move is a dated row."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Session

from crm.core import audit
from crm.core.folding import legible
from crm.core.permissions import Actor
from crm.core.pipeline import Move, MoveKind, advance, note, put_aside, take_up
from crm.core.pipeline.declaring import check_day
from crm.core.words import N_, Refused
from crm.listing.actions import guards
from crm.listing.actions.reaching import days_of, title
from crm.listing.models import Candidate
from crm.listing.queries.books import BOOKS
from crm.listing.queries.record import met_items, term_days
from crm.listing.rules.stages import PIPELINE, check_terms
from crm.listing.rules.words import Act, Board, Stage, State


def move(
    session: Session,
    candidate: Candidate,
    *,
    actor: Actor,
    today: dt.date,
    stage: Stage,
    on: dt.date,
    reason: str | None = None,
    version: int | None = None,
) -> Candidate:
    """Move a candidate to another stage from a day on: ahead (jumps too) through the gates and terms on the way, back
    with a reason. Raises `Conflict`, `Forbidden`, and `Refused` with every missing item."""
    guards.ready(session, candidate, actor, version)
    guards.held(session, candidate)
    days, was = term_days(session, [candidate.id])[candidate.id], candidate.stage

    def also(judged: Move[Stage]) -> None:
        if judged.kind is not MoveKind.BACK:
            check_terms(was, stage, on, days)

    advance(
        session, BOOKS, candidate, Act.MOVE, actor=actor, today=today, stage=stage, on=on,
        met=met_items(session, [candidate])[candidate.id], reason=reason, also=also, board=candidate.board,
    )  # fmt: skip
    session.flush()
    days_of(session, candidate)
    title(session, candidate, was, today)
    return candidate


def set_aside(
    session: Session,
    candidate: Candidate,
    *,
    actor: Actor,
    today: dt.date,
    state: State,
    on: dt.date,
    reason: str | None,
    version: int | None = None,
) -> Candidate:
    """Suspend, withdraw, refuse or end a candidate, with a reason. Raises `Conflict`, `Forbidden`, `Refused`."""
    guards.ready(session, candidate, actor, version)
    guards.held(session, candidate)
    if candidate.stage is Stage.LISTED:
        raise Refused(N_("已经上市，不能再暂缓或退出。"), field="state")
    put_aside(
        session, BOOKS, candidate, Act.ASIDE, actor=actor, today=today, state=state, on=on, reason=reason,
        board=candidate.board,
    )  # fmt: skip
    session.flush()
    return candidate


def resume(
    session: Session,
    candidate: Candidate,
    *,
    actor: Actor,
    today: dt.date,
    on: dt.date,
    reason: str | None,
    version: int | None = None,
) -> Candidate:
    """Go on with a candidate at the stage it had. Raises `Conflict`, `Forbidden`, `Refused`."""
    guards.ready(session, candidate, actor, version)
    guards.held(session, candidate)
    take_up(
        session, BOOKS, candidate, Act.RESUME, actor=actor, today=today, on=on, reason=reason,
        board=candidate.board,
    )  # fmt: skip
    session.flush()
    return candidate


def change_board(
    session: Session,
    candidate: Candidate,
    *,
    actor: Actor,
    today: dt.date,
    board: Board | None,
    on: dt.date,
    reason: str | None,
    version: int | None = None,
) -> Candidate:
    """Aim at another board, from a day on, with a reason: kept as a dated move at the same stage. Not between the
    acceptance and the listing of an application that goes on: it has to be withdrawn first. Raises `Refused`."""
    guards.ready(session, candidate, actor, version)
    guards.held(session, candidate)
    guards.past(on, today)
    if board is candidate.board:
        raise Refused(N_("目标板块没有变化。"), field="board")
    filed = PIPELINE.order[candidate.stage] >= PIPELINE.order[Stage.ACCEPTED]
    if filed and candidate.state is State.ACTIVE:
        raise Refused(N_("申请正在审核，换板块要先撤回或退回。"), field="board")
    if board is None and PIPELINE.order[candidate.stage] >= PIPELINE.order[Stage.TUTORING]:
        raise Refused(N_("辅导备案之后必须有目标板块。"), field="board")
    why = legible(reason)[:300]
    if candidate.board is not None and len(why) < 2:
        raise Refused(N_("请写明原因。"), field="reason")
    check_day(on, BOOKS.last_moved(session, candidate), today)
    audit.begin(session, actor=actor, action=Act.BOARD, subject=("candidate", candidate.id))
    note(session, BOOKS, candidate, MoveKind.BOARD, actor=actor, on=on, reason=why or None, board=board)
    candidate.board = board
    session.flush()
    return candidate
