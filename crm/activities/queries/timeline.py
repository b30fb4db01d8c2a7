"""One stream of a record: what people did, files, and what other features tell of it; newest first, by keyset.

Slot SOURCES, filled by the factory. A page costs two statements a source (the keys, then the rows behind the few
keys that are shown), however long the stream is.
"""

from __future__ import annotations

import datetime as dt
import heapq
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core.clock import ZONE, local
from crm.core.permissions import Actor
from crm.core.words import C_, N_, Message, Word

PAGE = 12
Subject = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a stream. `title` is said in the reader's language; `text` is what somebody wrote."""

    source: str
    key: int
    on: dt.date
    title: Message
    text: str = ""
    who: str = ""
    at: dt.datetime | None = None
    is_change: bool = False  # a filled dot: the record itself moved
    details: Any = None  # what the source's own partial shows


@dataclass(frozen=True, slots=True)
class Keys:
    """The columns a source is walked by: the day and the id of its rows, under a condition. With `is_moment` the
    first is a moment that grows with the id; its day is Shanghai's."""

    on: Any
    id: Any
    where: sa.ColumnElement[bool]
    is_moment: bool = False


class Group(Word):
    """What a timeline may be filtered by."""

    CONTACT = "contact", N_("走访与办结")
    RECORD = "record", N_("变更")
    TITLE = "title", N_("证书与阶段")
    FILE = "file", C_("page", "文件")


@dataclass(frozen=True, slots=True)
class Source:
    """A kind of entries. `keys` answers None for a record it has nothing to say of; a page is filtered by `group`."""

    code: str
    group: Group
    keys: Callable[[Subject, Actor, dt.date], Keys | None]
    load: Callable[[Session, Sequence[int], Actor], Mapping[int, Entry]]


SOURCES: list[Source] = []


@dataclass(frozen=True, slots=True)
class Place:
    """Behind which entry a page begins."""

    on: dt.date
    rank: int
    key: int


@dataclass(frozen=True, slots=True)
class Stream:
    """A page of a timeline, and where the next one begins."""

    entries: list[Entry]
    more: Place | None


def stream(
    session: Session,
    subject: Subject,
    viewer: Actor,
    *,
    today: dt.date,
    only: Group | None = None,
    after: Place | None = None,
    size: int = PAGE,
) -> Stream:
    """A page of the stream of a record the viewer has been found to see. `only` is a group of sources."""
    found: list[list[tuple[int, int, int]]] = []
    for rank, source in enumerate(SOURCES):
        if only is not None and source.group is not only:
            continue
        keys = source.keys(subject, viewer, today)
        if keys is not None:
            found.append(_walk(session, keys, rank, after, size + 1))
    merged = [item for _, item in zip(range(size + 1), heapq.merge(*found), strict=False)]
    shown, more = merged[:size], len(merged) > size
    loaded: dict[tuple[int, int], Entry] = {}
    for rank in {rank for _, rank, _ in shown}:
        ids = [-key for _, of, key in shown if of == rank]
        loaded.update({(rank, key): entry for key, entry in SOURCES[rank].load(session, ids, viewer).items()})
    entries = [loaded[rank, -key] for _, rank, key in shown if (rank, -key) in loaded]
    last = shown[-1] if shown else None
    place = Place(dt.date.fromordinal(-last[0]), last[1], -last[2]) if last and more else None
    return Stream(entries, place)


def _walk(
    session: Session, keys: Keys, rank: int, after: Place | None, size: int
) -> list[tuple[int, int, int]]:
    """(−day, rank, −key) of the next rows: what a merge sorts upwards is newest first."""
    statement = sa.select(keys.on.label("day"), keys.id.label("key")).where(keys.where)
    if after is not None:
        until = (
            after.on if rank < after.rank else after.on + dt.timedelta(1)
        )  # the first day that is too late
        before = keys.on < (midnight(until) if keys.is_moment else until)
        if rank == after.rank:
            same_day = keys.on >= (midnight(after.on) if keys.is_moment else after.on)
            before = sa.and_(before, sa.or_(sa.not_(same_day), keys.id < after.key))
        statement = statement.where(before)
    order = [keys.id.desc()] if keys.is_moment else [keys.on.desc(), keys.id.desc()]
    rows = session.execute(statement.order_by(*order).limit(size))
    return [
        (-(local(row.day).date() if keys.is_moment else row.day).toordinal(), rank, -row.key) for row in rows
    ]


def midnight(day: dt.date) -> dt.datetime:
    """The moment a day begins in Shanghai."""
    return dt.datetime.combine(day, dt.time(), ZONE).astimezone(dt.UTC)
