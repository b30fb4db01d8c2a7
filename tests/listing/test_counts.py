"""Random legal and illegal moves keep the laws, and every count as of a day is what a slow recount says."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from typing import Any

import sqlalchemy as sa
from hypothesis import HealthCheck, given
from hypothesis import settings as how
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from crm.core import audit, settings
from crm.core.months import add_months
from crm.core.permissions import Actor
from crm.core.pipeline import MoveKind
from crm.core.transaction import commit
from crm.core.words import Refused
from crm.listing import actions, queries
from crm.listing.models import Candidate, CandidateEvidence, CandidateMove
from crm.listing.rules.counting import COUNT_WITHDRAWN, PLAN_BEGAN
from crm.listing.rules.priority import SECTION
from crm.listing.rules.words import Board, Evidence, Stage, State
from tests import people
from tests.listing.cast import ROBOT, TODAY, a_candidate, fill, step

ORDER = list(Stage)
START = dt.date(2018, 10, 8)  # before the plan began

moved = st.tuples(st.just("move"), st.sampled_from(ORDER), st.integers(-3, 260))
filled = st.tuples(st.just("fill"), st.sampled_from(ORDER), st.just(0))
walked = st.tuples(st.just("walk"), st.integers(1, 4), st.integers(20, 200))
aside = st.tuples(st.just("aside"), st.sampled_from(list(State)), st.integers(-3, 60))
resumed = st.tuples(st.just("resume"), st.just(None), st.integers(-3, 60))
boarded = st.tuples(st.just("board"), st.sampled_from([*Board, None]), st.integers(-3, 60))
STEPS = st.lists(
    st.one_of(filled, walked, walked, moved, moved, aside, resumed, boarded), min_size=4, max_size=14
)


def act(session: Session, candidate: Candidate, name: str, what: Any, on: dt.date) -> None:
    common: dict[str, Any] = {"actor": ROBOT, "today": TODAY, "on": on, "reason": "按进度"}
    if name == "move":
        actions.move(session, candidate, stage=what, **common)
    elif name == "aside":
        actions.set_aside(session, candidate, state=what, **common)
    elif name == "resume":
        actions.resume(session, candidate, **common)
    else:
        actions.change_board(session, candidate, board=what, **common)


def recount(session: Session, kind: str, day: dt.date, with_withdrawn: bool) -> set[int]:
    """The slow way: every move and every document, one candidate at a time, in plain Python."""
    least, paper = {
        "reform": (Stage.REFORM, Evidence.LICENCE), "accepted": (Stage.ACCEPTED, Evidence.ACCEPTANCE),
    }[kind]  # fmt: skip
    found = set()
    for number in session.scalars(sa.select(Candidate.id).where(Candidate.archived_on.is_(None))):
        moves = session.scalars(
            sa.select(CandidateMove).where(CandidateMove.candidate_id == number).order_by(CandidateMove.id)
        ).all()
        reached = [move.on for move in moves if ORDER.index(move.stage) >= ORDER.index(least)]
        papers = [
            row.on
            for row in session.scalars(
                sa.select(CandidateEvidence).where(CandidateEvidence.candidate_id == number)
            )
            if row.kind is paper and row.removed_on is None
        ]
        if not reached:
            continue
        first = min(papers) if papers else min(reached)
        known = [move for move in moves if move.on <= day]
        is_gone = bool(known) and known[-1].state is State.WITHDRAWN
        if PLAN_BEGAN <= first <= day and (with_withdrawn or kind == "reform" or not is_gone):
            found.add(number)
    return found


def holds(session: Session, number: int) -> None:
    """What must always hold of one candidate."""
    candidate = session.get_one(Candidate, number, populate_existing=True)
    moves = session.scalars(
        sa.select(CandidateMove).where(CandidateMove.candidate_id == number).order_by(CandidateMove.id)
    ).all()
    assert [move.on for move in moves] == sorted(move.on for move in moves)
    assert moves[0].kind is MoveKind.REPORT
    last = moves[-1]
    assert (last.stage, last.state, last.board) == (candidate.stage, candidate.state, candidate.board)
    assert candidate.stage_on == [move.on for move in moves if move.from_stage is not move.stage][-1]
    for before, move in pairwise(moves):
        assert move.from_stage is before.stage
        ahead = ORDER.index(move.stage) - ORDER.index(before.stage)
        expected = {MoveKind.ADVANCE: ahead == 1, MoveKind.JUMP: ahead > 1, MoveKind.BACK: ahead < 0}
        assert expected.get(move.kind, ahead == 0)
        if ahead > 0:
            assert before.state is State.ACTIVE
            between = [
                stage.value for stage in ORDER[ORDER.index(before.stage) + 1 : ORDER.index(move.stage)]
            ]
            assert move.skipped == between
    filed = [move.on for move in moves if move.stage is Stage.TUTORING and move.kind is not MoveKind.BACK]
    for move in moves:
        if move.stage is Stage.TUTORED and move.from_stage is Stage.TUTORING and filed:
            papers = session.scalars(
                sa.select(CandidateEvidence.on).where(
                    CandidateEvidence.candidate_id == number,
                    CandidateEvidence.kind == Evidence.TUTORING_FILING,
                )
            ).all()
            assert move.on >= add_months(min([*papers, *filed]), 3)


@given(steps=STEPS, day=st.dates(PLAN_BEGAN - dt.timedelta(30), TODAY))
@how(
    max_examples=15, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
def test_the_laws_hold_and_the_counts_are_those_of_a_slow_recount(
    session: Session, steps: list[tuple[str, Any, int]], day: dt.date
) -> None:
    session.rollback()
    candidate = a_candidate(session, session.query(Candidate).count() + 1, on=START)
    number, clock = candidate.id, START
    for name, what, days in steps:
        candidate = session.get_one(Candidate, number, populate_existing=True)
        before = (candidate.stage, candidate.state, candidate.board, candidate.version)
        on = clock + dt.timedelta(days)
        try:
            if name == "fill":
                fill(session, candidate, what, clock)
            elif name == "walk":
                for stage in ORDER[ORDER.index(candidate.stage) + 1 :][:what]:
                    step(session, candidate, stage, min(clock + dt.timedelta(days), TODAY))
                    clock = candidate.stage_on
            else:
                act(session, candidate, name, what, on)
                commit(session)
                clock = max(clock, on)
        except Refused:
            session.rollback()
            if name not in ("fill", "walk"):
                again = session.get_one(Candidate, number, populate_existing=True)
                assert (again.stage, again.state, again.board, again.version) == before
        session.rollback()
        holds(session, number)
    viewer = people.actor(session, people.LEADER)
    for when in (day, TODAY, PLAN_BEGAN):
        check(session, when, viewer)
    session.rollback()


def check(session: Session, day: dt.date, viewer: Actor) -> None:
    with_withdrawn = settings.value(session, COUNT_WITHDRAWN)
    for row in queries.counts(session, day, viewer=viewer):
        assert set(row.ids) == recount(session, row.key, day, with_withdrawn), (row.key, day)
        wanted = queries.LIST.asked({"counted": f"{row.key}:{day.isoformat()}"}, TODAY)
        ids, _ = queries.matching(session, wanted, viewer)
        assert set(session.scalars(ids)) == set(row.visible)
        wanted = queries.LIST.asked({"counted": f"{row.key}-withdrawn:{day.isoformat()}"}, TODAY)
        ids, _ = queries.matching(session, wanted, viewer)
        assert set(session.scalars(ids)) == set(row.withdrawn)


def withdrawn(session: Session) -> Candidate:
    candidate = a_candidate(session, on=dt.date(2025, 1, 6))
    step(session, candidate, Stage.TUTORING, dt.date(2025, 3, 3))
    fill(session, candidate, Stage.ACCEPTED, dt.date(2025, 8, 4))
    act(session, candidate, "move", Stage.ACCEPTED, dt.date(2025, 8, 4))
    commit(session)
    act(session, candidate, "aside", State.WITHDRAWN, dt.date(2026, 2, 2))
    commit(session)
    return candidate


def test_a_withdrawn_application_counts_by_setting_and_is_marked(session: Session) -> None:
    candidate = withdrawn(session)
    viewer = people.actor(session, people.LEADER)

    def accepted(day: dt.date) -> tuple[list[int], list[int]]:
        row = next(row for row in queries.counts(session, day, viewer=viewer) if row.key == "accepted")
        return list(row.ids), list(row.withdrawn)

    assert accepted(dt.date(2026, 1, 1)) == ([candidate.id], [])
    assert accepted(TODAY) == ([candidate.id], [candidate.id])
    values: dict[str, Any] = {
        row.key: settings.value(session, row) for row in settings.DECLARED.values() if row.section == SECTION
    }
    settings.change(
        session, SECTION, values | {COUNT_WITHDRAWN.key: False}, actor=people.actor(session, people.FINANCE),
        version=settings.version_of(settings.rows_of(session, list(values))),
    )  # fmt: skip
    commit(session)
    assert accepted(dt.date(2026, 1, 1)) == ([candidate.id], [])
    assert accepted(TODAY) == ([], [candidate.id])  # not counted, still marked
    check(session, TODAY, viewer)


def test_a_reform_before_the_plan_is_not_counted_when_it_is_entered_late(session: Session) -> None:
    candidate = a_candidate(session, on=dt.date(2026, 5, 6))
    fill(session, candidate, Stage.DUE_DILIGENCE, dt.date(2026, 5, 6))
    for kind, day in ((Evidence.LICENCE, dt.date(2016, 4, 1)),):
        actions.prove(session, candidate, actor=ROBOT, today=TODAY, kind=kind, on=day, reference="执照")
        commit(session)
    fill(session, candidate, Stage.REFORM, dt.date(2026, 5, 6))
    act(session, candidate, "move", Stage.REFORM, dt.date(2026, 6, 1))
    assert audit.running(session) is not None
    commit(session)
    assert candidate.reformed_on == dt.date(2016, 4, 1)
    row = next(row for row in queries.counts(session, TODAY, viewer=ROBOT) if row.key == "reform")
    assert row.ids == []
