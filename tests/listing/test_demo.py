"""The demo's reserve keeps the laws of the real one and shows every stage."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core.pipeline import MoveKind
from crm.core.transaction import commit
from crm.demo.actions import enter_candidates, enter_firms, enter_people
from crm.demo.rules.reserve import COUNT
from crm.listing import queries
from crm.listing.models import Candidate, CandidateMove, Obstacle
from crm.listing.queries.importing import PART, with_all
from crm.listing.rules.stages import PIPELINE
from crm.listing.rules.words import Stage, State
from tests.listing.cast import ROBOT, TODAY
from tests.projects.cast import AT


def test_the_reserve_is_entered_once_with_every_stage_and_every_gate_met(session: Session) -> None:
    enter_people(session, actor=ROBOT, at=AT)
    commit(session)
    enter_firms(session, 300, seed=1, today=TODAY, at=AT, actor=ROBOT)
    assert enter_candidates(session, seed=1, today=TODAY, actor=ROBOT) == COUNT
    assert enter_candidates(session, seed=1, today=TODAY, actor=ROBOT) == 0
    session.expire_all()
    everyone = session.scalars(sa.select(Candidate)).all()
    assert len(everyone) == COUNT <= PART and {one.stage for one in everyone} >= set(Stage) - {Stage.INQUIRY}
    assert {one.state for one in everyone} >= {State.ACTIVE, State.SUSPENDED, State.ENDED}
    for there in with_all(session, everyone):
        one = there.candidate
        assert not PIPELINE.missing(Stage.RESERVE, one.stage, there.met, there.excused), one.id
        moves = queries.moves_of(session, one.id)
        assert [move.on for move in moves] == sorted(move.on for move in moves)
        assert moves[-1].on <= TODAY and (moves[-1].stage, moves[-1].state) == (one.stage, one.state)
    assert {count.count > 0 for count in queries.counts(session, TODAY, viewer=ROBOT)} == {True}
    kinds = set(session.scalars(sa.select(CandidateMove.kind)))
    assert {MoveKind.BOARD, MoveKind.BACK, MoveKind.RESUME, MoveKind.ASIDE} <= kinds
    assert session.scalar(sa.select(sa.func.count()).select_from(Obstacle))
