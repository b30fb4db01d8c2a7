"""A list as a file: the columns of the page in their order, typed; the rows the viewer may take away."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core.lists.asking import Asked, Column, Kind, Shown
from crm.core.lists.declared import List, every
from crm.core.permissions import Actor
from crm.core.sheets import Column as SheetColumn
from crm.core.sheets import ColumnKind
from crm.core.words import N_, Message, Named, Refused, Word

Say = Callable[[Any], str]
# of an address: how it shows, not what
SHOWING = frozenset({"sort", "columns", "view", "more", "after", "before"})

KINDS = {
    Kind.TEXT: ColumnKind.TEXT,
    Kind.WORD: ColumnKind.TEXT,
    Kind.LIGHT: ColumnKind.TEXT,
    Kind.DAY: ColumnKind.DATE,
    Kind.MOMENT: ColumnKind.MOMENT,
    Kind.NUMBER: ColumnKind.INTEGER,
    Kind.MONEY: ColumnKind.YUAN,
}


@dataclass(frozen=True, slots=True)
class Taken:
    """What an export holds: a select of its ids, how many there are, how many more were asked for but are withheld."""

    ids: sa.Select[Any]
    count: int
    withheld: int
    understood: Mapping[str, str]


def taken(
    session: Session, declared: List, wanted: Asked, viewer: Actor, only: Sequence[int] | None = None
) -> Taken:
    """The rows of a filter, or the ticked ones among them, that this viewer may export."""
    ids, understood = declared.matching(session, wanted, viewer)
    if only is not None:
        ids = ids.where(declared.id.in_(only))
    inside = ids if declared.exportable_by is None else ids.where(declared.exportable_by(viewer))

    def number(statement: sa.Select[Any]) -> int:
        inner = statement.order_by(None).subquery()
        return int(session.execute(sa.select(sa.func.count()).select_from(inner)).scalar_one())

    asked_for = number(ids)
    count = asked_for if declared.exportable_by is None else number(inside)
    return Taken(inside, count, asked_for - count, understood)


def check_conditions(typed: Mapping[str, str], found: Taken) -> None:
    """Raises `Refused` for conditions the list does not know: they would be passed over, and everything exported."""
    odd = [f"{key}={value}" for key, value in typed.items() if key not in {*found.understood, *SHOWING}]
    if odd:
        raise Refused(N_("不认识的条件「%(what)s」，没有导出。请照列表网址里的写。"), what=" ".join(odd))


def columns_of(declared: List, wanted: Asked, viewer: Actor) -> list[Column]:
    """The columns of the file: what the first cell of the page says, then those on screen in their order."""
    shown = declared.shown(wanted, viewer)
    return [*declared.always, *(column for column in shown if column not in declared.always)]


def headings(columns: Sequence[Column], say: Say) -> list[SheetColumn]:
    return [
        SheetColumn(say(column.heading or column.label), KINDS[column.kind], column.width)
        for column in columns
    ]


def rows_of(
    session: Session,
    declared: List,
    wanted: Asked,
    columns: Sequence[Column],
    ids: sa.Select[Any],
    viewer: Actor,
    say: Say,
) -> Iterator[tuple[Any, ...]]:
    """The rows, a thousand at a time."""
    for chunk in every(session, declared, wanted, ids):
        cells = declared.load(session, columns, [row.id for row in chunk], viewer, wanted)
        for row in chunk:
            seen = row._mapping
            yield tuple(
                plain(cells[column.key].get(row.id) if column.key in cells else seen[column.key], say)
                for column in columns
            )


def plain(value: Any, say: Say) -> Any:
    """What a cell holds in a file."""
    if isinstance(value, Shown):
        held = plain(value.value, say)
        # a day or a number stays one: only words take the mark along
        return f"{held}（{say(value.mark)}）" if value.mark and isinstance(held, str) else held
    if isinstance(value, Word):
        return say(value.label)
    if isinstance(value, Message | Named):
        return say(value)
    if isinstance(value, list | tuple):
        return "、".join(str(plain(item, say)) for item in value)
    return value
