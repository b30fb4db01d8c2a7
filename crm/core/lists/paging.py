"""Keyset paging and a capped count: which rows a page shows, and the addresses of its neighbours."""

from __future__ import annotations

import base64
import datetime as dt
import json
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, Session

from crm.core.lists.asking import Asked, Position, Sort

CAP = 10_000  # a longer list is counted as "10,000 and more"
PAGE = 50


@dataclass(slots=True)
class Page:
    """One page of rows. `after` and `before` are the URL values of the neighbouring pages."""

    rows: list[Any]
    after: str | None
    before: str | None
    first: int
    last: int


def page(
    session: Session,
    statement: sa.Select[Any],
    wanted: Asked,
    id_column: InstrumentedAttribute[int],
    size: int = PAGE,
) -> Page:
    """Read one page. The statement must select the sort column under its key and the id as ``id``."""
    position = wanted.position
    back = position is not None and position.is_back
    descending = wanted.is_descending != back
    column = wanted.sort.column
    if position is not None:
        statement = statement.where(_beyond(wanted.sort, id_column, position, descending, back))
    first_key: Any = column.desc() if descending else column.asc()
    if wanted.sort.is_nullable:
        first_key = first_key.nulls_first() if back else first_key.nulls_last()
    second_key = id_column.desc() if descending else id_column.asc()
    rows = list(session.execute(statement.order_by(first_key, second_key).limit(size + 1)))
    more = len(rows) > size
    rows = rows[:size]
    if back:
        rows.reverse()
    at = position.at if position is not None else 0
    first = max(1, at - len(rows) + 1) if back else at + 1
    last = first + len(rows) - 1
    has_next = bool(rows) and (more if not back else True)
    has_previous = bool(rows) and (position is not None if not back else more)
    after = _encode(wanted.sort, rows[-1], last) if has_next else None
    before = _encode(wanted.sort, rows[0], first - 1) if has_previous else None
    return Page(rows, after, before, first if rows else 0, last if rows else 0)


def _beyond(
    sort: Sort, id_column: InstrumentedAttribute[int], position: Position, descending: bool, back: bool
) -> sa.ColumnElement[bool]:
    """Rows behind the position, in reading order (which is turned round when going back)."""
    column = sort.column
    beyond_id = id_column < position.id if descending else id_column > position.id
    if position.value is None:
        tail = sa.and_(column.is_(None), beyond_id)
        return sa.or_(tail, column.is_not(None)) if back else tail
    pair = sa.tuple_(column, id_column)
    here = sa.tuple_(sa.literal(position.value, column.type), sa.literal(position.id, id_column.type))
    clause = pair < here if descending else pair > here
    if sort.is_nullable and not back:
        return sa.or_(clause, column.is_(None))
    return clause


def _encode(sort: Sort, row: Any, at: int) -> str:
    # a list that shows another column under the sort's name labels what it is sorted by "sort_<key>"
    seen = row._mapping
    value = seen[f"sort_{sort.key}"] if f"sort_{sort.key}" in seen else seen[sort.key]
    if isinstance(value, dt.datetime):
        value = value.astimezone(dt.UTC).isoformat()
    elif isinstance(value, dt.date):
        value = value.isoformat()
    raw = json.dumps([value, seen["id"], at], ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(raw.encode()).decode().rstrip("=")


def count(session: Session, ids: sa.Select[Any], cap: int = CAP) -> tuple[int, bool]:
    """How many rows a select of ids has, and whether counting stopped at the cap."""
    inner = ids.order_by(None).limit(cap + 1).subquery()
    number = session.execute(sa.select(sa.func.count()).select_from(inner)).scalar_one()
    return (cap, True) if number > cap else (int(number), False)
