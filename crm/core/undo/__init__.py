"""Undo of an operation from its change rows, whole or not at all. An undo is an operation itself: it can be undone.

Inserted rows are deleted when they are unchanged and nothing refers to them; changed columns get their old values
back where they still hold what the operation wrote; deleted rows come back with their ids. Versions only grow.
Derived state follows by `transaction.DERIVE` at the commit.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from crm.core import audit
from crm.core.audit import AuditEnvelope
from crm.core.permissions import Actor
from crm.core.transaction import violated
from crm.core.undo.obstacles import ACTIONS, MOST, Blocked, blocked
from crm.core.undo.planning import plan_of, taken
from crm.core.undo.wanting import require_whole, would_lack
from crm.core.undo.writing import write
from crm.core.words import N_, Missing, Refused

__all__ = ["ACTIONS", "MOST", "Blocked", "can_undo", "undo"]


def undo(session: Session, operation_id: str, *, actor: Actor) -> audit.Operation:
    """Undo a committed operation; the caller commits. Returns the operation the undo is part of.

    Raises `Blocked` (nothing changed) when something later stands in the way, `Missing` when there is no such
    operation, `Refused` when it changed nothing or would leave a record without what it must have.
    """
    session.flush()
    envelope = _envelope(session, operation_id)
    plans, obstacles = plan_of(session, operation_id)
    if obstacles:
        raise blocked(session, envelope, obstacles)
    operation = audit.begin(
        session,
        actor=actor,
        action="operation.undone",
        subject=(envelope.subject_kind, envelope.subject_id or 0) if envelope.subject_kind else None,
        undone=operation_id,
        undone_action=envelope.action,
    )
    operation.params.setdefault("undone", operation_id)
    try:
        with session.begin_nested():
            write(session, plans, operation)
            require_whole(session, plans)
    except IntegrityError as error:
        raise blocked(session, envelope, taken(session, plans, violated(error))) from error
    session.expire_all()
    return operation


def can_undo(session: Session, operation_id: str) -> Refused | None:
    """What would stop an undo now; None when nothing does."""
    try:
        envelope = _envelope(session, operation_id)
        plans, obstacles = plan_of(session, operation_id, lock=False)
    except Refused as refusal:
        return refusal
    return blocked(session, envelope, obstacles) if obstacles else would_lack(session, plans)


def _envelope(session: Session, operation_id: str) -> AuditEnvelope:
    found = session.scalar(sa.select(AuditEnvelope).where(AuditEnvelope.operation == operation_id))
    if found is None:
        raise Missing(N_("没有这次操作。"))
    return found
