"""Writing an undo: in an order the foreign keys allow, with change rows of its own."""

from __future__ import annotations

from typing import Any

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
        _update(session, plan, {i: v for i, v in plan.updates.items() if i not in waiting}, operation)
        later.append((plan, waiting))
    for plan in reversed(plans):
        if plan.deletes:
            _delete(session, plan)
    for plan in plans:
        restore_rows(session, plan.model, _parents_first(plan))
    for plan, waiting in later:
        _update(session, plan, waiting, operation)


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
    groups: dict[tuple[str, ...], list[tuple[int, dict[str, Any]]]] = {}
    for row_id, values in updates.items():
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
