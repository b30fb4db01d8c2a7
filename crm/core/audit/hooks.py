"""What makes every write pass through the audit: hooks on all sessions, installed once."""

from __future__ import annotations

from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.orm import ORMExecuteState, Session, SessionTransaction

from crm.core.audit import operation as operations
from crm.core.audit.journal import STAMPS, Change, columns_of, record, stamp
from crm.core.audit.operation import Unnamed, running
from crm.core.db import Base, Stamped

WROTE = "wrote"  # this transaction has written something
_BEFORE = "audit_before"
_installed: list[bool] = []


def install() -> None:
    """Hook onto all sessions, once: change rows while flushing; unaudited bulk statements and a commit with
    unsealed changes are refused."""
    if _installed:
        return
    _installed.append(True)
    event.listen(Session, "before_flush", _before_flush)
    event.listen(Session, "after_flush", _after_flush)
    event.listen(Session, "do_orm_execute", _on_execute)
    event.listen(Session, "before_commit", _before_commit)
    event.listen(Session, "after_transaction_create", _after_create)
    event.listen(Session, "after_soft_rollback", _after_rollback)
    event.listen(Session, "after_transaction_end", _after_end)


def _before_flush(session: Session, _context: Any, _instances: Any) -> None:
    """Stamp what is written, and look up the old values that nobody has loaded yet."""
    operation = running(session)
    for target in session.new:
        if isinstance(target, Stamped):
            stamp(target, operation, is_new=True)
    for target in session.dirty:
        if not session.is_modified(target, include_collections=False):
            continue
        if isinstance(target, Stamped):
            stamp(target, operation, is_new=False)
        if type(target).__audited__:
            _look_up(
                session,
                target,
                [
                    name
                    for name in columns_of(type(target))
                    if (history := sa.inspect(target).attrs[name].history).added and not history.deleted
                ],
            )
    for target in session.deleted:
        if type(target).__audited__:
            _look_up(session, target, list(columns_of(type(target))))


def _look_up(session: Session, target: Any, names: list[str]) -> None:
    """The row as it is in the database now, read before the flush writes to it."""
    if not names:
        return
    columns = columns_of(type(target))
    statement = sa.select(*(columns[name].label(f"c_{name}") for name in names)).where(
        columns["id"] == sa.inspect(target).identity[0]
    )
    row = session.connection().execute(statement).one_or_none()
    if row is not None:
        sa.inspect(target).info[_BEFORE] = dict(zip(names, row, strict=True))


def _after_flush(session: Session, _context: Any) -> None:
    """Write the change rows of a flush (the session still tells new, dirty and deleted apart), by table and id."""
    journal: dict[type[Base], list[Change]] = {}
    for target in session.new:
        session.info[WROTE] = True
        if type(target).__audited__:
            values = {name: getattr(target, name) for name in columns_of(type(target))}
            after = {name: value for name, value in values.items() if value is not None}
            journal.setdefault(type(target), []).append((_row_id(target), "insert", {}, after))
    for target in session.dirty:
        model = cast("type[Base]", type(target))
        if not session.is_modified(target, include_collections=False):
            continue
        session.info[WROTE] = True
        if model.__audited__ and (change := _update(target)):
            journal.setdefault(model, []).append(change)
    for target in session.deleted:
        session.info[WROTE] = True
        if type(target).__audited__:
            row = sa.inspect(target).info.pop(_BEFORE, {})
            before = {name: value for name, value in row.items() if value is not None}
            journal.setdefault(type(target), []).append((_row_id(target), "delete", before, {}))
    for model in sorted(journal, key=lambda item: item.__tablename__):
        record(session, model, sorted(journal[model], key=lambda change: change[0]))


def _update(target: Any) -> Change | None:
    state = sa.inspect(target)
    looked_up = state.info.pop(_BEFORE, {})
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for name in columns_of(type(target)):
        history = state.attrs[name].history
        if name in STAMPS or not history.has_changes():
            continue
        old = looked_up.get(name) if name in looked_up else (history.deleted[0] if history.deleted else None)
        new = history.added[0] if history.added else None
        if old != new:
            before[name], after[name] = old, new
    return (_row_id(target), "update", before, after) if after else None


def _row_id(target: Any) -> int:
    identity = sa.inspect(target).identity
    return int(identity[0] if identity else target.id)


def _on_execute(state: ORMExecuteState) -> None:
    """Statements such as ``session.execute(update(Firm)…)`` would leave no change rows: `audit.update_many` does."""
    if not (state.is_insert or state.is_update or state.is_delete):
        return
    state.session.info[WROTE] = True
    table = getattr(state.statement, "table", None)
    mapper = state.bind_mapper
    model = mapper.class_ if mapper is not None else _model_of(table)
    if model is not None and model.__audited__:
        raise Unnamed(
            f"{model.__tablename__}: a bulk statement leaves no change rows; use audit.insert_many, "
            "update_many, delete_many"
        )


def _model_of(table: Any) -> type[Base] | None:
    for mapper in Base.registry.mappers:
        if mapper.local_table is table:
            return cast("type[Base]", mapper.class_)
    return None


def _before_commit(session: Session) -> None:
    if not session.in_nested_transaction() and running(session) is not None:
        raise Unnamed("commit without crm.core.transaction.commit(): the audit envelope is missing")


def _after_create(session: Session, transaction: SessionTransaction) -> None:
    if transaction.nested:
        operations.mark(session, transaction)


def _after_rollback(session: Session, previous: SessionTransaction) -> None:
    if previous.nested:
        operations.back_to_mark(session, previous)


def _after_end(session: Session, transaction: SessionTransaction) -> None:
    if (
        transaction.parent is None
    ):  # a savepoint's end comes before its rollback is told: marks stay till here
        operations.forget(session)
        session.info.pop(WROTE, None)
