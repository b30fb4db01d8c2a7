"""Putting back an old value of any record."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy.orm import Session

from crm.core import audit
from crm.core.audit import AuditChange, AuditEnvelope, columns_of, revive
from crm.core.history import namesakes
from crm.core.permissions import Actor
from crm.core.records import RecordKind
from crm.core.telling import is_hidden
from crm.core.words import N_, Refused


def old_values(kind: RecordKind, change: AuditChange, name: str) -> dict[str, Any]:
    """The values before a change of the fact `name`, and of those people call the same, as the columns take them.
    Raises `Refused` when they cannot be put back."""
    facts = [fact for fact in namesakes(kind, name) if fact.name in change.before]
    values: dict[str, Any] = {}
    for fact in facts:
        value = change.before[fact.name]
        if kind.change is None or fact.name not in kind.settable or is_hidden(value):
            raise Refused(N_("这个字段不能从历史里改回。"))
        try:
            values[fact.name] = revive(columns_of(kind.model)[fact.name].type, value)
        except ValueError:
            raise Refused(N_("原来的值现在已经没有了，不能改回。")) from None
    if not values:
        raise Refused(N_("这次改动没有动过这个字段。"))
    return values


def restore(
    session: Session,
    kind: RecordKind,
    row: Any,
    *,
    change: AuditChange,
    of: AuditEnvelope,
    name: str,
    actor: Actor,
    today: dt.date,
    version: int,
    reason: str = "",
) -> None:
    """Put the value before a change back, by the feature's own action: the rules of its form hold. Raises `Conflict`
    for another version, `Refused` for what the rules do not allow (any more)."""
    values = old_values(kind, change, name)
    assert kind.change is not None  # noqa: S101 - old_values has looked
    if kind.needs_reason and not reason.strip():
        raise Refused(N_("请写明原因。"), field="reason")
    told: dict[str, Any] = {"reason": reason} if reason else {}
    audit.begin(
        session, actor=actor, action="record.restore", subject=(kind.code, row.id), field=name,
        of=of.operation, of_action=of.action, **told,
    )  # fmt: skip
    kind.change(session, row, actor=actor, today=today, version=version, values=values, reason=reason)
