"""One candidate: the record, its gate, its milestones and clocks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session, joinedload

from crm.core.permissions import Actor
from crm.core.pipeline import Line
from crm.core.words import N_, Missing
from crm.listing.models import (
    Candidate,
    CandidatePlan,
    Intermediary,
    MarketStay,
    Obstacle,
    Shareholder,
)
from crm.listing.queries.books import BOOKS
from crm.listing.queries.scope import visible_to
from crm.listing.rules.words import IntermediaryKind, Stage


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


moves_of, waivers_of, evidence_of, excuses = (
    BOOKS.moves_of, BOOKS.waivers_of, BOOKS.evidence_of, BOOKS.excuses,
)  # fmt: skip


def plans_of(session: Session, candidate_id: int) -> dict[Stage, dt.date]:
    """The planned days by stage."""
    rows = session.execute(
        sa.select(CandidatePlan.stage, CandidatePlan.on).where(CandidatePlan.candidate_id == candidate_id)
    )
    return {row.stage: row.on for row in rows}


def met_items(session: Session, candidates: Sequence[Candidate]) -> dict[int, set[str]]:
    """By candidate, the codes of the items of all gates that are there: two statements for any number."""
    found = BOOKS.met(session, candidates)
    ids = list(found)
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


def next_gate(session: Session, candidate: Candidate) -> tuple[Stage | None, list[Line]]:
    """The stage that comes next, and the lines of its gate; (None, []) at the end."""
    return BOOKS.next_gate(session, candidate, met_items)


def open_counts(session: Session, ids: Sequence[int]) -> Mapping[int, int]:
    """How many items the next stage of each candidate still needs."""
    return BOOKS.open_counts(session, ids, met_items)


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
