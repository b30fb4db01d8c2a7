"""How long the steps take, who is stuck, what comes up, and what changed in a month."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core.permissions import Actor
from crm.firms.models import Firm
from crm.listing.models import Candidate, CandidateMove, CandidatePlan, Intermediary, Obstacle
from crm.listing.queries.scope import visible_to
from crm.listing.rules.stages import PIPELINE
from crm.listing.rules.words import IntermediaryKind, Stage, State


@dataclass(frozen=True, slots=True)
class Step:
    """How long a stage took those who have left it: the median in days, of how many; how many stand at it now."""

    stage: Stage
    days: float | None
    left: int
    here: int


@dataclass(frozen=True, slots=True)
class Stuck:
    """A candidate that has stood at its stage for longer than the median, or than half a year without one."""

    id: int
    name: str
    stage: Stage
    since: dt.date
    days: int
    usual: float | None


@dataclass(frozen=True, slots=True)
class ByFirm:
    """What an intermediary has at hand, and how long its candidates took to be accepted since their tutoring began."""

    name: str
    kind: IntermediaryKind
    at_work: int
    days: float | None


def steps(session: Session, viewer: Actor) -> list[Step]:
    """Median days a stage, by the stages left. Two statements."""
    took: dict[Stage, list[int]] = {}
    left = (
        sa.select(CandidateMove.from_stage, CandidateMove.days)
        .join(Candidate, Candidate.id == CandidateMove.candidate_id)
        .where(
            visible_to(viewer), Candidate.archived_on.is_(None), CandidateMove.days.is_not(None),
            CandidateMove.from_stage != CandidateMove.stage,
        )
    )  # fmt: skip
    for stage, days in session.execute(left):
        if stage is not None and days is not None:
            took.setdefault(stage, []).append(days)
    standing = dict(
        (row.stage, row.n)
        for row in session.execute(
            sa.select(Candidate.stage, sa.func.count().label("n"))
            .where(visible_to(viewer), Candidate.archived_on.is_(None), Candidate.state == State.ACTIVE)
            .group_by(Candidate.stage)
        )
    )
    return [
        Step(
            stage,
            median(took[stage]) if stage in took else None,
            len(took.get(stage, [])),
            standing.get(stage, 0),
        )
        for stage in Stage
    ]


HALF_A_YEAR = 183


def stuck(session: Session, viewer: Actor, today: dt.date, usual: Sequence[Step]) -> list[Stuck]:
    """Those who stand longer than is usual, the longest first."""
    medians = {step.stage: step.days for step in usual}
    rows = session.execute(
        sa.select(Candidate.id, Firm.name, Candidate.stage, Candidate.stage_on)
        .join(Firm, Firm.id == Candidate.firm_id)
        .where(
            visible_to(viewer), Candidate.archived_on.is_(None), Candidate.state == State.ACTIVE,
            Candidate.stage != Stage.LISTED,
        )
        .order_by(Candidate.stage_on, Candidate.id)
    )  # fmt: skip
    found = []
    for row in rows:
        days, median_days = (today - row.stage_on).days, medians[row.stage]
        if days > (median_days if median_days is not None else HALF_A_YEAR):
            found.append(Stuck(row.id, row.name, row.stage, row.stage_on, days, median_days))
    return found


def by_intermediary(session: Session, viewer: Actor) -> list[ByFirm]:
    """What each intermediary has at hand. Two statements."""
    rows = session.execute(
        sa.select(Intermediary.name, Intermediary.kind, Intermediary.candidate_id)
        .join(Candidate, Candidate.id == Intermediary.candidate_id)
        .where(visible_to(viewer), Candidate.archived_on.is_(None), Intermediary.to_on.is_(None))
        .order_by(Intermediary.kind, Intermediary.name)
    ).all()
    filed, accepted = CandidateMove.stage == Stage.TUTORING, CandidateMove.stage == Stage.ACCEPTED
    spans = session.execute(
        sa.select(
            CandidateMove.candidate_id,
            sa.func.min(sa.case((filed, CandidateMove.on))).label("filed"),
            sa.func.min(sa.case((accepted, CandidateMove.on))).label("accepted"),
        ).group_by(CandidateMove.candidate_id)
    )
    took = {
        row.candidate_id: (row.accepted - row.filed).days
        for row in spans
        if row.filed is not None and row.accepted is not None and row.accepted >= row.filed
    }
    grouped: dict[tuple[str, IntermediaryKind], list[int]] = {}
    for row in rows:
        grouped.setdefault((row.name, row.kind), []).append(row.candidate_id)
    return [
        ByFirm(
            name,
            kind,
            len(set(ids)),
            median(days) if (days := [took[each] for each in sorted(set(ids)) if each in took]) else None,
        )
        for (name, kind), ids in grouped.items()
    ]


def coming(session: Session, viewer: Actor, first: dt.date, last: dt.date) -> list[Any]:
    """Planned days and days of obstacles between two days: (on, kind, id, name, what), in their order."""
    planned = session.execute(
        sa.select(
            CandidatePlan.on, CandidatePlan.stage, Candidate.id, Candidate.stage.label("now"), Firm.name
        )
        .join(Candidate, Candidate.id == CandidatePlan.candidate_id)
        .join(Firm, Firm.id == Candidate.firm_id)
        .where(visible_to(viewer), Candidate.archived_on.is_(None), CandidatePlan.on.between(first, last))
    )
    found: list[Any] = [
        (row.on, "plan", row.id, row.name, row.stage)
        for row in planned
        if PIPELINE.order[row.stage] > PIPELINE.order[row.now]
    ]
    due = session.execute(
        sa.select(Obstacle.due_on, Obstacle.text, Candidate.id, Firm.name)
        .join(Candidate, Candidate.id == Obstacle.candidate_id)
        .join(Firm, Firm.id == Candidate.firm_id)
        .where(
            visible_to(viewer), Candidate.archived_on.is_(None), Obstacle.closed_on.is_(None),
            Obstacle.due_on.between(first, last),
        )
    )  # fmt: skip
    found += [(row.due_on, "obstacle", row.id, row.name, row.text) for row in due]
    return sorted(found, key=lambda item: (item[0], item[3], item[1]))


def changed_in(session: Session, viewer: Actor, first: dt.date, last: dt.date) -> list[Any]:
    """The moves of a month, the latest first."""
    return list(
        session.execute(
            sa.select(
                CandidateMove.on, CandidateMove.kind, CandidateMove.from_stage, CandidateMove.stage,
                CandidateMove.state, CandidateMove.board, CandidateMove.reason, Candidate.id, Firm.name,
            )
            .join(Candidate, Candidate.id == CandidateMove.candidate_id)
            .join(Firm, Firm.id == Candidate.firm_id)
            .where(visible_to(viewer), Candidate.archived_on.is_(None), CandidateMove.on.between(first, last))
            .order_by(CandidateMove.on.desc(), CandidateMove.id.desc())
            .limit(500)
        )
    )  # fmt: skip
