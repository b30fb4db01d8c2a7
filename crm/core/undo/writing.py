"""Writing an undo: in an order the foreign keys allow, with change rows of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlalchemy.schema import sort_tables_and_constraints as sort_tables

from crm.core import audit
from crm.core.audit.journal import chunks, columns_of, present, restore_rows, write_updates
from crm.core.bulk import within
from crm.core.db import Base
from crm.core.undo.planning import Plan, references


def write(session: Session, plans: list[Plan], operation: audit.Operation) -> None:
    """Updates that let go of rows first, then deletes (children first), rows that come back (parents first), and
    last the updates that refer to those."""
    order = {table.name: n for n, table in enumerate(_sorted_tables())}
    plans = sorted(plans, key=lambda plan: order[plan.model.__tablename__])
    back = {plan.model.__tablename__: set(plan.inserts) for plan in plans}
    later: list[tuple[Plan, dict[int, dict[str, Any]]]] = []
    for plan in plans:
        targets = {name: table for model, name, table in references() if model is plan.model}
        waiting = (
            {
                row_id: values
                for row_id, values in plan.updates.items()
                if any(values.get(name) in back.get(table, ()) for name, table in targets.items())
            }
            if any(back.values())
            else {}
        )
        waiting |= _after_deletes(session, plan, set(targets))
        _update(session, plan, {i: v for i, v in plan.updates.items() if i not in waiting}, operation)
        later.append((plan, waiting))
    for plan in reversed(plans):
        if plan.deletes:
            _delete(session, plan)
    for plan in plans:
        restore_rows(session, plan.model, _parents_first(plan))
    for plan, waiting in later:
        _update(session, plan, waiting, operation)


def _after_deletes(session: Session, plan: Plan, references: set[str]) -> dict[int, dict[str, Any]]:
    """Updates that take a unique value of a row that goes: they come after it has gone. One that lets go of another
    row (`references`) cannot wait."""
    if not plan.deletes or not plan.updates:
        return {}
    found: dict[int, dict[str, Any]] = {}
    for key, _is_partial in _unique(plan.model):
        taken = set(_keys(session, plan.model, key, plan.deletes).values())
        wanted = _keys(session, plan.model, key, plan.updates, plan.updates)
        found |= {row_id: plan.updates[row_id] for row_id, value in wanted.items() if value in taken}
    return {row_id: values for row_id, values in found.items() if not set(values) & references}


def _keys(
    session: Session,
    model: type[Base],
    key: tuple[str, ...],
    ids: Iterable[int],
    updates: Mapping[int, Mapping[str, Any]] | None = None,
) -> dict[int, tuple[Any, ...]]:
    """By row, its value of a unique key as it is, or as `updates` make it; rows with a NULL in it have none."""
    found = {}
    for row_id, row in present(session, model, ids, key).items():
        values = {
            **row,
            **{name: value for name, value in (updates or {}).get(row_id, {}).items() if name in key},
        }
        if all(values[name] is not None for name in key):
            found[row_id] = tuple(values[name] for name in key)
    return found


def _parents_first(plan: Plan) -> dict[int, dict[str, Any]]:
    """The rows that come back; within a table, a row after the one it refers to."""
    selves = [
        name for model, name, table in references() if model is plan.model and table == model.__tablename__
    ]
    ordered: dict[int, dict[str, Any]] = {}
    left = dict(sorted(plan.inserts.items()))
    while left:
        free = {
            row_id: row
            for row_id, row in left.items()
            if all(row.get(name) == row_id or row.get(name) not in left for name in selves)
        } or dict(left)
        ordered.update(free)
        left = {row_id: row for row_id, row in left.items() if row_id not in free}
    return ordered


def _update(
    session: Session, plan: Plan, updates: dict[int, dict[str, Any]], operation: audit.Operation
) -> None:
    if not updates:
        return
    names = set().union(*updates.values())
    now_there = present(session, plan.model, updates, names)
    for wave in _waves(session, plan.model, updates):
        groups: dict[tuple[str, ...], list[tuple[int, dict[str, Any]]]] = {}
        for row_id, values in _let_go(session, plan.model, wave).items():
            groups.setdefault(tuple(sorted(values)), []).append((row_id, values))
        for writes in groups.values():
            write_updates(session, plan.model, writes, operation)
    audit.record(
        session,
        plan.model,
        (
            (row_id, "update", {name: now_there[row_id][name] for name in updates[row_id]}, updates[row_id])
            for row_id in sorted(updates)
        ),
    )


def _waves(
    session: Session, model: type[Base], updates: dict[int, dict[str, Any]]
) -> Iterator[dict[int, dict[str, Any]]]:
    """Rows that take what another one holds come after it; the last wave may hold rows that go round in a ring."""
    after: dict[int, set[int]] = {}
    for key, is_partial in _unique(model):
        if len(updates) > 1 and any(is_partial or set(values) & set(key) for values in updates.values()):
            holder = {value: row_id for row_id, value in _keys(session, model, key, updates).items()}
            for row_id, value in _keys(session, model, key, updates, updates).items():
                if holder.get(value, row_id) != row_id:
                    after.setdefault(row_id, set()).add(holder[value])
    left = updates
    while left:
        free = {row_id: values for row_id, values in left.items() if not after.get(row_id, set()) & set(left)}
        yield free or left
        left = {row_id: values for row_id, values in left.items() if row_id not in free} if free else {}


def _let_go(
    session: Session, model: type[Base], updates: dict[int, dict[str, Any]]
) -> dict[int, dict[str, Any]]:
    """Rows that take each other's unique values (a credit code, a name that goes back) let go of them first, so that
    the order of the updates does not matter. Returns the updates, and with them what was let go of for a moment."""
    columns = columns_of(model)
    writing = dict(updates)
    for key, is_partial in _unique(model):
        free = next((name for name in key if columns[name].nullable), None)
        text = next((name for name in key if isinstance(columns[name].type, sa.String)), None)
        name = free or text
        if (
            name is None
            or len(updates) < 2
            or not any(is_partial or set(values) & set(key) for values in updates.values())
        ):
            continue
        held_keys, wanted = _keys(session, model, key, updates), _keys(session, model, key, updates, updates)
        takers: dict[tuple[Any, ...], set[int]] = {}
        for row_id, value in wanted.items():
            takers.setdefault(value, set()).add(row_id)
        rows = [row_id for row_id, value in held_keys.items() if takers.get(value, set()) - {row_id}]
        if not rows:
            continue
        held = present(session, model, rows, [name])
        table = cast(sa.Table, model.__table__)
        statement = sa.update(table).where(table.c.id == sa.bindparam("b__id"))
        values = [{"b__id": row_id, "b_free": None if free else f"~{row_id}"} for row_id in sorted(rows)]
        for part in chunks(values):
            session.connection().execute(
                statement.values({columns[name].key: sa.bindparam("b_free", type_=columns[name].type)}), part
            )
        for row_id in rows:
            writing[row_id] = {name: held[row_id][name], **writing[row_id]}
    return writing


def _unique(model: type[Base]) -> list[tuple[tuple[str, ...], bool]]:
    """The attributes of each unique key of a table, and whether it holds for some of the rows only."""
    names = {column: name for name, column in columns_of(model).items()}
    table = cast(sa.Table, model.__table__)
    keys = [(item.columns, False) for item in table.constraints if isinstance(item, sa.UniqueConstraint)]
    keys += [
        (item.columns, any(options.get("where") is not None for options in item.dialect_options.values()))
        for item in table.indexes
        if item.unique
    ]
    return [(tuple(names[column] for column in columns), partial) for columns, partial in keys]


def _delete(session: Session, plan: Plan) -> None:
    """Rows of a table that refer to each other go newest first."""
    selves = [
        name for model, name, table in references() if model is plan.model and table == model.__tablename__
    ]
    if not selves:
        audit.delete_many(session, plan.model, plan.deletes)
        return
    columns = columns_of(plan.model)
    left = set(plan.deletes)
    while left:
        held: set[int] = set()
        for name in selves:
            statement = sa.select(columns[name], columns["id"]).where(columns[name].is_not(None))
            for part in chunks(sorted(left), 5000):
                held |= {
                    to for to, by in session.execute(statement.where(within(columns["id"], part))) if to != by
                }
        free = left - held or left
        audit.delete_many(session, plan.model, free)
        left -= free


def _sorted_tables() -> list[sa.Table]:
    """Parents before children; tables that refer to each other in a circle come in any order."""
    ordered = sort_tables(list(Base.metadata.tables.values()))  # type: ignore[no-untyped-call]
    return [table for table, _ in ordered if table is not None]
