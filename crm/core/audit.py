"""The audit trail: who did what, when, from where; append-only and chained.

One *envelope* a transaction. The rows a transaction changed are written as *change rows* while it flushes; the
envelope carries their digest and the hash of the envelope before it, and takes the lock on the chain's head last,
right before the commit, so that a long import holds nobody up. Change rows are also the undo journal.
Personal values are stored apart: a change row holds only a salted commitment, so that a value can be erased
without breaking the chain. Nothing here is ever updated or deleted by the product.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.orm import Mapped, Session, mapped_column
from sqlalchemy.orm.attributes import get_history
from sqlalchemy.orm.base import NO_VALUE

from crm.core.clock import now
from crm.core.db import Base, BigId, Model, Moment, Pk, Stamped
from crm.core.permissions import Actor

GENESIS = "0" * 64
COMMITTED = "committed:"
_KEY = "audit"


class AuditHead(Model):
    """The chain's end: one row, locked last in every transaction."""

    __tablename__ = "audit_head"
    __audited__ = False
    id: Mapped[Pk]
    seq: Mapped[int] = mapped_column(sa.BigInteger)
    hash: Mapped[str] = mapped_column(sa.String(64))


class AuditEnvelope(Model):
    """One transaction or one event: the link of the chain."""

    __tablename__ = "audit_envelopes"
    __audited__ = False
    seq: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    operation: Mapped[str] = mapped_column(sa.String(32), unique=True)
    at: Mapped[Moment] = mapped_column(index=True)
    actor_id: Mapped[int | None] = mapped_column(BigId, index=True)
    actor_name: Mapped[str] = mapped_column(sa.String(120))
    action: Mapped[str] = mapped_column(sa.String(60), index=True)
    params: Mapped[dict[str, Any]]
    subject_kind: Mapped[str | None] = mapped_column(sa.String(40))
    subject_id: Mapped[int | None] = mapped_column(BigId)
    is_success: Mapped[bool]
    address: Mapped[str] = mapped_column(sa.String(64))
    request_id: Mapped[str] = mapped_column(sa.String(40))
    changes_count: Mapped[int]
    changes_digest: Mapped[str] = mapped_column(sa.String(64))
    previous: Mapped[str] = mapped_column(sa.String(64))
    hash: Mapped[str] = mapped_column(sa.String(64))
    __table_args__ = (sa.Index("ix_audit_envelopes_subject", "subject_kind", "subject_id", "seq"),)


class AuditChange(Model):
    """One row changed by an operation: table, id, and the values before and after of the columns that changed."""

    __tablename__ = "audit_changes"
    __audited__ = False
    id: Mapped[Pk]
    operation: Mapped[str] = mapped_column(sa.String(32))
    n: Mapped[int]
    kind: Mapped[str] = mapped_column(sa.String(60))
    row_id: Mapped[int] = mapped_column(BigId)
    verb: Mapped[str] = mapped_column(sa.String(6))
    before: Mapped[dict[str, Any]]
    after: Mapped[dict[str, Any]]
    __table_args__ = (
        sa.UniqueConstraint("operation", "n"),
        sa.Index("ix_audit_changes_row", "kind", "row_id", "id"),
    )


class AuditPersonal(Model):
    """A personal value kept apart from the chain; deleting the row erases the value, the commitment stays."""

    __tablename__ = "audit_personal"
    __audited__ = False
    id: Mapped[Pk]
    commitment: Mapped[str] = mapped_column(sa.String(64), index=True)
    salt: Mapped[str] = mapped_column(sa.String(32))
    value: Mapped[str] = mapped_column(sa.Text)
    kind: Mapped[str] = mapped_column(sa.String(60))
    row_id: Mapped[int] = mapped_column(BigId)
    __table_args__ = (sa.Index("ix_audit_personal_row", "kind", "row_id"),)


@dataclass
class Operation:
    """What the running transaction is, in the words of the trade, and the digest of what it changed so far."""

    actor: Actor
    action: str
    subject: tuple[str, int] | None
    params: dict[str, Any]
    is_success: bool = True
    id: str = field(default_factory=lambda: secrets.token_hex(16))
    n: int = 0
    touched: dict[str, set[int]] = field(default_factory=dict)
    digest: Any = field(default_factory=hashlib.sha256)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a transaction comes from: set by the edge on `session.info["origin"]`."""

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
    operation = cast("Operation | None", session.info.get(_KEY))
    if operation is None:
        operation = Operation(actor, action, subject, jsonable(params), is_success)
        session.info[_KEY] = operation
    elif operation.action != action:
        also = operation.params.setdefault("also", {})
        also[action] = also.get(action, 0) + 1
    return operation


def running(session: Session) -> Operation | None:
    """The operation this transaction has been named, if any."""
    return cast("Operation | None", session.info.get(_KEY))


def jsonable(value: Any) -> Any:
    """Plain JSON values that read the same on every database: dates and moments as ISO text, enums as codes."""
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat()
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, Sequence | set | frozenset):
        return [jsonable(item) for item in value]
    raise TypeError(f"not a plain value: {type(value)!r}")


def canonical(value: Any) -> bytes:
    """The one byte form of a JSON value, for hashing."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def commit_to(salt: str, value: str) -> str:
    """The commitment to a personal value."""
    return hmac.new(bytes.fromhex(salt), value.encode(), hashlib.sha256).hexdigest()


def change_bytes(n: int, kind: str, row_id: int, verb: str, before: Any, after: Any) -> bytes:
    return canonical([n, kind, row_id, verb, before, after]) + b"\n"


def _protect(
    table: Any, row_id: int, values: dict[str, Any], personal: list[dict[str, Any]]
) -> dict[str, Any]:
    """Leave secrets out and put commitments in the place of personal values."""
    model = table
    plain: dict[str, Any] = {}
    for name, value in values.items():
        if name in model.__secret__:
            plain[name] = "set" if value else None
        elif name in model.__personal__ and value is not None:
            salt = secrets.token_hex(16)
            text = json.dumps(jsonable(value), ensure_ascii=False)
            commitment = commit_to(salt, text)
            personal.append(
                {
                    "commitment": commitment,
                    "salt": salt,
                    "value": text,
                    "kind": model.__tablename__,
                    "row_id": row_id,
                }
            )
            plain[name] = COMMITTED + commitment
        else:
            plain[name] = jsonable(value)
    return plain


def record(
    session: Session, model: type[Base], rows: Iterable[tuple[int, str, dict[str, Any], dict[str, Any]]]
) -> None:
    """Write change rows `(row id, verb insert|update|delete, before, after)` of one model in bulk."""
    operation = running(session)
    changes: list[dict[str, Any]] = []
    personal: list[dict[str, Any]] = []
    for row_id, verb, before, after in rows:
        if operation is None:
            raise Unnamed(f"{model.__tablename__} changed in a transaction that has no name (audit.begin)")
        before = _protect(model, row_id, before, personal)
        after = _protect(model, row_id, after, personal)
        operation.digest.update(change_bytes(operation.n, model.__tablename__, row_id, verb, before, after))
        changes.append(
            {
                "operation": operation.id,
                "n": operation.n,
                "kind": model.__tablename__,
                "row_id": row_id,
                "verb": verb,
                "before": before,
                "after": after,
            }
        )
        operation.n += 1
        operation.touched.setdefault(model.__tablename__, set()).add(row_id)
    connection = session.connection()
    for table, values in ((AuditChange.__table__, changes), (AuditPersonal.__table__, personal)):
        for start in range(0, len(values), 1000):
            connection.execute(sa.insert(cast(sa.Table, table)), values[start : start + 1000])


def columns_of(model: type[Base]) -> list[str]:
    return [attribute.key for attribute in sa.inspect(model).column_attrs]


def insert_many(session: Session, model: type[Base], rows: Sequence[dict[str, Any]]) -> list[int]:
    """Insert many rows in one statement each thousand, with their change rows. Returns the ids in order.

    Rows hold column attributes; all of them the same keys. Column defaults that are plain Python values apply.
    """
    ids: list[int] = []
    journal: list[tuple[int, str, dict[str, Any], dict[str, Any]]] = []
    for start in range(0, len(rows), 1000):
        part = list(rows[start : start + 1000])
        result = session.execute(
            sa.insert(model).returning(cast(Any, model).id, sort_by_parameter_order=True), part
        )
        part_ids = [int(value) for value in result.scalars()]
        ids.extend(part_ids)
        journal.extend((row_id, "insert", {}, row) for row_id, row in zip(part_ids, part, strict=True))
    if model.__audited__:
        record(session, model, journal)
    return ids


def update_many(
    session: Session, model: type[Base], changes: Sequence[tuple[int, dict[str, Any], dict[str, Any]]]
) -> None:
    """Update many rows `(id, before, after)`; the version of each grows by one. Same keys may differ by row."""
    groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row_id, _before, after in changes:
        groups.setdefault(tuple(sorted(after)), []).append(
            {"b_id": row_id, **{f"b_{k}": v for k, v in after.items()}}
        )
    table = cast(sa.Table, model.__table__)
    for keys, values in groups.items():
        sets: dict[str, Any] = {key: sa.bindparam(f"b_{key}") for key in keys}
        if "version" in table.c and "version" not in keys:
            sets["version"] = table.c.version + 1
        statement = sa.update(table).where(table.c.id == sa.bindparam("b_id")).values(sets)
        for start in range(0, len(values), 1000):
            session.connection().execute(statement, values[start : start + 1000])
    if model.__audited__:
        record(session, model, [(row_id, "update", before, after) for row_id, before, after in changes])


def _stamp(session: Session) -> None:
    """Write who made and who last changed a stamped row; the moments are column defaults."""
    operation = running(session)
    who = operation.actor.user_id if operation is not None else None
    for target in session.new:
        if isinstance(target, Stamped):
            target.created_by_id = target.updated_by_id = who
    for target in session.dirty:
        if isinstance(target, Stamped) and session.is_modified(target, include_collections=False):
            target.updated_by_id = who


def _state_changes(session: Session) -> None:
    """Collect what a flush wrote (`after_flush`: the session still tells new, dirty and deleted apart)."""
    journal: dict[type[Base], list[tuple[int, str, dict[str, Any], dict[str, Any]]]] = {}
    for target in sorted(session.new, key=lambda item: type(item).__name__):
        model = cast("type[Base]", type(target))
        if model.__audited__:
            after = {
                name: value for name in columns_of(model) if (value := getattr(target, name)) is not None
            }
            journal.setdefault(model, []).append((_row_id(target), "insert", {}, after))
    for target in session.dirty:
        model = cast("type[Base]", type(target))
        if not model.__audited__ or not session.is_modified(target, include_collections=False):
            continue
        before: dict[str, Any] = {}
        after = {}
        for name in columns_of(model):
            history = get_history(target, name)
            if history.has_changes() and name != "version":
                old = history.deleted[0] if history.deleted else None
                new = history.added[0] if history.added else None
                if old is not NO_VALUE and old != new:
                    before[name], after[name] = old, new
        if after:
            journal.setdefault(model, []).append((_row_id(target), "update", before, after))
    for target in session.deleted:
        model = cast("type[Base]", type(target))
        if model.__audited__:
            before = {
                name: value for name in columns_of(model) if (value := getattr(target, name)) is not None
            }
            journal.setdefault(model, []).append((_row_id(target), "delete", before, {}))
    for model, rows in journal.items():
        record(session, model, rows)


def _row_id(target: Any) -> int:
    return int(sa.inspect(target).identity[0]) if sa.inspect(target).identity else int(target.id)


def seal(session: Session) -> AuditEnvelope | None:
    """Chain the running operation: take the head's lock, write the envelope, move the head. Last before the commit."""
    operation = cast("Operation | None", session.info.pop(_KEY, None))
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
        "actor_name": operation.actor.name,
        "action": operation.action,
        "params": operation.params,
        "subject_kind": operation.subject[0] if operation.subject else None,
        "subject_id": operation.subject[1] if operation.subject else None,
        "is_success": operation.is_success,
        "address": origin.address[:64],
        "request_id": origin.request_id[:40],
        "changes_count": operation.n,
        "changes_digest": operation.digest.hexdigest(),
        "previous": head.hash,
    }
    values["hash"] = envelope_hash(values)
    connection.execute(sa.insert(cast(sa.Table, AuditEnvelope.__table__)).values(values))
    connection.execute(
        sa.update(head_table).where(head_table.c.id == 1).values(seq=values["seq"], hash=values["hash"])
    )
    return AuditEnvelope(**values)


def envelope_hash(values: Mapping[str, Any]) -> str:
    """The hash of an envelope: over every stored value but itself, the previous hash among them."""
    body = {key: jsonable(value) for key, value in values.items() if key != "hash"}
    return hashlib.sha256(canonical(body)).hexdigest()


_installed: list[bool] = []


def install() -> None:
    """Hook onto all sessions, once: change rows while flushing; a commit with unsealed changes is refused."""
    if _installed:
        return
    _installed.append(True)

    @event.listens_for(Session, "before_flush")
    def _before_flush(session: Session, _context: Any, _instances: Any) -> None:
        _stamp(session)

    @event.listens_for(Session, "after_flush")
    def _after_flush(session: Session, _context: Any) -> None:
        _state_changes(session)

    @event.listens_for(Session, "before_commit")
    def _before_commit(session: Session) -> None:
        if not session.in_nested_transaction() and session.info.get(_KEY) is not None:
            raise Unnamed("commit without crm.core.transaction.commit(): the audit envelope is missing")

    @event.listens_for(Session, "after_soft_rollback")
    def _after_rollback(session: Session, _previous: Any) -> None:
        if not session.in_nested_transaction():
            session.info.pop(_KEY, None)
