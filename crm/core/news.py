"""What changed since a day, from every feature, newest first: counted by kind, and walked by keyset.

Slot `NEWS`, filled by the factory. A page costs one statement, and one for each kind that stands on it; the counts
cost one, however much has happened.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.functions import FunctionElement

from crm.core.permissions import Actor
from crm.core.words import Message

PAGE = 50


@dataclass(frozen=True, slots=True)
class Line:
    """One change as a page shows it: what it is about and where that leads, and what happened."""

    on: dt.date
    name: str
    text: str | Message
    endpoint: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class News:
    """A kind of change. `keys` selects the columns ``on`` and ``id`` of those the viewer may see, from the first to
    the last day; `load` tells of some of them by id, in one statement."""

    code: str
    label: str
    keys: Callable[[Actor, dt.date, dt.date], sa.Select[Any]]
    load: Callable[[Session, Sequence[int], Actor], Mapping[int, Line]]


NEWS: list[News] = []


@dataclass(frozen=True, slots=True)
class Place:
    """Behind which change a page begins: its day, the number of its kind, its id."""

    on: dt.date
    rank: int
    id: int

    def __str__(self) -> str:
        return f"{self.on.isoformat()}.{self.rank}.{self.id}"


def place_of(text: str) -> Place | None:
    """What `str(Place)` wrote into an address; None for anything else."""
    day, _, rest = text[:60].partition(".")
    rank, _, key = rest.partition(".")
    if not all(part.isascii() and part.isdigit() for part in (rank, key)) or len(key) > 18 or len(rank) > 3:
        return None
    try:
        return Place(dt.date.fromisoformat(day), int(rank), int(key))
    except ValueError:
        return None


class shanghai_day(FunctionElement[dt.date]):
    """The day of a stored moment, as people here count days."""

    type = sa.Date()
    inherit_cache = True
    name = "shanghai_day"


@compiles(shanghai_day)
def _in_postgresql(element: Any, compiler: Any, **kwargs: Any) -> str:
    return f"({compiler.process(element.clauses, **kwargs)} AT TIME ZONE 'Asia/Shanghai')::date"


@compiles(shanghai_day, "sqlite")
def _in_sqlite(element: Any, compiler: Any, **kwargs: Any) -> str:
    # moments are kept in UTC; Shanghai has had no summer time since 1991
    return f"date({compiler.process(element.clauses, **kwargs)}, '+8 hours')"


def counts(session: Session, viewer: Actor, *, first: dt.date, last: dt.date) -> dict[str, int]:
    """How many changes of each kind there were in these days, none included: kind → number. One statement."""
    parts = [
        sa.select(
            sa.literal(rank).label("rank"),
            sa.select(sa.func.count())
            .select_from(news.keys(viewer, first, last).subquery())
            .scalar_subquery()
            .label("number"),
        )
        for rank, news in enumerate(NEWS)
    ]
    if not parts:
        return {}
    rows = session.execute(sa.union_all(*parts)).all()
    return {NEWS[row.rank].code: int(row.number) for row in rows}


def page(
    session: Session,
    viewer: Actor,
    *,
    first: dt.date,
    last: dt.date,
    only: str | None = None,
    after: Place | None = None,
    size: int = PAGE,
) -> tuple[list[tuple[News, Line]], Place | None]:
    """The changes of these days, the newest first, behind `after`; and where the next page begins."""
    parts = []
    for rank, news in enumerate(NEWS):
        if only is not None and news.code != only:
            continue
        keys = news.keys(viewer, first, last).subquery()
        part = sa.select(sa.literal(rank).label("rank"), keys.c.on.label("on"), keys.c.id.label("id"))
        if after is not None:
            part = part.where(_behind(keys, rank, after))
        parts.append(sa.select(part.order_by(keys.c.on.desc(), keys.c.id.desc()).limit(size + 1).subquery()))
    if not parts:
        return [], None
    every = sa.union_all(*parts).subquery()
    rows = session.execute(
        sa.select(every.c.rank, every.c.on, every.c.id)
        .order_by(every.c.on.desc(), every.c.rank, every.c.id.desc())
        .limit(size + 1)
    ).all()
    shown = rows[:size]
    loaded: dict[tuple[int, int], Line] = {}
    for rank in sorted({row.rank for row in shown}):
        ids = [row.id for row in shown if row.rank == rank]
        loaded.update({(rank, key): line for key, line in NEWS[rank].load(session, ids, viewer).items()})
    lines = [(NEWS[row.rank], loaded[row.rank, row.id]) for row in shown if (row.rank, row.id) in loaded]
    more = Place(shown[-1].on, shown[-1].rank, shown[-1].id) if len(rows) > size else None
    return lines, more


def _behind(keys: sa.Subquery, rank: int, after: Place) -> sa.ColumnElement[bool]:
    if rank < after.rank:
        return keys.c.on < after.on
    if rank > after.rank:
        return keys.c.on <= after.on
    return sa.or_(keys.c.on < after.on, sa.and_(keys.c.on == after.on, keys.c.id < after.id))
