"""What an undo would leave without something it must have: references the database checks only at the commit.

Told twice: before, from the plan, for the page that offers the undo; and after it is written, from the database.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core.audit.journal import chunks, columns_of, present
from crm.core.db import Base
from crm.core.undo.obstacles import name_of_row, undoable
from crm.core.undo.planning import Plan
from crm.core.words import N_, Message, Refused

Key = tuple[Any, ...]
Pairs = list[tuple[sa.Column[Any], sa.Column[Any]]]  # of the child, of the parent


def require_whole(session: Session, plans: list[Plan]) -> None:
    """Raises `Refused` when a deferred reference of a written table leads nowhere now: the commit would fail."""
    for model, parent, pairs in _deferred(plans):
        table = cast(sa.Table, model.__table__)
        there = sa.exists().select_from(parent.__table__).where(*(mine == theirs for mine, theirs in pairs))
        lone = sa.select(table.c.id).where(*(mine.is_not(None) for mine, _ in pairs), ~there).limit(1)
        row_id = session.scalar(lone.correlate(None))
        if row_id is not None:
            raise _refusal(session, model, parent, row_id)


def would_lack(session: Session, plans: list[Plan]) -> Refused | None:
    """The same of a plan that is not written: what the undo would be refused for. Nothing is locked or written."""
    by_model = {plan.model: plan for plan in plans}
    for model, parent, pairs in _deferred(plans):
        wanted = _children(session, model, parent, pairs, by_model)
        if not wanted:
            continue
        there = _parents(session, parent, pairs, set(wanted.values()), by_model.get(parent))
        row_id = next((row_id for row_id, key in sorted(wanted.items()) if key not in there), None)
        if row_id is not None:
            return _refusal(session, model, parent, row_id)
    return None


def _deferred(plans: list[Plan]) -> Iterator[tuple[type[Base], type[Base], Pairs]]:
    """(child, parent, columns) of the deferred references of the tables an undo writes."""
    written, models = {plan.model.__tablename__ for plan in plans}, undoable()
    for model in models.values():
        for constraint in cast(sa.Table, model.__table__).foreign_key_constraints:
            table = constraint.referred_table.name
            if constraint.deferrable and {model.__tablename__, table} & written:
                yield model, models[table], [(each.parent, each.column) for each in constraint.elements]


def _refusal(session: Session, model: type[Base], parent: type[Base], row_id: int) -> Refused:
    return Refused(
        N_("撤销以后，%(name)s（%(kind)s %(id)s）就缺少必须有的「%(what)s」，所以不能撤销。什么都没有改。"),
        what=Message(parent.__label__ or parent.__tablename__),
        **name_of_row(session, model, row_id),
    )


def _children(
    session: Session, model: type[Base], parent: type[Base], pairs: Pairs, plans: Mapping[type[Base], Plan]
) -> dict[int, Key]:
    """The rows whose reference the undo could break, with what they refer to after it."""
    own, above = plans.get(model), plans.get(parent)
    mine, theirs = [child for child, _ in pairs], [column for _, column in pairs]
    ids = set(own.updates) if own is not None else set()
    if above is not None:
        touched = present(session, parent, {*above.deletes, *above.updates}, lock=False)
        keys = {_key(session, parent, theirs, {"id": row_id, **row}) for row_id, row in touched.items()}
        ids |= set(_with_keys(session, mine, {key for key in keys if key is not None}))
    if own is not None:
        ids -= own.deletes
    rows = _after(present(session, model, ids, lock=False), own)
    keyed = {row_id: _key(session, model, mine, {"id": row_id, **row}) for row_id, row in rows.items()}
    return {row_id: key for row_id, key in keyed.items() if key is not None}


def _parents(
    session: Session, parent: type[Base], pairs: Pairs, wanted: set[Key], plan: Plan | None
) -> set[Key]:
    """Which of these keys a row of the parent has after the undo."""
    columns = [column for _, column in pairs]
    ids = {*_with_keys(session, columns, wanted), *(plan.updates if plan is not None else ())}
    if plan is not None:
        ids -= plan.deletes
    rows = _after(present(session, parent, ids, lock=False), plan)
    found = (_key(session, parent, columns, {"id": row_id, **row}) for row_id, row in rows.items())
    return {key for key in found if key is not None}


def _after(rows: Mapping[int, dict[str, Any]], plan: Plan | None) -> dict[int, dict[str, Any]]:
    """Rows as the undo leaves them, with those it brings back."""
    if plan is None:
        return dict(rows)
    return {row_id: row | plan.updates.get(row_id, {}) for row_id, row in rows.items()} | plan.inserts


def _with_keys(session: Session, columns: Sequence[sa.Column[Any]], keys: set[Key]) -> list[int]:
    found: list[int] = []
    for part in chunks(sorted(keys), 200):
        statement = sa.select(columns[0].table.c.id).where(sa.tuple_(*columns).in_(part))
        found += session.scalars(statement)
    return found


def _key(
    session: Session, model: type[Base], columns: Sequence[sa.Column[Any]], row: Mapping[str, Any]
) -> Key | None:
    """These columns of a row; None when one is NULL. What the database computes it computes of the row given."""
    known = columns_of(model)
    names = {column: name for name, column in known.items()}
    if all(column in names for column in columns):
        key = tuple(row.get(names[column]) for column in columns)
    else:
        values = (sa.literal(row.get(name), column.type).label(column.name) for name, column in known.items())
        source = sa.select(*values).subquery()
        wanted: list[sa.ColumnElement[Any]] = [
            sa.literal_column(str(column.computed.sqltext) if column.computed is not None else column.name)
            for column in columns
        ]
        key = tuple(session.execute(sa.select(*wanted).select_from(source)).one())
    return None if any(value is None for value in key) else key
