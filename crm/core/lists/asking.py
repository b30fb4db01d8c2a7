"""What a list may be asked: whitelisted orders, conditions and columns, and what an address asks of them."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, Session

from crm.core.permissions import Actor
from crm.core.words import Message

Choices = Callable[[Session, Actor], Sequence[tuple[str, str | Message]]]


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
    is_first: bool = False  # on the page also while it is not used
    needs: str | None = None  # a permission without which the condition does not exist
    told: Callable[[str], Message] | None = None  # how a value without choices reads on the page


class Kind(StrEnum):
    """What a column holds, which says how a cell is shown and what it becomes in a workbook."""

    TEXT = "text"  # words, sentences, names; also a list of them, one a line
    WORD = "word"  # a member of an enum
    LIGHT = "light"  # a word that is a light: green, yellow, red, or none of them
    DAY = "day"
    MOMENT = "moment"
    NUMBER = "number"
    MONEY = "money"  # whole yuan, shown in 万元


@dataclass(frozen=True, slots=True)
class Shown:
    """A cell that says more than its value: a smaller second line, or a mark beside it (with a word, never a colour
    alone). An export takes the value, and with words the mark."""

    value: Any
    note: Any = None
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a list. `cells` loads what the page's rows show, by row id, in one statement; without it the
    row itself carries the value under `key`. `heading` is what an export calls it, where that differs."""

    key: str
    label: str
    cells: Callable[[Session, Sequence[int], Actor], Mapping[int, Any]] | None = None
    is_default: bool = True
    sort: str | None = None
    needs: str | None = None  # a permission without which the column does not exist
    kind: Kind = Kind.TEXT
    heading: str | None = None
    width: int | None = None

    @property
    def is_number(self) -> bool:
        return self.kind in (Kind.NUMBER, Kind.MONEY)


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
class Asked:
    """What the URL asks of a list, once unknown keys and values have been dropped."""

    sort: Sort
    is_descending: bool
    position: Position | None
    conditions: dict[str, str] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    today: dt.date | None = None

    @property
    def sort_key(self) -> str:
        return ("-" if self.is_descending else "") + self.sort.key


def asked(
    args: Mapping[str, str],
    *,
    sorts: Sequence[Sort],
    filters: Sequence[Filter],
    columns: Sequence[Column] = (),
    today: dt.date | None = None,
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
    return Asked(sort, descending, position, conditions, chosen, today)


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
        if value is None or (item.needs and not viewer.may(item.needs)):
            continue
        clause = item.where(session, value, viewer)
        if clause is not None:
            clauses.append(clause)
            understood[item.key] = value
    return clauses, understood


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
