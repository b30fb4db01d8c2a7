"""The way to a listing: gates and their refusals, terms, ways back, side exits, another board."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core import audit
from crm.core.permissions import Forbidden
from crm.core.pipeline import MoveKind, WaiverKind
from crm.core.transaction import commit
from crm.core.undo import undo
from crm.core.words import Refused
from crm.ladder.models import Certification
from crm.listing import actions, queries
from crm.listing.models import Candidate
from crm.listing.rules.stages import PIPELINE, ClockKind, running
from crm.listing.rules.words import Board, Evidence, Stage, State
from tests import people
from tests.listing.cast import ROBOT, START, TODAY, a_candidate, a_firm, bring, fill, step


def move(session: Session, candidate: Candidate, stage: Stage, on: dt.date, reason: str = "按进度") -> None:
    actions.move(session, candidate, actor=ROBOT, today=TODAY, stage=stage, on=on, reason=reason)
    commit(session)


def test_a_firm_is_one_candidate(session: Session) -> None:
    firm = a_firm(session)
    actions.enter(session, firm, actor=ROBOT, today=TODAY, on=START)
    commit(session)
    with pytest.raises(Refused, match="已经在上市后备库里"):
        actions.enter(session, firm, actor=ROBOT, today=TODAY, on=START)


def test_a_gate_names_everything_it_lacks(session: Session) -> None:
    candidate = a_candidate(session)
    with pytest.raises(Refused) as refused:
        move(session, candidate, Stage.DUE_DILIGENCE, START + dt.timedelta(9))
    assert [item.text for item in refused.value.items] == ["目标板块", "保荐机构", "中介机构协议"]
    session.rollback()
    assert session.get_one(Candidate, candidate.id).stage is Stage.RESERVE


def test_a_jump_needs_the_gates_it_passes_and_dates_none_of_them(session: Session) -> None:
    candidate = a_candidate(session)
    fill(session, candidate, Stage.TUTORING, START + dt.timedelta(9))
    move(session, candidate, Stage.TUTORING, START + dt.timedelta(30))
    last = queries.moves_of(session, candidate.id)[-1]
    assert (last.kind, last.skipped) == (MoveKind.JUMP, ["due-diligence", "reform"])
    line = {
        row.stage: row
        for row in PIPELINE.line(candidate.stage, queries.moves_of(session, candidate.id), TODAY)
    }
    assert line[Stage.REFORM].actual_on is None and line[Stage.REFORM].is_done
    assert candidate.reformed_on == START + dt.timedelta(9)  # the day of the licence


def test_a_waiver_stands_in_for_what_may_be_waived_only(session: Session) -> None:
    candidate = a_candidate(session)
    for item, kind in (
        ("board", WaiverKind.UNKNOWN),
        ("sponsor", WaiverKind.WAIVED),
        ("agreements", WaiverKind.WAIVED),
    ):
        actions.excuse(
            session, candidate, actor=ROBOT, today=TODAY, item=item, kind=kind, reason="还在谈",
            until_on=TODAY + dt.timedelta(30),
        )  # fmt: skip
        commit(session)
    move(session, candidate, Stage.DUE_DILIGENCE, START + dt.timedelta(9))
    with pytest.raises(Refused, match="不能免去"):
        actions.excuse(
            session, candidate, actor=ROBOT, today=TODAY, item=Evidence.LICENCE.value, kind=WaiverKind.WAIVED,
            reason="还在办",
        )  # fmt: skip


def test_tutoring_lasts_three_months(session: Session) -> None:
    candidate = bring(session, a_candidate(session), Stage.TUTORING)
    filed = candidate.stage_on
    early = filed + dt.timedelta(80)
    fill(session, candidate, Stage.TUTORED, early)
    with pytest.raises(Refused, match="辅导期不少于 3 个月"):
        move(session, candidate, Stage.TUTORED, early)
    session.rollback()
    candidate = session.get_one(Candidate, candidate.id)
    fill(session, candidate, Stage.ACCEPTED, early)
    with pytest.raises(Refused, match="辅导期不少于 3 个月"):
        move(session, candidate, Stage.ACCEPTED, early + dt.timedelta(1))  # by a jump neither
    session.rollback()
    move(session, session.get_one(Candidate, candidate.id), Stage.TUTORED, filed + dt.timedelta(95))


def test_a_letter_runs_out(session: Session) -> None:
    candidate = bring(session, a_candidate(session), Stage.TUTORED)
    letter = candidate.stage_on
    fill(session, candidate, Stage.ACCEPTED, letter)
    with pytest.raises(Refused, match="已失效"):
        move(session, candidate, Stage.ACCEPTED, letter + dt.timedelta(366))
    session.rollback()
    move(session, session.get_one(Candidate, candidate.id), Stage.ACCEPTED, letter + dt.timedelta(300))


def test_an_approval_runs_out(session: Session) -> None:
    candidate = bring(session, a_candidate(session), Stage.EFFECTIVE, days=95)
    day = candidate.stage_on
    assert day + dt.timedelta(70) < TODAY
    fill(session, candidate, Stage.LISTED, day)
    with pytest.raises(Refused, match="已失效"):
        actions.move(
            session, candidate, actor=ROBOT, today=day + dt.timedelta(900), stage=Stage.LISTED,
            on=day + dt.timedelta(366),
        )  # fmt: skip


@pytest.mark.parametrize(
    ("stage", "left", "light"),
    [(Stage.TUTORED, 20, "y"), (Stage.TUTORED, 200, "g"), (Stage.TUTORED, -1, "r"), (Stage.EFFECTIVE, 60, "y"),
     (Stage.SUBMITTED, 3, "y"), (Stage.TUTORING, 5, "n"), (Stage.TUTORING, 0, "g")],
)  # fmt: skip
def test_a_clock_warns_before_it_runs_out(stage: Stage, left: int, light: str) -> None:
    since = dt.date(2026, 1, 15)
    clock = running(stage, State.ACTIVE, since, since + dt.timedelta(28))
    assert clock is not None
    assert clock.standing(clock.due_on - dt.timedelta(left)) == light
    assert running(stage, State.SUSPENDED, since, since) is None


def test_the_terms_are_those_of_the_sources() -> None:
    since = dt.date(2025, 11, 30)
    due = {}
    for stage in (Stage.TUTORING, Stage.TUTORED, Stage.EFFECTIVE):
        clock = running(stage, State.ACTIVE, since, since)
        assert clock is not None
        due[clock.kind] = clock.due_on
    assert due == {
        ClockKind.TUTORING: dt.date(2026, 2, 28), ClockKind.LETTER: dt.date(2026, 11, 29),
        ClockKind.APPROVAL: dt.date(2026, 11, 29),
    }  # fmt: skip


def test_withdrawn_and_filed_again_on_another_board(session: Session) -> None:
    candidate = bring(session, a_candidate(session), Stage.ACCEPTED)
    day = candidate.stage_on
    with pytest.raises(Refused, match="换板块要先撤回"):
        actions.change_board(
            session, candidate, actor=ROBOT, today=TODAY, board=Board.BSE, on=day, reason="不合适"
        )
    session.rollback()
    candidate = session.get_one(Candidate, candidate.id)
    actions.set_aside(
        session, candidate, actor=ROBOT, today=TODAY, state=State.WITHDRAWN, on=day + dt.timedelta(20), reason="主动撤回"
    )  # fmt: skip
    commit(session)
    with pytest.raises(Refused, match="请先恢复推进"):
        move(session, candidate, Stage.INQUIRY, day + dt.timedelta(21))
    session.rollback()
    candidate = session.get_one(Candidate, candidate.id)
    again = day + dt.timedelta(30)
    actions.resume(session, candidate, actor=ROBOT, today=TODAY, on=again, reason="改报北交所")
    commit(session)
    with pytest.raises(Refused, match="退回要写明原因"):
        move(session, candidate, Stage.TUTORED, again, reason="")
    session.rollback()
    candidate = session.get_one(Candidate, candidate.id)
    move(session, candidate, Stage.TUTORED, again, "改报北交所")
    actions.change_board(
        session, candidate, actor=ROBOT, today=TODAY, board=Board.BSE, on=again, reason="改报北交所"
    )
    commit(session)
    with pytest.raises(Refused, match="交易所受理通知"):  # the old notice is of the old application
        move(session, candidate, Stage.ACCEPTED, again + dt.timedelta(10))
    session.rollback()
    candidate = session.get_one(Candidate, candidate.id)
    step(session, candidate, Stage.ACCEPTED, again + dt.timedelta(10))
    assert candidate.board is Board.BSE and candidate.accepted_on == day
    boards = [row.board for row in queries.moves_of(session, candidate.id) if row.stage is Stage.ACCEPTED]
    assert boards[0] is Board.STAR and boards[-1] is Board.BSE


def test_a_side_exit_needs_a_reason_and_a_listed_firm_has_none(session: Session) -> None:
    candidate = a_candidate(session)
    with pytest.raises(Refused, match="原因"):
        actions.set_aside(
            session, candidate, actor=ROBOT, today=TODAY, state=State.ENDED, on=TODAY, reason=" "
        )
    session.rollback()
    listed = bring(session, session.get_one(Candidate, candidate.id), Stage.LISTED, days=95)
    assert listed.listed_on == listed.stage_on
    with pytest.raises(Refused, match="已经上市"):
        actions.set_aside(
            session, listed, actor=ROBOT, today=TODAY, state=State.ENDED, on=TODAY, reason="退市"
        )


def titles(session: Session, firm_id: int) -> dict[str, dt.date]:
    rows = session.execute(
        sa.select(Certification.kind, Certification.granted_on).where(Certification.firm_id == firm_id)
    )
    return {row.kind: row.granted_on for row in rows}


def test_a_reform_and_a_listing_are_titles_of_the_ladder(session: Session) -> None:
    candidate = bring(session, a_candidate(session), Stage.REFORM)
    assert titles(session, candidate.firm_id) == {"joint-stock": candidate.reformed_on}
    bring(session, candidate, Stage.LISTED, days=92)
    assert titles(session, candidate.firm_id) == {
        "joint-stock": candidate.reformed_on, "listed": candidate.listed_on,
    }  # fmt: skip


def test_an_undone_move_takes_its_title_along(session: Session) -> None:
    candidate = bring(session, a_candidate(session), Stage.DUE_DILIGENCE)
    number, firm = candidate.id, candidate.firm_id
    on = candidate.stage_on + dt.timedelta(10)
    fill(session, candidate, Stage.REFORM, on)
    person = people.actor(session, people.FINANCE)
    actions.move(session, candidate, actor=person, today=TODAY, stage=Stage.REFORM, on=on)
    running_now = audit.running(session)
    assert running_now is not None
    commit(session)
    assert titles(session, firm)
    session.rollback()
    undo(session, running_now.id, actor=person)
    commit(session)
    session.rollback()
    assert titles(session, firm) == {}
    again = session.get_one(Candidate, number, populate_existing=True)
    assert (again.stage, again.reformed_on) == (Stage.DUE_DILIGENCE, None)


def test_only_the_finance_office_writes(session: Session) -> None:
    candidate = a_candidate(session)
    for who in (people.LEADER, people.SCIENCE, people.INVESTMENT, people.AUDITOR):
        with pytest.raises(Forbidden):
            actions.set_aside(
                session, candidate, actor=people.actor(session, who), today=TODAY, state=State.ENDED, on=TODAY,
                reason="不再推进",
            )  # fmt: skip
