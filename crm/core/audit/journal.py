"""Change rows, and the set-based writes that leave them: thousands of rows in a few statements."""

from __future__ import annotations

import datetime as dt
import json
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core.audit.operation import Operation, Unnamed, running
from crm.core.audit.tables import AuditChange, AuditPersonal
from crm.core.audit.values import COMMITTED, change_bytes, commit_to, jsonable
from crm.core.bulk import insert_rows, within
from crm.core.clock import now
from crm.core.db import Base, Stamped
from crm.core.words import N_, Conflict

Change = tuple[int, str, Mapping[str, Any], Mapping[str, Any]]  # row id, verb, before, after
CHUNK = 2000
_columns: dict[type[Base], dict[str, sa.Column[Any]]] = {}
STAMPS = frozenset({"version", "updated_at", "updated_by_id"})  # move with every write; no business values


def columns_of(model: type[Base]) -> Mapping[str, sa.Column[Any]]:
    """Attribute → column of a model, those that are computed left out. Journals are written in attribute names."""
    found = _columns.get(model)
    if found is None:
        mapper = sa.inspect(model)
        found = {
            attribute.key: attribute.columns[0]
            for attribute in mapper.column_attrs
            if isinstance(attribute.columns[0], sa.Column) and attribute.columns[0].computed is None
        }
        _columns[model] = found
    return found


def chunks(items: Sequence[Any], size: int = CHUNK) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def needed(session: Session, model: type[Base]) -> Operation | None:
    """The operation a write to `model` belongs to. Raises `Unnamed` when an audited model has none."""
    operation = running(session)
    if operation is None and model.__audited__:
        raise Unnamed(f"{model.__tablename__} changed in a transaction that has no name (audit.begin)")
    return operation


def record(session: Session, model: type[Base], rows: Iterable[Change]) -> None:
    """Write change rows `(row id, verb insert|update|delete, before, after)` of one model in bulk."""
    changes: list[dict[str, Any]] = []
    personal: list[dict[str, Any]] = []
    operation: Operation | None = None
    kind = model.__tablename__
    apart = bool(model.__secret__ or model.__personal__)
    for row_id, verb, before, after in rows:
        if operation is None:
            operation = needed(session, model)
            if operation is None:
                return
            touched, update = operation.touched.setdefault(kind, set()), operation.digest.update
        if apart:
            old, new = _protect(model, row_id, before, personal), _protect(model, row_id, after, personal)
        else:
            old = {name: jsonable(value) for name, value in before.items()}
            new = {name: jsonable(value) for name, value in after.items()}
        update(change_bytes(operation.n, kind, row_id, verb, old, new))
        changes.append(
            {
                "operation": operation.id,
                "n": operation.n,
                "kind": kind,
                "row_id": row_id,
                "verb": verb,
                "before": old,
                "after": new,
            }
        )
        operation.n += 1
        touched.add(row_id)
    for table, values in ((AuditChange.__table__, changes), (AuditPersonal.__table__, personal)):
        insert_rows(session.connection(), cast(sa.Table, table), values)


def _protect(
    model: type[Base], row_id: int, values: Mapping[str, Any], personal: list[dict[str, Any]]
) -> dict[str, Any]:
    """Leave secrets out and put commitments in the place of personal values."""
    plain: dict[str, Any] = {}
    for name, value in values.items():
        if name in model.__secret__:
            plain[name] = "set" if value else None
        elif name in model.__personal__ and value is not None:
            salt, text = secrets.token_hex(16), json.dumps(jsonable(value))
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


def insert_many(session: Session, model: type[Base], rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """Insert many rows set-based, with their change rows. Returns the new ids in the order of `rows`.

    Rows hold attributes; keys may differ. Column defaults (plain or callable), `version` and the stamps are
    filled in, so that the journal tells the whole row. Raises `TypeError` for an attribute that does not exist.
    """
    if not rows:
        return []
    operation = needed(session, model)
    columns = columns_of(model)
    given = set().union(*rows)
    if unknown := given - columns.keys():
        raise TypeError(f"{model.__tablename__} has no {', '.join(sorted(unknown))}")
    used = {name: column for name, column in columns.items() if name in given or _fills(model, name, column)}
    makers = {name: _maker(model, name, column, operation) for name, column in used.items()}
    ids = [row["id"] for row in rows] if "id" in given else new_ids(session, model, len(rows))
    full: list[dict[str, Any]] = []
    for row_id, row in zip(ids, rows, strict=True):
        values = {name: row[name] if name in row else make(row) for name, make in makers.items()}
        values["id"] = row_id
        full.append(values)
    _insert(session, model, full, [*used, "id"])
    if model.__audited__:
        record(session, model, ((values["id"], "insert", {}, _set(values)) for values in full))
    return ids


def _set(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _insert(
    session: Session, model: type[Base], full: Sequence[Mapping[str, Any]], names: Sequence[str]
) -> None:
    columns = columns_of(model)
    table = cast(sa.Table, model.__table__)
    insert_rows(session.connection(), table, full, {name: columns[name].key for name in names})


def _bound(name: str, column: sa.Column[Any]) -> sa.BindParameter[Any]:
    """A parameter ``b_<attribute>`` for a column; None is NULL also where JSON would make it ``null``."""
    kind = sa.JSON(none_as_null=True) if isinstance(column.type, sa.JSON) else column.type
    return sa.bindparam(f"b_{name}", type_=kind)


def _fills(model: type[Base], name: str, column: sa.Column[Any]) -> bool:
    return (
        name == "version"
        or column.default is not None
        or (issubclass(model, Stamped) and name in _stamps(None))
    )


def _maker(
    model: type[Base], name: str, column: sa.Column[Any], operation: Operation | None
) -> Callable[[Mapping[str, Any]], Any]:
    """What fills a column that a row does not name."""
    if name == "version":
        return lambda _row: 1
    if issubclass(model, Stamped) and name in (stamps := _stamps(operation)):
        return lambda _row: stamps[name]
    default = column.default
    if isinstance(default, sa.ColumnDefault) and default.is_callable:
        return lambda row: default.arg(cast(Any, _Given(row)))
    if isinstance(default, sa.ColumnDefault) and default.is_scalar:
        return lambda _row: default.arg
    return lambda _row: None


@dataclass(frozen=True, slots=True)
class _Given:
    """What a default that derives from other columns asks, as of SQLAlchemy's own INSERT."""

    row: Mapping[str, Any]

    def get_current_parameters(self) -> Mapping[str, Any]:
        return self.row


def _stamps(operation: Operation | None) -> dict[str, Any]:
    at: dt.datetime = operation.at if operation else now()
    user = operation.actor.user_id if operation else None
    return {"created_at": at, "updated_at": at, "created_by_id": user, "updated_by_id": user}


def stamp(target: Any, operation: Operation | None, *, is_new: bool) -> None:
    """Fill a new row's stamps where they are missing; move a changed row's."""
    for name, value in _stamps(operation).items():
        if is_new:
            if getattr(target, name) is None:
                setattr(target, name, value)
        elif name in STAMPS and not sa.inspect(target).attrs[name].history.has_changes():
            setattr(target, name, value)


def new_ids(session: Session, model: type[Base], count: int) -> list[int]:
    """Ids for rows about to be inserted, never used before (a marked dialect branch)."""
    table = model.__tablename__
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        statement = sa.text("SELECT nextval(pg_get_serial_sequence(:t, 'id')) FROM generate_series(1, :n)")
        return sorted(connection.execute(statement, {"t": table, "n": count}).scalars())
    known = connection.execute(
        sa.text("SELECT seq FROM sqlite_sequence WHERE name = :t"), {"t": table}
    ).scalar()
    highest = connection.execute(sa.select(sa.func.max(cast(Any, model).id))).scalar()
    first = max(known or 0, highest or 0) + 1
    return list(range(first, first + count))


def present(
    session: Session,
    model: type[Base],
    ids: Iterable[int],
    names: Iterable[str] | None = None,
    *,
    lock: bool = True,
) -> dict[int, dict[str, Any]]:
    """The rows as they are now, `id → attribute → value`; with `lock`, no other writer gets at them before the
    commit."""
    columns = columns_of(model)
    wanted = sorted(columns if names is None else set(names) - {"id"})
    statement = sa.select(columns["id"], *(columns[name].label(f"c_{name}") for name in wanted)).order_by(
        columns["id"]
    )
    found: dict[int, dict[str, Any]] = {}
    for part in chunks(sorted(set(ids)), 5000):
        chosen = statement.where(within(columns["id"], part))
        for row in session.connection().execute(chosen.with_for_update() if lock else chosen):
            found[int(row[0])] = dict(zip(wanted, row[1:], strict=True))
    return found


def update_many(
    session: Session, model: type[Base], changes: Sequence[tuple[int, Mapping[str, Any], Mapping[str, Any]]]
) -> int:
    """Update many rows `(id, before, after)` set-based; keys may differ by row. Returns how many rows changed.

    `before` says what the caller saw: where the row has other values by now, or is gone, `Conflict` is raised and
    nothing is written; columns not named in it are not checked. Rows equal to `after` already are left alone.
    """
    operation = needed(session, model)
    groups: dict[tuple[str, ...], list[tuple[int, Mapping[str, Any], Mapping[str, Any]]]] = {}
    for change in changes:
        groups.setdefault(tuple(sorted(change[2])), []).append(change)
    journal: list[Change] = []
    for keys, members in groups.items():
        names = set(keys).union(*(before for _, before, _ in members))
        now_there = present(session, model, (row_id for row_id, _, _ in members), names)
        writes: list[tuple[int, dict[str, Any]]] = []
        for row_id, before, after in members:
            row = now_there.get(row_id)
            if row is None or any(_differ(row[name], value) for name, value in before.items()):
                raise Conflict(N_("这些记录刚刚被别人改过，请重新查看后再做。"))
            changed = {name: value for name, value in after.items() if _differ(row[name], value)}
            if changed:
                writes.append((row_id, dict(after)))
                journal.append((row_id, "update", {name: row[name] for name in changed}, changed))
        write_updates(session, model, writes, operation)
    refresh(session, model, (change[0] for change in journal))
    if model.__audited__:
        record(session, model, sorted(journal, key=lambda change: change[0]))
    return len(journal)


def _differ(one: Any, other: Any) -> bool:
    return bool(one != other) and jsonable(one) != jsonable(other)


def write_updates(
    session: Session,
    model: type[Base],
    writes: Sequence[tuple[int, dict[str, Any]]],
    operation: Operation | None,
) -> None:
    """UPDATE by id, all with the same keys, in order of ids (so that two writers cannot block each other);
    versions grow, stamps move."""
    columns = columns_of(model)
    table = cast(sa.Table, model.__table__)
    if not writes:
        return
    sets: dict[str, Any] = {columns[name].key: _bound(name, columns[name]) for name in writes[0][1]}
    if "version" in columns and "version" not in writes[0][1]:
        sets["version"] = table.c.version + 1
    if issubclass(model, Stamped):
        for name, value in _stamps(operation).items():
            if name in STAMPS:
                sets.setdefault(name, value)
    statement = sa.update(table).where(table.c.id == sa.bindparam("b__id")).values(sets)
    ordered = [
        {"b__id": row_id, **{f"b_{name}": value for name, value in values.items()}}
        for row_id, values in sorted(writes, key=lambda write: write[0])
    ]
    for part in chunks(ordered):
        session.connection().execute(statement, part)


def delete_many(session: Session, model: type[Base], ids: Iterable[int]) -> int:
    """Delete rows by id, with their change rows. Returns how many there were. Foreign keys must allow it."""
    needed(session, model)
    rows = present(session, model, ids)
    table = cast(sa.Table, model.__table__)
    for part in chunks(sorted(rows), 5000):
        session.connection().execute(sa.delete(table).where(within(table.c.id, part)))
    refresh(session, model, rows)
    if model.__audited__:
        record(session, model, ((row_id, "delete", _set(values), {}) for row_id, values in rows.items()))
    return len(rows)


def restore_rows(session: Session, model: type[Base], rows: Mapping[int, Mapping[str, Any]]) -> None:
    """Bring deleted rows back with their old ids and values, in the order given; a row's version is one more
    than it was."""
    if not rows:
        return
    operation = needed(session, model)
    columns = columns_of(model)
    full: list[dict[str, Any]] = []
    for row_id, row in rows.items():
        values = {**dict.fromkeys(columns), **row, "id": row_id}
        if "version" in columns:
            values["version"] = (values["version"] or 0) + 1
        if issubclass(model, Stamped):
            values |= {name: value for name, value in _stamps(operation).items() if name in STAMPS}
        full.append(values)
    _insert(session, model, full, list(columns))
    if model.__audited__:
        record(session, model, ((values["id"], "insert", {}, _set(values)) for values in full))


def refresh(session: Session, model: type[Base], ids: Iterable[int]) -> None:
    """Objects of these rows that the session holds are read again when next looked at."""
    identity = sa.inspect(model).identity_key_from_primary_key
    held = session.identity_map
    if held:
        for row_id in ids:
            target = held.get(identity((row_id,)))
            if target is not None:
                session.expire(target)
