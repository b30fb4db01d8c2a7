"""Undo of an operation from its page: by those who could have done it, with what stands in the way in words."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.activities.models import NextStep
from crm.activities.rules.words import StepState
from crm.core import audit, undo
from crm.core.audit import AuditChange, AuditEnvelope
from crm.core.permissions import Actor, Forbidden, Scope
from crm.core.words import N_, Message, Missing, Refused
from crm.firms.actions import writing
from crm.firms.models import ImportBatch
from crm.firms.rules.columns import SHEETS, may_import
from crm.firms.rules.words import SheetKind
from crm.ladder.actions.tagging.writing import undo_batch
from crm.ladder.models import TagBatch
from crm.overview.queries import operations as queries
from crm.overview.rules.operations import IMPORT_WRITE, TAG_WRITE

WHOLE = {IMPORT_WRITE: "firm:import", TAG_WRITE: "ladder:tag"}
NOT_YOURS = N_("这次操作您不能撤销：")
NO_RIGHT = N_("您没有做这件事的权限。")
# what an import or a published list keeps of itself: put right by its own undo
BATCHES = {"import_batches": "firm:import", "tag_batches": "ladder:tag"}
# rows of follow-up that an operation on a record took along: who may change the record may take them back
ALONG = frozenset(
    {"next_steps", "step_moves", "activities", "activity_subjects", "activity_people", "attachments"}
)
HANDED_OVER = frozenset({"next_steps", "step_moves"})  # all that handing a step over writes
CLOSED = N_("其中有的下一步后来已经办结，不能再转回去。什么都没有改。")
# what takes more than the right to change the record
MORE = {
    "project_charges": "project:assign", "project_units": "project:assign", "project_counts": "project:check",
}  # fmt: skip


def undo_operation(session: Session, envelope: AuditEnvelope, *, actor: Actor) -> audit.Operation:
    """Take an operation back, whole. Raises `Forbidden` when the actor could not have done it, `Blocked` with what is in
    the way."""
    refusal = rights(session, envelope, actor=actor)
    refusal = refusal or closed_since(session, envelope)
    if refusal is not None:
        raise refusal
    if envelope.action == IMPORT_WRITE:
        writing.undo_import(session, _batch(session, ImportBatch, envelope), actor=actor)
    elif envelope.action == TAG_WRITE:
        undo_batch(session, _batch(session, TagBatch, envelope), actor=actor)
    else:
        return undo.undo(session, envelope.operation, actor=actor)
    running = audit.running(session)
    if running is None:
        raise RuntimeError("an undo that named nothing")
    return running


def closed_since(session: Session, envelope: AuditEnvelope) -> Refused | None:
    """Steps handed over and closed since: who closed them keeps them. For those who may see them (`rights`)."""
    if not queries.tables_of(session, envelope.operation).keys() <= HANDED_OVER:
        return None
    touched = sa.select(AuditChange.row_id).where(
        AuditChange.operation == envelope.operation, AuditChange.kind == "next_steps"
    )
    closed = sa.select(NextStep.text).where(NextStep.id.in_(touched), NextStep.state != StepState.OPEN)
    texts = session.scalars(closed.order_by(NextStep.id).limit(undo.MOST)).all()
    if not texts:
        return None
    return undo.Blocked(CLOSED, items=[Message("%(what)s", {"what": text}) for text in texts])


def _may_whole(envelope: AuditEnvelope, actor: Actor) -> bool:
    sheet = envelope.params.get("sheet") if envelope.action == IMPORT_WRITE else None
    if sheet in set(SheetKind) and SHEETS[SheetKind(sheet)].stands_alone:
        return may_import(actor, SheetKind(sheet))
    return actor.may(WHOLE[envelope.action])


def rights(session: Session, envelope: AuditEnvelope, *, actor: Actor) -> Refused | None:
    """What of an actor's rights stands in the way of undoing an operation; None when he could have done it."""
    items: list[Message] = []
    if envelope.action in WHOLE:  # a batch is taken back by those who may write one
        return None if _may_whole(envelope, actor) else Forbidden(NOT_YOURS, items=[Message(NO_RIGHT)])
    tables = queries.tables_of(session, envelope.operation)
    for table, verbs in sorted(tables.items()):
        label = Message(queries.label_of(table))
        if table in ALONG and tables.keys() - ALONG:
            continue
        if table in MORE and not actor.may(MORE[table]):
            items.append(Message(N_("您没有改「%(kind)s」的权限。"), {"kind": label}))
            continue
        if table in BATCHES:
            if not actor.may(BATCHES[table]):
                items.append(Message(N_("您没有改「%(kind)s」的权限。"), {"kind": label}))
            continue
        owner = queries.owner_of(table)
        if owner is None:
            items.append(
                Message(N_("「%(kind)s」的改动不能从这里撤销，请到它自己的页面改回。"), {"kind": label})
            )
            continue
        kind = owner[0]
        held = [permission for permission in kind.edit if actor.may(permission)]
        if not held:
            items.append(Message(N_("您没有改「%(kind)s」的权限。"), {"kind": label}))
            continue
        is_own = envelope.actor_id is not None and envelope.actor_id == actor.user_id
        outside = queries.beyond(session, envelope.operation, table, viewer=actor, is_own=is_own)
        if outside:
            items.append(
                Message(N_("其中 %(n)s 条「%(kind)s」不在您可改的范围内。"), {"n": outside, "kind": label})
            )
        elif "delete" in verbs and not _reaches_deleted(envelope, actor, held):
            items.append(
                Message(N_("其中有已删除的「%(kind)s」，只有当事人或能改全部的人可以找回。"), {"kind": label})
            )
    if not items:
        return None
    return Forbidden(NOT_YOURS, items=items)


def _reaches_deleted(envelope: AuditEnvelope, actor: Actor, held: list[str]) -> bool:
    """Whom a row that is gone belonged to cannot be asked any more: its remover, or somebody without limits."""
    if envelope.actor_id is not None and envelope.actor_id == actor.user_id:
        return True
    return any(actor.scope(permission) is Scope.ALL for permission in held)


def _batch(session: Session, model: Any, envelope: AuditEnvelope) -> Any:
    found = session.scalar(sa.select(model).where(model.operation == envelope.operation))
    if found is None:
        raise Missing(N_("没有这次操作。"))
    return found
