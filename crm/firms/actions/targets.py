"""What the rows of each sheet become: compared with what is there, and written set-based with their change rows.

`TARGETS` is a slot: the factory adds the ladder's certifications.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core import audit
from crm.core.db import Base, Worded
from crm.core.permissions import Actor
from crm.core.words import N_, Message, Refused
from crm.firms.models import Contact, EquityRound, IpCount, YearFigures
from crm.firms.rules.joining import Joined
from crm.firms.rules.reasons import kept
from crm.firms.rules.standing import check_past, check_year
from crm.firms.rules.words import Acquisition, ImportMode, Metric, RowOutcome, SheetKind


@dataclass(slots=True)
class Incoming:
    """A row whose firm is known: its values in plain JSON; `outcome`, `changes` and `reasons` are filled in."""

    row_no: int
    firm_id: int
    values: dict[str, Any]
    outcome: RowOutcome = RowOutcome.NEW
    changes: dict[str, list[Any]] = field(default_factory=dict)  # field → [old, new]
    reasons: list[dict[str, Any]] = field(default_factory=list)
    candidates: list[dict[str, Any]] = field(default_factory=list)  # who may be meant, when it is doubtful


def candidate(what: str, row_id: int, name: str, note: str | None, asked: str) -> dict[str, Any]:
    """An answer to choose for the text `asked` of a row, as a sheet that asks leaves it with the row; `row_id` 0 is
    none of those that are known."""
    return {
        "what": what,
        "id": row_id,
        "name": name,
        "code": note,
        "score": None,
        "reasons": [],
        "asked": asked,
    }


class Target(Protocol):
    """How a sheet other than the registry is compared and written."""

    def key(self, firm_id: int, values: Mapping[str, Any]) -> Any:
        """What may stand only once in a file."""

    def compare(self, session: Session, rows: Sequence[Incoming], *, today: dt.date) -> None:
        """Set outcome, changes and reasons of each row; where a question is left it is doubtful, with candidates.
        Writes nothing."""

    def write(
        self, session: Session, rows: Sequence[Incoming], *, actor: Actor, today: dt.date, source: str
    ) -> None:
        """Write the rows that `compare` found new or changed."""


class Whole(Protocol):
    """How a sheet whose rows are records of their own is judged and written. `firm_id` of a verdict and of an
    incoming row is the record meant, 0 or None a new one."""

    def key(self, record_id: int, values: Mapping[str, Any]) -> Any:
        """What may stand only once in a file."""

    def judge(
        self, session: Session, rows: Sequence[Any], *, actor: Actor, mode: ImportMode, today: dt.date
    ) -> list[tuple[Joined, dict[str, list[Any]]]]:
        """The verdict on each row read, and what it would change. Writes nothing."""

    def write(
        self, session: Session, rows: Sequence[Incoming], *, actor: Actor, today: dt.date, source: str
    ) -> None:
        """Write the rows. Raises `Conflict` when one can no longer be taken."""

    def names(self, session: Session, ids: Sequence[int], viewer: Actor) -> dict[int, str]:
        """Names of records for the preview, as far as the viewer may see them."""


@dataclass(frozen=True, slots=True)
class TableTarget:
    """Rows of one table, told apart by the firm and `keys`; `fields` may change."""

    model: type[Base]
    keys: tuple[str, ...]
    fields: tuple[str, ...]
    defaults: Mapping[str, Any] = field(default_factory=dict)
    renamed: Mapping[str, str] = field(default_factory=dict)  # field of the sheet → attribute
    has_sources: bool = False  # yearly figures note the source of each figure
    year: str | None = None
    days: tuple[str, ...] = ()

    def row(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The values by attribute, defaults filled in."""
        return {**self.defaults, **{self.renamed.get(name, name): value for name, value in values.items()}}

    def key(self, firm_id: int, values: Mapping[str, Any]) -> Any:
        row = self.row(values)
        return (firm_id, *(row.get(name) for name in self.keys))

    def compare(self, session: Session, rows: Sequence[Incoming], *, today: dt.date) -> None:
        there = self._there(session, [row.firm_id for row in rows])
        for row in rows:
            try:
                self._check(row.values, today)
            except Refused as refusal:
                row.outcome = RowOutcome.REFUSED
                row.reasons.append(kept(refusal))
                continue
            values = self.row(row.values)
            known = there.get(self.key(row.firm_id, row.values))
            given = {name: values[name] for name in self.fields if values.get(name) is not None}
            if known is None:
                row.outcome = RowOutcome.NEW
                continue
            row.changes = {
                name: [known[1][name], value] for name, value in given.items() if known[1][name] != value
            }
            row.outcome = RowOutcome.CHANGED if row.changes else RowOutcome.SAME

    def write(
        self, session: Session, rows: Sequence[Incoming], *, actor: Actor, today: dt.date, source: str
    ) -> None:
        there = self._there(session, [row.firm_id for row in rows])
        fresh: list[dict[str, Any]] = []
        changed: list[tuple[int, dict[str, Any], dict[str, Any]]] = []
        for row in rows:
            values = self.row(row.values)
            noted = {"source": values.get("source") or source, "on": values.get("on") or today.isoformat()}
            given = {name: values[name] for name in self.fields if values.get(name) is not None}
            known = there.get(self.key(row.firm_id, row.values))
            if known is None:
                new = {name: values.get(name) for name in (*self.keys, *self.fields)}
                new = {name: value for name, value in new.items() if value is not None}
                if self.has_sources:
                    new["sources"] = dict.fromkeys(given, noted)
                elif "source" in self.fields:
                    new.setdefault("source", source)
                fresh.append({"firm_id": row.firm_id, "created_by_id": None, **self._typed(new)})
                continue
            row_id, before = known
            after = {name: value for name, value in given.items() if before[name] != value}
            if not after:
                continue
            seen = {name: before[name] for name in after}
            if self.has_sources:
                seen["sources"] = before["sources"]
                after["sources"] = {**(before["sources"] or {}), **dict.fromkeys(after, noted)}
            changed.append((row_id, self._typed(seen), self._typed(after)))
        audit.insert_many(session, self.model, fresh)
        audit.update_many(session, self.model, changed)

    def _check(self, values: Mapping[str, Any], today: dt.date) -> None:
        if self.year is not None and values.get(self.year) is not None:
            check_year(values[self.year], today)
        for name in self.days:
            if values.get(name):
                check_past(dt.date.fromisoformat(values[name]), today, name)

    def _columns(self) -> dict[str, sa.Column[Any]]:
        names = [*self.keys, *self.fields, *(["sources"] if self.has_sources else [])]
        known = audit.columns_of(self.model)
        return {name: known[name] for name in names}

    def _there(self, session: Session, firm_ids: Sequence[int]) -> dict[Any, tuple[int, dict[str, Any]]]:
        """What these firms have: key → (row id, values in plain JSON)."""
        columns = self._columns()
        model = cast(Any, self.model)
        ids = sorted(set(firm_ids))
        found: dict[Any, tuple[int, dict[str, Any]]] = {}
        for start in range(0, len(ids), 5000):
            statement = sa.select(model.id, model.firm_id, *columns.values()).where(
                model.firm_id.in_(ids[start : start + 5000])
            )
            for row_id, firm_id, *cells in session.execute(statement):
                values = {name: audit.jsonable(cell) for name, cell in zip(columns, cells, strict=True)}
                found[(firm_id, *(values[name] for name in self.keys))] = (row_id, values)
        return found

    def _typed(self, values: Mapping[str, Any]) -> dict[str, Any]:
        columns = self._columns()
        return {name: typed(columns[name], value) for name, value in values.items()}


def typed(column: sa.Column[Any], value: Any) -> Any:
    """A plain JSON value as its column takes it."""
    if value is None or isinstance(column.type, sa.JSON):
        return value
    if isinstance(column.type, Worded):
        return column.type.words(value)
    if isinstance(value, str) and column.type.python_type is dt.date:
        return dt.date.fromisoformat(value)
    return value


def plain_columns(columns: Mapping[str, sa.Column[Any]], names: Sequence[str]) -> list[str]:
    """The columns among these that take plain JSON values as they are."""
    return [
        name
        for name in names
        if not isinstance(columns[name].type, Worded) and columns[name].type.python_type is not dt.date
    ]


_METRICS = tuple(metric.value for metric in Metric)

TARGETS: dict[SheetKind, Target] = {
    SheetKind.FIGURES: TableTarget(
        YearFigures, ("year",), _METRICS, has_sources=True, year="year", days=("on",)
    ),
    SheetKind.IP: TableTarget(
        IpCount,
        ("kind", "acquisition", "counted_on"),
        ("count", "source"),
        defaults={"acquisition": Acquisition.UNKNOWN.value},
        days=("counted_on",),
    ),
    SheetKind.EQUITY: TableTarget(
        EquityRound, ("on", "investor", "kind"), ("paid_in_yuan", "source"), days=("on",)
    ),
    SheetKind.CONTACTS: TableTarget(
        Contact,
        ("name",),
        ("position", "phone", "email", "is_primary", "purpose"),
        defaults={"is_primary": False},
        renamed={"name": "_firm_name", "person": "name"},
    ),
}

Compare = Callable[[Session, Sequence[Incoming]], None]


WHOLE: dict[SheetKind, Whole] = {}  # slot WHOLE: the factory adds projects


def whole_of(sheet: SheetKind) -> Whole:
    """How a sheet of records of their own is taken. Raises `Refused` for one nobody takes."""
    if sheet not in WHOLE:
        raise Refused(N_("还不能导入「%(sheet)s」。"), sheet=sheet)
    return WHOLE[sheet]


def target_of(sheet: SheetKind) -> Target:
    """The target of a sheet. Raises `Refused` for one nobody takes."""
    if sheet not in TARGETS:
        raise Refused(N_("还不能导入「%(sheet)s」。"), sheet=sheet)
    return TARGETS[sheet]


__all__ = [
    "TARGETS",
    "WHOLE",
    "Incoming",
    "Message",
    "TableTarget",
    "Target",
    "Whole",
    "candidate",
    "target_of",
    "typed",
    "whole_of",
]
