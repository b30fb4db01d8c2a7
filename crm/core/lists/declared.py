"""One declaration a list; the page, its export, its saved views and bulk changes all come from it.

Slot `LISTS`, filled by the factory. The mechanisms know a list only by its key.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, Session

from crm.core.lists.asking import Asked, Bulk, Column, Filter, Position, Sort, asked, position
from crm.core.lists.paging import PAGE, Page, count, page
from crm.core.permissions import Actor
from crm.core.words import N_, Missing

Matching = Callable[[Session, Asked, Actor], "tuple[sa.Select[Any], dict[str, str]]"]
Rows = Callable[["sa.Select[Any]", Asked], "sa.Select[Any]"]
Cells = Callable[[Session, Sequence[Column], Sequence[int], Actor, Asked], "dict[str, Mapping[int, Any]]"]
Reach = Callable[[Actor], "sa.ColumnElement[bool]"]


@dataclass(frozen=True, slots=True)
class List:
    """A list of the product.

    `matching` gives a select of the ids that a viewer's filter finds, archived ones left out unless asked for, and
    the conditions it understood; `rows` turns it into the rows of a page: ``id``, the columns that have no `cells`,
    the sort column under its key or ``sort_<key>``. `kind` is the code of the `RecordKind` its rows are (records, or
    what is only chosen), for bulk changes. `exports` is the permission an export takes, `exportable_by` the rows it may
    hold, `always` the columns
    that lead every export: what the first cell of the page says.
    """

    key: str
    label: str
    unit: str
    endpoint: str
    needs: tuple[str, ...]
    id: InstrumentedAttribute[int]
    sorts: Sequence[Sort]
    filters: Sequence[Filter]
    columns: Sequence[Column]
    matching: Matching
    rows: Rows
    cells: Cells | None = None
    kind: str | None = None
    bulk: Sequence[Bulk] = ()
    exports: str | None = None
    exportable_by: Reach | None = None
    always: tuple[Column, ...] = ()
    export_act: str = "list.export"
    head: str | None = None  # the head of the first cell, where it is not what the page is called

    def asked(self, args: Mapping[str, str], today: dt.date | None = None) -> Asked:
        """What a query string asks of this list."""
        return asked(args, sorts=self.sorts, filters=self.filters, columns=self.columns, today=today)

    def may_open(self, viewer: Actor) -> bool:
        return any(viewer.may(permission) for permission in self.needs)

    def allowed(self, viewer: Actor) -> list[Column]:
        """The columns there are for this viewer."""
        return [column for column in self.columns if column.needs is None or viewer.may(column.needs)]

    def shown(self, wanted: Asked, viewer: Actor) -> list[Column]:
        """The columns chosen, in their order; those it shows by itself when none is."""
        known = {column.key: column for column in self.allowed(viewer)}
        chosen = [known[key] for key in wanted.columns if key in known]
        return chosen or [column for column in known.values() if column.is_default]

    def load(
        self, session: Session, columns: Sequence[Column], ids: Sequence[int], viewer: Actor, wanted: Asked
    ) -> dict[str, Mapping[int, Any]]:
        """The cells of columns that are not in the row itself: one statement a column."""
        if not ids:
            return {}
        if self.cells is not None:
            return self.cells(session, columns, ids, viewer, wanted)
        return {
            column.key: column.cells(session, ids, viewer) for column in columns if column.cells is not None
        }


LISTS: dict[str, List] = {}


def declare(*found: List) -> None:
    """Fill the slot: the factory's (and a test's) way to make lists known."""
    for item in found:
        LISTS[item.key] = item


def list_of(key: str, viewer: Actor) -> List:
    """The list of this key, if the viewer may open it. Raises `Missing` else."""
    found = LISTS.get(key)
    if found is None or not found.may_open(viewer):
        raise Missing(N_("没有这个列表，或者您不能打开它。"))
    return found


@dataclass(slots=True)
class Found:
    """One page of a list: rows, the cells beside them, the conditions understood, the count."""

    page: Page
    columns: list[Column]
    cells: dict[str, Mapping[int, Any]]
    understood: dict[str, str]
    total: int
    is_capped: bool


def read(session: Session, declared: List, wanted: Asked, viewer: Actor, size: int = PAGE) -> Found:
    """One page: two statements, and one for each column that has cells."""
    ids, understood = declared.matching(session, wanted, viewer)
    total, capped = count(session, ids)
    found = page(session, declared.rows(ids, wanted), wanted, declared.id, size)
    columns = declared.shown(wanted, viewer)
    cells = declared.load(session, columns, [row.id for row in found.rows], viewer, wanted)
    return Found(found, columns, cells, understood, total, capped)


def every(
    session: Session, declared: List, wanted: Asked, ids: sa.Select[Any], chunk: int = 1000
) -> Iterator[Sequence[Any]]:
    """All rows of a select of ids, in the order asked for, in chunks."""
    at: Position | None = None
    while True:
        step = Asked(wanted.sort, wanted.is_descending, at, wanted.conditions, wanted.columns, wanted.today)
        found = page(session, declared.rows(ids, step), step, declared.id, chunk)
        if found.rows:
            yield found.rows
        if found.after is None:
            return
        at = position(found.after, wanted.sort)
        if at is None:
            raise RuntimeError("a page that leads nowhere")  # never again the first page for ever
