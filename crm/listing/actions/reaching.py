"""What follows from a stage reached: its first day on the record, and the title the ladder keeps of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core.permissions import system
from crm.ladder.actions import Grant, grant_many
from crm.ladder.models import Certification
from crm.listing.models import Candidate, CandidateMove
from crm.listing.queries.record import proven
from crm.listing.rules.stages import PIPELINE
from crm.listing.rules.words import Stage

FIRST = {"reformed_on": Stage.REFORM, "accepted_on": Stage.ACCEPTED, "listed_on": Stage.LISTED}
TITLES = {Stage.REFORM: ("joint-stock", "reformed_on"), Stage.LISTED: ("listed", "listed_on")}


def days_of(session: Session, candidate: Candidate) -> None:
    """Bring the first days of a candidate up to date: of a stage it has reached, jumps included, the day of the first
    document, or else of the first move to it; jumped over without a document it has no day, and counts nowhere."""
    papers = proven(session, [candidate.id], is_first=True)[candidate.id]
    # taken in at a later stage: since when it stood there is not known
    is_entry = sa.or_(CandidateMove.from_stage.is_not(None), CandidateMove.stage == Stage.RESERVE)
    moves = session.execute(
        sa.select(CandidateMove.stage, sa.func.min(sa.case((is_entry, CandidateMove.on))).label("on"))
        .where(CandidateMove.candidate_id == candidate.id)
        .group_by(CandidateMove.stage)
    ).all()
    entered = {row.stage: row.on for row in moves}
    farthest = max((PIPELINE.order[row.stage] for row in moves), default=0)
    for column, stage in FIRST.items():
        is_reached = farthest >= PIPELINE.order[stage]
        first = papers.get(stage, entered.get(stage)) if is_reached else None
        if getattr(candidate, column) != first:
            setattr(candidate, column, first)
    session.flush()


def title(session: Session, candidate: Candidate, was: Stage, today: dt.date) -> None:
    """The joint-stock reform and the listing are titles of the ladder, which makes the move to "scaled up" of them:
    enter those a move ahead from `was` has brought, as the system, in the same operation. One the science bureau has
    entered already stays as it is."""
    _grant(session, candidate, PIPELINE.between(was, candidate.stage), today)


def dated(session: Session, candidate: Candidate, today: dt.date) -> None:
    """Bring the first days up to date after a document came, and enter the titles of stages whose day it has told."""
    known = {stage for column, stage in FIRST.items() if getattr(candidate, column) is not None}
    days_of(session, candidate)
    _grant(session, candidate, [stage for stage in FIRST.values() if stage not in known], today)


def _grant(session: Session, candidate: Candidate, stages: Iterable[Stage], today: dt.date) -> None:
    grants = []
    for stage in (each for each in stages if each in TITLES):
        kind, column = TITLES[stage]
        on = getattr(candidate, column)
        if on is not None and not _has(session, candidate.firm_id, kind):
            grants.append(Grant(candidate.firm_id, kind, on))
    if grants:
        grant_many(session, grants, actor=system("listing"), today=today)


def _has(session: Session, firm_id: int, kind: str) -> bool:
    held = sa.select(Certification.id).where(
        Certification.firm_id == firm_id, Certification.kind == kind, Certification.ended_on.is_(None)
    )
    return session.execute(held.limit(1)).first() is not None
