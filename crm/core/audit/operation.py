"""The running operation of a session: named by `begin`, chained by `seal` right before the commit."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core.audit.tables import AuditEnvelope, AuditHead
from crm.core.audit.values import canonical, jsonable
from crm.core.clock import now
from crm.core.permissions import Actor

KEY = "audit"
MARKS = "audit_marks"


@dataclass
class Operation:
    """What the running transaction is, in the words of the trade, and the digest of what it changed so far."""

    actor: Actor
    action: str
    subject: tuple[str, int] | None
    params: dict[str, Any]
    is_success: bool = True
    id: str = field(default_factory=lambda: secrets.token_hex(16))
    at: dt.datetime = field(default_factory=now)  # the moment its rows are stamped with
    n: int = 0
    touched: dict[str, set[int]] = field(default_factory=dict)  # table → ids
    digest: Any = field(default_factory=hashlib.sha256)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a transaction comes from: set by the edge on `session.info["origin"]`. The web gives the client's
    address and the request id, a command ``cli``, the worker ``worker`` and ``job-<id>``."""

    address: str = ""
    request_id: str = ""


class Unnamed(RuntimeError):
    """Rows changed in a transaction that never said what it does: a programming mistake."""


def begin(
    session: Session,
    *,
    actor: Actor,
    action: str,
    subject: tuple[str, int] | None = None,
    is_success: bool = True,
    **params: Any,
) -> Operation:
    """Name what this transaction does. The first name stays: an import that grants is an import.

    Called again within the same transaction, an equal action adds nothing; another one is noted under ``also``.
    `params` must be plain JSON values; never secrets, never personal values.
    """
    operation = running(session)
    if operation is None:
        operation = Operation(actor, action, subject, jsonable(params), is_success)
        session.info[KEY] = operation
    elif operation.action != action:
        also = operation.params.setdefault("also", {})
        also[action] = also.get(action, 0) + 1
    return operation


def running(session: Session) -> Operation | None:
    """The operation this transaction has been named, if any."""
    return cast("Operation | None", session.info.get(KEY))


def forget(session: Session) -> None:
    """The transaction is over: so is its operation."""
    session.info.pop(KEY, None)
    session.info.pop(MARKS, None)


def mark(session: Session, savepoint: object) -> None:
    """Remember how far the digest was when a savepoint began."""
    operation = running(session)
    state = None if operation is None else (operation, operation.n, operation.digest.copy())
    session.info.setdefault(MARKS, {})[savepoint] = state


def back_to_mark(session: Session, savepoint: object) -> None:
    """The savepoint was rolled back, its change rows with it: so goes the digest."""
    marks = session.info.get(MARKS, {})
    operation = running(session)
    if operation is None or savepoint not in marks:
        return
    state = marks.pop(savepoint)
    if state is None:  # it was named within the savepoint
        operation.n, operation.digest = 0, hashlib.sha256()
    else:
        _same, operation.n, digest = state
        operation.digest = digest.copy()


def seal(session: Session) -> AuditEnvelope | None:
    """Chain the running operation: take the head's lock, write the envelope, move the head. Last before the commit."""
    operation = cast("Operation | None", session.info.pop(KEY, None))
    if operation is None:
        return None
    origin = cast(Origin, session.info.get("origin", Origin()))
    connection = session.connection()
    head_table = cast(sa.Table, AuditHead.__table__)
    head = connection.execute(
        sa.select(head_table.c.seq, head_table.c.hash).where(head_table.c.id == 1).with_for_update()
    ).one()
    values: dict[str, Any] = {
        "seq": head.seq + 1,
        "operation": operation.id,
        "at": now(),
        "actor_id": operation.actor.user_id,
        "actor_name": _short(operation.actor.name, 120),
        "action": operation.action,
        "params": jsonable(operation.params),
        "subject_kind": operation.subject[0] if operation.subject else None,
        "subject_id": operation.subject[1] if operation.subject else None,
        "is_success": operation.is_success,
        "address": _short(origin.address, 64),
        "request_id": _short(origin.request_id, 40),
        "changes_count": operation.n,
        "changes_digest": operation.digest.hexdigest(),
        "previous": head.hash,
    }
    values["hash"] = envelope_hash(values)
    connection.execute(sa.insert(cast(sa.Table, AuditEnvelope.__table__)), [values])
    connection.execute(
        sa.update(head_table).where(head_table.c.id == 1).values(seq=values["seq"], hash=values["hash"])
    )
    return AuditEnvelope(**values)


def envelope_hash(values: Mapping[str, Any]) -> str:
    """The hash of an envelope: over every stored value but itself, the previous hash among them."""
    body = {key: jsonable(value) for key, value in values.items() if key != "hash"}
    return hashlib.sha256(canonical(body)).hexdigest()


def _short(text: str, length: int) -> str:
    """Text that both databases store exactly: no NUL, no lone surrogate, not too long."""
    return text.replace("\0", "").encode("utf-8", "ignore").decode()[:length]
