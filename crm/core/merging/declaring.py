"""What a feature says about merging its kind of record. Slot `MERGE`, filled by the factory: the parts of the feature
itself and those higher ones add."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core.audit.journal import columns_of
from crm.core.db import Base
from crm.core.records import Part, RecordKind
from crm.core.words import N_, Missing


class Absorb(Protocol):
    """The feature's own part of a merge, after the rows have moved: `values` are the facts chosen. Returns further
    columns of the record that stays."""

    def __call__(
        self, session: Session, kept: Any, gone: Any, /, *, values: Mapping[str, Any], today: dt.date
    ) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Stays:
    """A column that goes on naming the record put away, and why that is right."""

    model: type[Base]
    column: str
    why: str


@dataclass(frozen=True, slots=True)
class Derived:
    """A table that is recomputed from the parts in the same transaction, or by a job."""

    model: type[Base]
    column: str


@dataclass(slots=True)
class Merging:
    """How two records of a kind become one.

    `needs` is the permission; `identity` the fact that two records of one thing share (two different ones are two
    things); facts chosen `together`; of `earliest` the earlier is kept; `fixed` facts nobody chooses; `blanks` are
    values that say nothing; `columns` follow from the facts. `after` says what becomes of the one put away (`name`).
    """

    needs: str
    after: str = N_("「%(name)s」归档，原来的网址转到留下的一条。")
    identity: str = ""
    together: tuple[tuple[str, ...], ...] = ()
    earliest: frozenset[str] = frozenset()
    fixed: frozenset[str] = frozenset({"archived_on", "archive_reason", "merged_into_id"})
    blanks: Mapping[str, Any] = field(default_factory=dict)
    columns: frozenset[str] = frozenset()
    absorb: Absorb | None = None
    parts: list[Part] = field(default_factory=list)
    derived: list[Derived] = field(default_factory=list)
    stays: list[Stays] = field(default_factory=list)


MERGE: dict[str, Merging] = {}  # kind → how it merges


def rules_of(kind: RecordKind) -> Merging:
    """How records of this kind merge. Raises `Missing` when they do not."""
    found = MERGE.get(kind.code)
    if found is None:
        raise Missing(N_("这种记录不能合并。"))
    return found


def uncovered(kind: RecordKind, models: Iterable[type[Base]] | None = None) -> list[str]:
    """Columns of any table that name a record of this kind and that its declaration forgets: foreign keys, columns
    that say so (`info={"refers_to": …}`), and columns called like one (`firm_id`), or that know any record by kind and id."""
    rules = rules_of(kind)
    told: set[tuple[type[Base], str]] = {(part.model, part.column) for part in rules.parts}
    told |= {(item.model, item.column) for item in rules.derived}
    told |= {(item.model, item.column) for item in rules.stays}
    found = []
    for model in models if models is not None else (mapper.class_ for mapper in Base.registry.mappers):
        for name, column in columns_of(cast("type[Base]", model)).items():
            by_key = any(key.column.table.name == kind.table for key in column.foreign_keys)
            by_info = column.info.get("refers_to") == kind.table
            by_name = isinstance(column.type, sa.Integer) and (
                name == f"{kind.code}_id" or name.endswith(f"_{kind.code}_id")
            )
            by_subject = name == "subject_id" and "kind" in columns_of(model)
            if (by_key or by_info or by_name or by_subject) and (model, name) not in told:
                found.append(f"{model.__tablename__}.{name}")
    return sorted(found)
