"""Records that were merged: where they went, by which operation, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core import audit, records
from crm.core.audit import AuditEnvelope
from crm.core.audit.journal import columns_of
from crm.core.merging.declaring import rules_of
from crm.core.permissions import Actor
from crm.core.records import Part, RecordKind
from crm.core.undo import undo
from crm.core.words import N_, Refused

ACTION = "record.merged"
LONGEST = 50  # records merged one into the next that are followed


def survivor_of(session: Session, kind: RecordKind, row_id: int) -> int:
    """The record this one has become part of in the end; itself when it was not merged."""
    into = kind.column("merged_into_id")
    here = row_id
    for _ in range(LONGEST):
        following = session.execute(sa.select(into).where(kind.column("id") == here)).scalar()
        if following is None:
            break
        here = int(following)
    return here


def merged_into(session: Session, kind: RecordKind, row_id: int) -> list[int]:
    """The records merged into this one, directly or by way of others. One statement."""
    key, into = kind.column("id"), kind.column("merged_into_id")
    found = sa.select(key.label("id")).where(into == row_id).cte("merged", recursive=True)
    found = found.union(sa.select(key).where(into == found.c.id))
    return sorted(session.scalars(sa.select(found.c.id)))


def merge_of(session: Session, kind: RecordKind, gone: Any) -> AuditEnvelope | None:
    """The operation that merged this record into the one it names."""
    envelopes: Sequence[AuditEnvelope] = session.scalars(
        sa.select(AuditEnvelope)
        .where(
            AuditEnvelope.subject_kind == kind.code,
            AuditEnvelope.subject_id == gone.merged_into_id,
            AuditEnvelope.action == ACTION,
        )
        .order_by(AuditEnvelope.seq.desc())
    ).all()
    return next((row for row in envelopes if row.params.get("gone") == gone.id), None)


def left_behind(session: Session, kind: RecordKind, row_id: int) -> list[tuple[Part, list[dict[str, Any]]]]:
    """The rows of each relation that are still with a record that was merged, attribute → value."""
    found = []
    for part in rules_of(kind).parts:
        columns = columns_of(part.model)
        statement = sa.select(*columns.values()).where(part.holds([row_id])).order_by(columns["id"])
        rows = [dict(zip(columns, values, strict=True)) for values in session.execute(statement)]
        if rows:
            found.append((part, rows))
    return found


def undo_merge(session: Session, kind: RecordKind, gone_id: int, *, actor: Actor) -> audit.Operation:
    """Part the two again: every value of both as before. Raises `Blocked` with what stands in the way, `Missing`,
    `Forbidden`; the caller commits."""
    actor.require(rules_of(kind).needs)
    gone = records.editable(session, kind, gone_id, actor=actor)
    if gone.merged_into_id is None:
        raise Refused(N_("这条记录没有合并，或者合并已经撤销。"))
    records.editable(session, kind, gone.merged_into_id, actor=actor)
    envelope = merge_of(session, kind, gone)
    if envelope is None:
        raise Refused(N_("日志里没有这次合并，不能撤销。"))
    return undo(session, envelope.operation, actor=actor)
