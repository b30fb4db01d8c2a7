"""What people say about staged rows: which firm, a new one, or set aside; and taking that back."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core import audit
from crm.core.permissions import Actor
from crm.core.words import N_, Missing, Refused
from crm.firms.models import Firm
from crm.ladder.actions.tagging.staging import open_for
from crm.ladder.models import TagBatch, TagRow
from crm.ladder.rules.tagging import MatchedBy
from crm.ladder.rules.words import Act, TagDecision, TagOutcome


def decide(
    session: Session,
    batch: TagBatch,
    row: TagRow,
    *,
    decision: TagDecision,
    actor: Actor,
    firm_id: int | None = None,
) -> TagRow:
    """Say which firm a row means, that it is a new one, or set it aside. Raises `Refused`."""
    open_for(batch, actor)
    if row.batch_id != batch.id:
        raise Missing(N_("没有这一行。"))
    if row.outcome is TagOutcome.REFUSED and decision in (TagDecision.ACCEPTED, TagDecision.NEW_FIRM):
        raise Refused(N_("这一行的内容有误，不能写入，请在名单里改正后重新上传。"))
    if decision is TagDecision.ACCEPTED:
        there = session.scalar(sa.select(Firm.id).where(Firm.id == firm_id, Firm.archived_on.is_(None)))
        if there is None:
            raise Refused(N_("请先选一家企业。"), field="choice")
    else:
        firm_id = None
    operation = audit.begin(
        session, actor=actor, action=Act.TAG_DECIDE, subject=("tag_batch", batch.id), row=row.row_no,
        decision=decision.value, firm_id=firm_id,
    )  # fmt: skip
    row.decision, row.firm_id = decision, firm_id
    row.how = (
        MatchedBy.PERSON.value
        if firm_id
        else (MatchedBy.NEW.value if decision is TagDecision.NEW_FIRM else None)
    )
    row.decided_by_id, row.decided_at = actor.user_id, operation.at
    session.flush()
    return row


def decide_all(
    session: Session, batch: TagBatch, *, outcome: TagOutcome, decision: TagDecision, actor: Actor
) -> int:
    """Decide all rows of an outcome that nobody has decided yet: unmatched ones become new firms or go back."""
    open_for(batch, actor)
    if outcome is not TagOutcome.UNMATCHED or decision is TagDecision.ACCEPTED:
        raise Refused(N_("请逐条核对。"))
    operation = audit.begin(
        session, actor=actor, action=Act.TAG_DECIDE, subject=("tag_batch", batch.id), decision=decision.value
    )
    how = MatchedBy.NEW.value if decision is TagDecision.NEW_FIRM else None
    rows = session.scalars(
        sa.select(TagRow).where(
            TagRow.batch_id == batch.id, TagRow.outcome == outcome, TagRow.decision.is_(None)
        )
    ).all()
    at = operation.at
    for row in rows:
        row.decision, row.how, row.decided_by_id, row.decided_at = decision, how, actor.user_id, at
    session.flush()
    return len(rows)


def take_back(session: Session, batch: TagBatch, *, actor: Actor, row: TagRow | None = None) -> TagRow | None:
    """Undo the last decision of this person (or that of one row). Returns the row, None when there is none."""
    open_for(batch, actor)
    if row is None:
        mine = (
            TagRow.decided_by_id == actor.user_id
            if actor.user_id is not None
            else TagRow.decided_by_id.is_(None)
        )
        row = session.scalars(
            sa.select(TagRow)
            .where(TagRow.batch_id == batch.id, TagRow.decided_at.is_not(None), mine)
            .order_by(TagRow.decided_at.desc(), TagRow.row_no.desc())
        ).first()
    if row is None or row.decision is None:
        return None
    audit.begin(session, actor=actor, action=Act.TAG_DECIDE, subject=("tag_batch", batch.id), row=row.row_no)
    row.decision = row.decided_by_id = row.decided_at = None
    if row.outcome is not TagOutcome.MATCHED:
        row.how, row.firm_id = None, None
    session.flush()
    return row
