"""Documents of a candidate, why an item of a gate is not there, the planned days."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.activities.models import Attachment
from crm.core import audit
from crm.core.permissions import Actor
from crm.core.pipeline import WaiverKind
from crm.core.pipeline.histories import check_waiver
from crm.core.words import N_, Refused
from crm.firms.rules.standing import check_reason
from crm.listing.actions import guards
from crm.listing.actions.reaching import days_of
from crm.listing.models import Candidate, CandidateEvidence, CandidatePlan, CandidateWaiver
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
    guards.past(on, today)
    number = " ".join((reference or "").split())[:200] or None
    if number is None and attachment_id is None:
        raise Refused(N_("请上传文件，或写明文号。"), field="reference")
    if attachment_id is not None:
        here = sa.select(Attachment.id).where(
            Attachment.id == attachment_id, Attachment.kind == "candidate", Attachment.subject_id == candidate.id,
            Attachment.removed_on.is_(None),
        )  # fmt: skip
        if session.scalar(here) is None:
            raise Refused(N_("这个文件不在这家后备企业上。"), field="attachment")
    audit.begin(session, actor=actor, action=Act.PROVE, subject=("candidate", candidate.id), kind=kind.value)
    made = CandidateEvidence(
        candidate_id=candidate.id, kind=kind, on=on, reference=number, attachment_id=attachment_id
    )
    session.add(made)
    session.flush()
    days_of(session, candidate)
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
    why = check_reason(reason)
    if row.removed_on is not None:
        raise Refused(N_("这份凭证已经收起。"))
    audit.begin(session, actor=actor, action=Act.PROOF_DROP, subject=("candidate", candidate.id))
    row.removed_on, row.removed_reason = today, why
    session.flush()
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
    found = PIPELINE.items.get(item)
    if found is None:
        raise Refused(N_("没有这一项。"), field="item")
    why = check_waiver(
        kind, can_be_unknown=found.can_be_unknown, can_be_waived=found.can_be_waived, label=found.label,
        reason=reason, until_on=until_on, today=today,
    )  # fmt: skip
    audit.begin(session, actor=actor, action=Act.EXCUSE, subject=("candidate", candidate.id), item=item)
    row = session.execute(
        sa.select(CandidateWaiver).where(
            CandidateWaiver.candidate_id == candidate.id, CandidateWaiver.item == item
        )
    ).scalar_one_or_none()
    if row is None:
        row = CandidateWaiver(candidate_id=candidate.id, item=item)
        session.add(row)
    row.kind, row.reason, row.until_on = kind, why, until_on
    session.flush()
    return row


def take_back(session: Session, candidate: Candidate, row: CandidateWaiver, *, actor: Actor) -> None:
    """The excuse does not hold any more."""
    guards.ready(session, candidate, actor)
    audit.begin(session, actor=actor, action=Act.UNEXCUSE, subject=("candidate", candidate.id), item=row.item)
    session.delete(row)
    session.flush()


def plan(
    session: Session, candidate: Candidate, *, actor: Actor, stage: Stage, on: dt.date | None
) -> CandidatePlan | None:
    """Set the day a stage is meant to be reached, or take it away. Raises `Refused` for a plan out of order."""
    guards.ready(session, candidate, actor)
    rows = {
        row.stage: row
        for row in session.scalars(sa.select(CandidatePlan).where(CandidatePlan.candidate_id == candidate.id))
    }
    if on is not None:
        for other, row in rows.items():
            ahead = PIPELINE.order[other] > PIPELINE.order[stage]
            if other is not stage and ((ahead and row.on < on) or (not ahead and row.on > on)):
                raise Refused(
                    N_("「%(stage)s」计划在 %(day)s，前后颠倒了。"), stage=other, day=row.on, field="on"
                )
    audit.begin(session, actor=actor, action=Act.PLAN, subject=("candidate", candidate.id), stage=stage.value)
    found = rows.get(stage)
    if on is None:
        if found is not None:
            session.delete(found)
    elif found is None:
        found = CandidatePlan(candidate_id=candidate.id, stage=stage, on=on)
        session.add(found)
    else:
        found.on = on
    session.flush()
    return found if on is not None else None
