"""An office at work, for trying undo against everything at once: what is in the database, and what changed."""

from __future__ import annotations

from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core.audit.journal import STAMPS, columns_of
from crm.core.db import Base

Rows = dict[int, dict[str, Any]]
State = dict[str, Rows]


def business(session: Session) -> State:
    """Every business value there is: table → id → column → value, without versions and stamps."""
    session.rollback()
    found: State = {}
    for mapper in Base.registry.mappers:
        model = cast("type[Base]", mapper.class_)
        if not model.__audited__:
            continue
        columns = {name: column for name, column in columns_of(model).items() if name not in STAMPS}
        rows = session.execute(sa.select(*(column.label(name) for name, column in columns.items())))
        found[model.__tablename__] = {row.id: dict(row._mapping) for row in rows}
    session.rollback()
    return found


def difference(old: State, new: State) -> dict[tuple[str, int, str], tuple[Any, Any]]:
    """(table, id, column) → (value before, value after) of all that differs; a row that is not there has None."""
    found: dict[tuple[str, int, str], tuple[Any, Any]] = {}
    for table in old.keys() | new.keys():
        before, after = old.get(table, {}), new.get(table, {})
        for row_id in before.keys() | after.keys():
            one, other = before.get(row_id, {}), after.get(row_id, {})
            for name in one.keys() | other.keys():
                if one.get(name) != other.get(name):
                    found[table, row_id, name] = (one.get(name), other.get(name))
    return found
