"""One candidate: the record, its gate, its milestones and clocks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from crm.core.permissions import Actor
from crm.core.pipeline import Line, MoveKind
from crm.core.words import N_, Missing
from crm.listing.models import (
    Candidate,
    CandidateEvidence,
    CandidateMove,
    CandidatePlan,
    CandidateWaiver,
    Intermediary,
    MarketStay,
    Obstacle,
    Shareholder,
)
from crm.listing.queries.scope import visible_to
from crm.listing.rules.stages import PIPELINE, PROOFS
from crm.listing.rules.words import FILING, IntermediaryKind, Stage


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel another feature shows on a candidate's page, loaded when it comes into view. The check of a board's
    standards is to be one of these."""

    title: str
    endpoint: str
    needs: str = "listing:read"
    by_kind: bool = False  # it serves every kind of record

    def values(self, candidate_id: int) -> dict[str, str | int]:
        """What its address takes."""
        if self.by_kind:
            return {"kind": "candidate", "record_id": candidate_id}
        return {"candidate_id": candidate_id}


PANELS: list[Panel] = []  # filled by the factory


@dataclass(frozen=True, slots=True)
class Milestone:
    """A stage as the milestone line draws it: planned, actual."""

    stage: Stage
    planned_on: dt.date | None
    actual_on: dt.date | None
    is_done: bool
    is_now: bool

    def lag(self, today: dt.date) -> int:
        """How many days behind its plan it was reached, or is; 0 when it is not."""
        if self.planned_on is None or (self.actual_on is None and (self.is_done or self.is_now)):
            return 0
        return max(((self.actual_on or today) - self.planned_on).days, 0)


def get_candidate(session: Session, candidate_id: int, *, viewer: Actor) -> Candidate:
    """The candidate with its firm and officer. Raises `Missing` when there is none, or none to be seen."""
    found = None
    if 0 < candidate_id < 2**63:
        found = session.execute(
            sa.select(Candidate)
            .options(joinedload(Candidate.firm), joinedload(Candidate.officer))
            .where(Candidate.id == candidate_id, visible_to(viewer))
        ).scalar_one_or_none()
    if found is None:
        raise Missing(N_("没有这家后备企业，或者您不能查看它。"))
    return found


def of_firm(session: Session, firm_id: int, *, viewer: Actor) -> Candidate | None:
    """The candidate a firm is, if it is one and may be seen."""
    return session.execute(
        sa.select(Candidate)
        .options(joinedload(Candidate.firm), joinedload(Candidate.officer))
        .where(Candidate.firm_id == firm_id, Candidate.is_current == 1, visible_to(viewer))
    ).scalar_one_or_none()


def moves_of(session: Session, candidate_id: int) -> Sequence[CandidateMove]:
    """The moves of a candidate, oldest first."""
    return session.scalars(
        sa.select(CandidateMove)
        .where(CandidateMove.candidate_id == candidate_id)
        .order_by(CandidateMove.on, CandidateMove.id)
        .limit(500)
    ).all()


def reached(moves: Sequence[CandidateMove]) -> dict[Stage, dt.date]:
    """The day each stage was last entered."""
    return {move.stage: move.on for move in moves if move.from_stage is not move.stage}


def proven(
    session: Session, ids: Sequence[int], *, is_first: bool = False
) -> dict[int, dict[Stage, dt.date]]:
    """By candidate, the day of each stage's latest document (`is_first`: the first). One statement."""
    day = sa.func.min(CandidateEvidence.on) if is_first else sa.func.max(CandidateEvidence.on)
    stages = {kind: stage for stage, kind in PROOFS.items()}
    found: dict[int, dict[Stage, dt.date]] = {each: {} for each in ids}
    for candidate_id, kind, on in session.execute(
        sa.select(CandidateEvidence.candidate_id, CandidateEvidence.kind, day)
        .where(
            CandidateEvidence.candidate_id.in_(ids), CandidateEvidence.removed_on.is_(None),
            CandidateEvidence.kind.in_(list(stages)),
        )
        .group_by(CandidateEvidence.candidate_id, CandidateEvidence.kind)
    ):  # fmt: skip
        found[candidate_id][stages[kind]] = on
    return found


def term_days(session: Session, ids: Sequence[int]) -> dict[int, dict[Stage, dt.date]]:
    """By candidate, the day the term of a stage began: of its document, or else of the last time it was come to from
    below. Two statements."""
    found: dict[int, dict[Stage, dt.date]] = {each: {} for each in ids}
    for row in session.execute(
        sa.select(CandidateMove.candidate_id, CandidateMove.stage, sa.func.max(CandidateMove.on).label("on"))
        .where(
            CandidateMove.candidate_id.in_(ids),
            CandidateMove.kind.in_((MoveKind.REPORT, MoveKind.ADVANCE, MoveKind.JUMP)),
        )
        .group_by(CandidateMove.candidate_id, CandidateMove.stage)
    ):
        found[row.candidate_id][row.stage] = row.on
    for candidate_id, days in proven(session, ids).items():
        found[candidate_id] |= days
    return found


def plans_of(session: Session, candidate_id: int) -> dict[Stage, dt.date]:
    """The planned days by stage."""
    rows = session.execute(
        sa.select(CandidatePlan.stage, CandidatePlan.on).where(CandidatePlan.candidate_id == candidate_id)
    )
    return {row.stage: row.on for row in rows}


def milestones(
    candidate: Candidate, moves: Sequence[CandidateMove], plans: Mapping[Stage, dt.date]
) -> list[Milestone]:
    """The line of milestones: of stages ahead of where it stands only the plan counts."""
    days, here = reached(moves), PIPELINE.order[candidate.stage]
    return [
        Milestone(
            stage, plans.get(stage), days.get(stage) if place <= here else None, place < here, place == here
        )
        for stage, place in PIPELINE.order.items()
    ]


def met_items(session: Session, candidates: Sequence[Candidate]) -> dict[int, set[str]]:
    """By candidate, the codes of the items of all gates that are there: three statements for any number. Documents of
    an application that was gone back from do not count for the next one."""
    ids = [candidate.id for candidate in candidates]
    found: dict[int, set[str]] = {}
    for candidate in candidates:
        codes = {"board", "target"} if candidate.board is not None else set()
        found[candidate.id] = codes | ({"stock_code"} if candidate.stock_code else set())
    below = [stage for stage in Stage if PIPELINE.order[stage] < PIPELINE.order[Stage.ACCEPTED]]
    anew = {
        candidate_id: on
        for candidate_id, on in session.execute(
            sa.select(CandidateMove.candidate_id, sa.func.max(CandidateMove.on))
            .where(
                CandidateMove.candidate_id.in_(ids), CandidateMove.kind == MoveKind.BACK,
                CandidateMove.stage.in_(below), CandidateMove.from_stage.not_in(below),
            )
            .group_by(CandidateMove.candidate_id)
        )
    }  # fmt: skip
    for candidate_id, paper, on in session.execute(
        sa.select(CandidateEvidence.candidate_id, CandidateEvidence.kind, sa.func.max(CandidateEvidence.on))
        .where(CandidateEvidence.candidate_id.in_(ids), CandidateEvidence.removed_on.is_(None))
        .group_by(CandidateEvidence.candidate_id, CandidateEvidence.kind)
    ):
        since = anew.get(candidate_id)
        if paper not in FILING or since is None or on >= since:
            found[candidate_id].add(paper.value)
    for candidate_id, kind in session.execute(
        sa.select(Intermediary.candidate_id, Intermediary.kind)
        .where(Intermediary.candidate_id.in_(ids), Intermediary.to_on.is_(None))
        .distinct()
    ):
        found[candidate_id].add(
            {
                IntermediaryKind.SPONSOR: "sponsor",
                IntermediaryKind.LAWYER: "law-firm",
                IntermediaryKind.AUDITOR: "audit-firm",
            }.get(kind, kind.value)
        )
    return found


def excuses(session: Session, ids: Sequence[int]) -> dict[int, dict[str, str]]:
    """By candidate, the reasons of the items that are excused: one statement for any number."""
    found: dict[int, dict[str, str]] = {candidate_id: {} for candidate_id in ids}
    for row in session.execute(
        sa.select(CandidateWaiver.candidate_id, CandidateWaiver.item, CandidateWaiver.reason).where(
            CandidateWaiver.candidate_id.in_(ids)
        )
    ):
        found[row.candidate_id][row.item] = row.reason
    return found


def next_gate(session: Session, candidate: Candidate) -> tuple[Stage | None, list[Line]]:
    """The stage that comes next, and the lines of its gate; (None, []) at the end."""
    target = PIPELINE.next_of(candidate.stage)
    if target is None:
        return None, []
    met = met_items(session, [candidate])[candidate.id]
    return target, PIPELINE.gate(target, met, excuses(session, [candidate.id])[candidate.id])


def open_counts(session: Session, ids: Sequence[int]) -> Mapping[int, int]:
    """How many items the next stage of each candidate still needs."""
    candidates = session.scalars(sa.select(Candidate).where(Candidate.id.in_(ids))).all()
    met, excused = met_items(session, candidates), excuses(session, ids)
    found = {}
    for candidate in candidates:
        target = PIPELINE.next_of(candidate.stage)
        lines = PIPELINE.gate(target, met[candidate.id], excused[candidate.id]) if target else []
        found[candidate.id] = sum(line.is_open for line in lines)
    return found


def evidence_of(session: Session, candidate_id: int) -> Sequence[CandidateEvidence]:
    """Documents that were not put away, the latest first."""
    return session.scalars(
        sa.select(CandidateEvidence)
        .where(CandidateEvidence.candidate_id == candidate_id, CandidateEvidence.removed_on.is_(None))
        .order_by(CandidateEvidence.on.desc(), CandidateEvidence.id.desc())
        .limit(100)
    ).all()


def waivers_of(session: Session, candidate_id: int) -> dict[str, CandidateWaiver]:
    """What is excused, by the code of its item."""
    rows = session.scalars(sa.select(CandidateWaiver).where(CandidateWaiver.candidate_id == candidate_id))
    return {row.item: row for row in rows}


def intermediaries_of(session: Session, candidate_id: int) -> Sequence[Intermediary]:
    """Who works on the listing, those at work first."""
    return session.scalars(
        sa.select(Intermediary)
        .where(Intermediary.candidate_id == candidate_id)
        .order_by(
            Intermediary.to_on.is_not(None), Intermediary.kind, Intermediary.from_on.desc(), Intermediary.id
        )
        .limit(50)
    ).all()


def obstacles_of(session: Session, candidate_id: int) -> Sequence[Obstacle]:
    """What stands in the way: open ones by their day, then those settled."""
    return session.scalars(
        sa.select(Obstacle)
        .options(joinedload(Obstacle.owner), joinedload(Obstacle.unit))
        .where(Obstacle.candidate_id == candidate_id)
        .order_by(Obstacle.closed_on.is_not(None), Obstacle.due_on, Obstacle.id)
        .limit(50)
    ).all()


def markets_of(session: Session, candidate_id: int) -> Sequence[MarketStay]:
    """The markets it was on, the latest first."""
    return session.scalars(
        sa.select(MarketStay)
        .where(MarketStay.candidate_id == candidate_id)
        .order_by(MarketStay.from_on.desc(), MarketStay.id.desc())
        .limit(20)
    ).all()


def shareholders_of(session: Session, candidate_id: int) -> Sequence[Shareholder]:
    """The shareholders of the latest day on record, the largest first."""
    latest = (
        sa.select(sa.func.max(Shareholder.on))
        .where(Shareholder.candidate_id == candidate_id)
        .scalar_subquery()
    )
    return session.scalars(
        sa.select(Shareholder)
        .where(Shareholder.candidate_id == candidate_id, Shareholder.on == latest)
        .order_by(Shareholder.basis_points.desc(), Shareholder.id)
        .limit(100)
    ).all()
