"""Candidates that go on; those whose planned day, or an obstacle's day, has passed; those whose listing day is unknown."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa

from crm.listing.models import Candidate, CandidatePlan, Obstacle
from crm.listing.rules.stages import PIPELINE
from crm.listing.rules.words import GOING, Stage, State

LISTED = Candidate.stage == Stage.LISTED
ONGOING = sa.and_(Candidate.state.in_(GOING), sa.not_(LISTED))  # what is listed has arrived
UNDATED = sa.and_(LISTED, Candidate.listed_on.is_(None))


def plan_late(today: dt.date) -> sa.ColumnElement[bool]:
    """Active candidates that have not reached a stage planned for a day before today."""
    behind = [
        sa.and_(
            Candidate.stage == stage,
            CandidatePlan.stage.in_([each for each in Stage if PIPELINE.order[each] > PIPELINE.order[stage]]),
        )
        for stage in Stage
        if stage is not Stage.LISTED
    ]
    passed = sa.exists().where(
        CandidatePlan.candidate_id == Candidate.id, CandidatePlan.on < today, sa.or_(*behind)
    )
    return sa.and_(Candidate.state == State.ACTIVE, passed)


def obstacle_late(today: dt.date) -> sa.ColumnElement[bool]:
    """Candidates that go on with an open obstacle whose day has passed."""
    passed = sa.exists().where(
        Obstacle.candidate_id == Candidate.id, Obstacle.closed_on.is_(None), Obstacle.due_on < today
    )
    return sa.and_(Candidate.state.in_(GOING), passed)
