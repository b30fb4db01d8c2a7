"""Lists: whitelisted sorting and filtering, keyset paging, a capped count. The URL says everything a list shows."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, Session

from crm.core.permissions import Actor

CAP = 10_000  # a longer list is counted as "10,000 and more"
PAGE = 50

Choices = Callable[[Session, Actor], Sequence[tuple[str, str]]]


@dataclass(frozen=True, slots=True)
class Sort:
    """One way to order a list; `id` breaks ties. Missing values come last in both directions."""

    key: str
    label: str
    column: InstrumentedAttribute[Any]
    is_descending: bool = False  # the direction of the first click
    is_nullable: bool = False


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition a list may carry. `where` gets the session, the URL's value and the viewer; it returns None
    for a value it does not know.

    `choices` gives (value, label) pairs for a menu; a filter without them is typed (`kind` text or day) or,
    as `hidden`, only ever linked to.
    """

    key: str
    label: str
    where: Callable[[Session, str, Actor], sa.ColumnElement[bool] | None]
    choices: Choices | None = None
    kind: str = "choice"  # choice | text | day | hidden


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a list. `cells` loads what the page's rows show, by row id, in one statement; without it the
    row itself carries the value under `key`. Values are plain text or numbers, ready to show."""

    key: str
    label: str
    cells: Callable[[Session, Sequence[int], Actor], Mapping[int, Any]] | None = None
    is_number: bool = False
    is_default: bool = True
    sort: str | None = None
    needs: str | None = None  # a permission without which the column does not exist


@dataclass(frozen=True, slots=True)
class Bulk:
    """Something to do with selected rows: a button of the selection bar that posts `ids` or `all` + `filter`."""

    label: str
    icon: str
    endpoint: str
    needs: str


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page begins: behind the row with these values (or, going back, before it); `at` rows are before it."""

    value: Any
    id: int
    at: int
    is_back: bool = False


@dataclass(slots=True)
class Page:
    """One page of rows. `after` and `before` are the URL values of the neighbouring pages."""

    rows: list[Any]
    after: str | None
    before: str | None
    first: int
    last: int


@dataclass(slots=True)
class Asked:
    """What the URL asks of a list, once unknown keys and values have been dropped."""

    sort: Sort
    is_descending: bool
    position: Position | None
    conditions: dict[str, str] = field(default_factory=dict)
    columns: tuple[str, ...] = ()

    @property
    def sort_key(self) -> str:
        return ("-" if self.is_descending else "") + self.sort.key


def asked(
    args: Mapping[str, str],
    *,
    sorts: Sequence[Sort],
    filters: Sequence[Filter],
    columns: Sequence[Column] = (),
) -> Asked:
    """Read a query string against the whitelists; what they do not know is dropped, never an error."""
    raw = args.get("sort", "")
    by_key = {sort.key: sort for sort in sorts}
    sort = by_key.get(raw.removeprefix("-"), sorts[0])
    descending = raw.startswith("-") if raw.removeprefix("-") in by_key else sort.is_descending
    conditions = {item.key: value for item in filters if (value := clean(args.get(item.key, "")))}
    known = {column.key for column in columns}
    chosen = tuple(dict.fromkeys(key for key in args.get("columns", "").split(",") if key in known))
    position = _decode(args.get("after"), sort, False) or _decode(args.get("before"), sort, True)
    return Asked(sort, descending, position, conditions, chosen)


def clean(value: str) -> str:
    """A filter's value without NUL and surrounding spaces, at most 200 characters."""
    return value.replace("\x00", "").strip()[:200]


def conditions(
    session: Session, wanted: Asked, filters: Sequence[Filter], viewer: Actor
) -> tuple[list[sa.ColumnElement[bool]], dict[str, str]]:
    """The SQL conditions, and the ones of the URL that were understood."""
    clauses: list[sa.ColumnElement[bool]] = []
    understood: dict[str, str] = {}
    for item in filters:
        value = wanted.conditions.get(item.key)
        if value is None:
            continue
        clause = item.where(session, value, viewer)
        if clause is not None:
            clauses.append(clause)
            understood[item.key] = value
    return clauses, understood


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


def position(raw: str, sort: Sort, *, is_back: bool = False) -> Position | None:
    """Where a page's `after` (or `before`) leads."""
    return _decode(raw, sort, is_back)


def _decode(raw: str | None, sort: Sort, is_back: bool) -> Position | None:
    if not raw or len(raw) > 2000:
        return None
    try:
        value, row_id, at = json.loads(base64.urlsafe_b64decode(raw + "=" * (-len(raw) % 4)))
        if type(row_id) is not int or type(at) is not int or not (0 <= row_id < 2**63 and 0 <= at < 2**31):
            return None
        return Position(_typed(value, sort), row_id, at, is_back)
    except (ValueError, TypeError, OverflowError, binascii.Error, RecursionError):
        return None


def _typed(value: Any, sort: Sort) -> Any:
    if value is None:
        if not sort.is_nullable:
            raise ValueError("no value to go on from")
        return None
    kind = sort.column.type
    wanted = (kind.impl_instance if isinstance(kind, sa.TypeDecorator) else kind).python_type
    if wanted is dt.datetime:
        moment = dt.datetime.fromisoformat(value)
        return (moment.replace(tzinfo=dt.UTC) if moment.tzinfo is None else moment).astimezone(dt.UTC)
    if wanted is dt.date:
        return dt.date.fromisoformat(value)
    if type(value) is not wanted or (wanted is str and "\x00" in value):
        raise ValueError("not a value of this column")
    if wanted is str:
        value.encode()  # half a surrogate pair is a ValueError, too
    if wanted is int and not -(2**31) <= value < 2**31:
        raise ValueError("beyond what every integer column holds")
    return value


def count(session: Session, ids: sa.Select[Any], cap: int = CAP) -> tuple[int, bool]:
    """How many rows a select of ids has, and whether counting stopped at the cap."""
    inner = ids.order_by(None).limit(cap + 1).subquery()
    number = session.execute(sa.select(sa.func.count()).select_from(inner)).scalar_one()
    return (cap, True) if number > cap else (int(number), False)
