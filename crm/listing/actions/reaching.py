"""What follows from a stage reached: its first day on the record, and the title the ladder keeps of it."""

from __future__ import annotations

import datetime as dt

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
    entered = {
        row.stage: row.on
        for row in session.execute(
            sa.select(CandidateMove.stage, sa.func.min(CandidateMove.on).label("on"))
            .where(CandidateMove.candidate_id == candidate.id)
            .group_by(CandidateMove.stage)
        )
    }
    for column, stage in FIRST.items():
        days = [on for each, on in entered.items() if PIPELINE.order[each] >= PIPELINE.order[stage]]
        first = papers.get(stage, entered.get(stage)) if days else None
        if getattr(candidate, column) != first:
            setattr(candidate, column, first)
    session.flush()


def title(session: Session, candidate: Candidate, was: Stage, today: dt.date) -> None:
    """The joint-stock reform and the listing are titles of the ladder, which makes the move to "scaled up" of them:
    enter those a move ahead from `was` has brought, as the system, in the same operation. One the science bureau has
    entered already stays as it is."""
    reached = [stage for stage in PIPELINE.between(was, candidate.stage) if stage in TITLES]
    grants = []
    for stage in reached:
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
