"""Documents of a candidate, why an item of a gate is not there, the planned days."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.activities.queries.files import has_file
from crm.core import audit
from crm.core.permissions import Actor
from crm.core.pipeline import WaiverKind, papers
from crm.core.pipeline.declaring import check_planned
from crm.core.words import N_, Refused
from crm.listing.actions import guards
from crm.listing.actions.reaching import dated, days_of
from crm.listing.models import Candidate, CandidateEvidence, CandidatePlan, CandidateWaiver
from crm.listing.queries.books import BOOKS
from crm.listing.rules.stages import PIPELINE
from crm.listing.rules.words import Act, Evidence, Stage


def prove(
    session: Session,
    candidate: Candidate,
    *,
    actor: Actor,
    today: dt.date,
    kind: Evidence,
    on: dt.date,
    reference: str | None = None,
    attachment_id: int | None = None,
) -> CandidateEvidence:
    """Note a document: a file of the candidate, or the number it can be found under. Raises `Refused`."""
    guards.ready(session, candidate, actor)
    guards.held(session, candidate)
    made = papers.prove(
        session, BOOKS, candidate, Act.PROVE, actor=actor, today=today, kind=kind, on=on, reference=reference,
        attachment_id=attachment_id,
        is_here=attachment_id is None or has_file(session, "candidate", candidate.id, attachment_id),
    )  # fmt: skip
    dated(session, candidate, today)
    return made


def put_away(
    session: Session,
    candidate: Candidate,
    row: CandidateEvidence,
    *,
    actor: Actor,
    today: dt.date,
    reason: str | None,
) -> None:
    """Put a document away with a reason; nothing is deleted."""
    guards.ready(session, candidate, actor)
    papers.put_away(session, BOOKS, candidate, Act.PROOF_DROP, row, actor=actor, today=today, reason=reason)
    days_of(session, candidate)


def excuse(
    session: Session,
    candidate: Candidate,
    *,
    actor: Actor,
    today: dt.date,
    item: str,
    kind: WaiverKind,
    reason: str | None,
    until_on: dt.date | None = None,
) -> CandidateWaiver:
    """Say that an item cannot be known yet, and until when, or waive it. Only where the stage table allows it."""
    guards.ready(session, candidate, actor)
    return papers.excuse(
        session, BOOKS, candidate, Act.EXCUSE, actor=actor, today=today, item=item, kind=kind, reason=reason,
        until_on=until_on,
    )  # fmt: skip


def take_back(session: Session, candidate: Candidate, row: CandidateWaiver, *, actor: Actor) -> None:
    """The excuse does not hold any more."""
    guards.ready(session, candidate, actor)
    papers.take_back(session, BOOKS, candidate, Act.UNEXCUSE, row, actor=actor)


def plan(
    session: Session,
    candidate: Candidate,
    *,
    actor: Actor,
    stage: Stage,
    on: dt.date | None,
    version: int | None = None,
) -> CandidatePlan | None:
    """Set the day a stage is meant to be reached, or take it away. Raises `Conflict`, and `Refused` for a plan out of
    order."""
    guards.ready(session, candidate, actor, version)
    rows = {
        row.stage: row
        for row in session.scalars(sa.select(CandidatePlan).where(CandidatePlan.candidate_id == candidate.id))
    }
    if on is not None:
        check_planned(on)
        for other, row in rows.items():
            ahead = PIPELINE.order[other] > PIPELINE.order[stage]
            if other is not stage and ((ahead and row.on < on) or (not ahead and row.on > on)):
                raise Refused(
                    N_("「%(stage)s」计划在 %(day)s，前后颠倒了。"), stage=other, day=row.on, field="on"
                )
    found = rows.get(stage)
    if (None if found is None else found.on) == on:
        return found
    audit.begin(session, actor=actor, action=Act.PLAN, subject=("candidate", candidate.id), stage=stage.value)
    guards.touch(candidate)
    if on is None:
        session.delete(found)
    elif found is None:
        found = CandidatePlan(candidate_id=candidate.id, stage=stage, on=on)
        session.add(found)
    else:
        found.on = on
    session.flush()
    return found if on is not None else None
