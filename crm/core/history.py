"""The history of a record's fields, from the change rows of the audit: who, when, from what to what, by which operation.

It serves every declared kind, and the parts that hang on a record. What the viewer may not see is not there: the record
itself by `records.load`, a part by its reach; personal values are never told.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core.audit import AuditChange, AuditEnvelope, columns_of
from crm.core.db import Base
from crm.core.permissions import Actor
from crm.core.records import Fact, Part, RecordKind, may_edit, may_read_part
from crm.core.telling import NOTHING, Teller, is_hidden
from crm.core.words import N_, Missing

PAGE = 30
NOT_THERE = N_("没有这条记录，或者您不能查看它。")
LOOKED_AT = 500  # change rows looked at for marking fields that have a history


@dataclass(frozen=True, slots=True)
class Told:
    """One fact of a change, in words. `is_restorable` when the reader may put the old value back."""

    name: str
    label: str
    old: str
    new: str
    is_restorable: bool = False


@dataclass(slots=True)
class Entry:
    """One row changed by one operation. `part` is None for the record itself; `of` is what the part's row is called."""

    id: int
    at: dt.datetime
    who: str
    action: str
    params: Mapping[str, Any]
    verb: str
    part: Part | None
    row_id: int
    of: str = ""
    facts: list[Told] = field(default_factory=list)
    operation: str = ""
    others: int = 0  # how many more rows of the same part the same operation made, where they are told as one


def folded(found: Sequence[Entry]) -> list[Entry]:
    """Rows of one part that one operation made one after the other, as one entry: what an import brought with a record
    is told in a line."""
    told: list[Entry] = []
    for entry in found:
        last = told[-1] if told else None
        if (
            last is not None and last.part is not None and last.part is entry.part
            and (last.operation, last.verb) == (entry.operation, "insert") == (entry.operation, entry.verb)
        ):  # fmt: skip
            last.others += 1
        else:
            told.append(entry)
    return told


@dataclass(frozen=True, slots=True)
class Asked:
    """Which history is wanted: of all, of one field, of one part, of one row of it."""

    part: Part | None = None
    row_id: int | None = None
    field: str | None = None
    before: int | None = None


@dataclass(frozen=True, slots=True)
class _Source:
    """A table to look into: rows by id, and the facts to tell."""

    model: type[Base]
    part: Part | None
    facts: tuple[Fact, ...]
    rows: sa.ColumnElement[bool]


def entries(
    session: Session, kind: RecordKind, record: Any, asked: Asked, *, viewer: Actor, size: int = PAGE
) -> tuple[list[Entry], int | None]:
    """A page of the history, the latest first, and where the next one begins. The number of statements does not
    depend on how much there is. Raises `Missing` for a part, row or field that is not there for the viewer."""
    sources = _sources(session, kind, record, asked, viewer)
    statement = (
        sa.select(AuditChange)
        .where(sa.or_(*(source.rows for source in sources)))
        .order_by(AuditChange.id.desc())
        .limit(size + 1)
    )
    if asked.before is not None:
        statement = statement.where(AuditChange.id < asked.before)
    if asked.field is not None:
        statement = statement.where(_touches([fact.name for fact in sources[0].facts]))
    changes = session.scalars(statement).all()
    more = changes[size - 1].id if len(changes) > size else None
    changes = changes[:size]
    by_table = {source.model.__tablename__: source for source in sources}
    envelopes = _envelopes(session, changes)
    teller = Teller(session)
    teller.prepare(
        (fact, side.get(fact.name))
        for change in changes
        for fact in by_table[change.kind].facts
        for side in (change.before, change.after)
    )
    called = _called(session, changes, by_table)
    edits = may_edit(session, kind, record.id, actor=viewer)
    found = []
    for change in changes:
        source, envelope = by_table[change.kind], envelopes[change.operation]
        entry = Entry(
            change.id, envelope.at, envelope.actor_name, envelope.action, envelope.params, change.verb,
            source.part, change.row_id, called.get((change.kind, change.row_id), ""), operation=change.operation,
        )  # fmt: skip
        settable = kind.settable if edits and source.part is None and change.verb == "update" else frozenset()
        entry.facts = [
            told
            for names in grouped(source.facts)
            if (told := _told(teller, source.model, names, change, settable, record)) is not None
        ]
        if entry.facts:
            found.append(entry)
    return found, more


def of_row(
    session: Session, model: type[Base], facts: tuple[Fact, ...], row_id: int, size: int = PAGE
) -> list[Entry]:
    """What was changed in one row that the viewer was found to see, and is no record by itself, the latest first."""
    table = model.__tablename__
    rows = (AuditChange.kind == table, AuditChange.row_id == row_id, AuditChange.verb == "update")
    changes = session.scalars(
        sa.select(AuditChange).where(*rows).order_by(AuditChange.id.desc()).limit(size)
    ).all()
    envelopes = _envelopes(session, changes)
    teller = Teller(session)
    found = []
    for change in changes:
        envelope = envelopes[change.operation]
        entry = Entry(
            change.id, envelope.at, envelope.actor_name, envelope.action, envelope.params, change.verb, None, row_id
        )  # fmt: skip
        entry.facts = [
            told
            for fact in facts
            if (told := _told(teller, model, [fact], change, frozenset(), None)) is not None
        ]
        if entry.facts:
            found.append(entry)
    return found


def grouped(facts: Iterable[Fact]) -> list[list[Fact]]:
    """Facts that people call the same are one to them: a capital in yuan, or as written in foreign money."""
    by_label: dict[str, list[Fact]] = {}
    for fact in facts:
        by_label.setdefault(fact.label, []).append(fact)
    return list(by_label.values())


def namesakes(kind: RecordKind, name: str) -> list[Fact]:
    """The facts people call by one name, of which `name` is one. Raises `Missing`."""
    for facts in grouped(kind.facts):
        if any(fact.name == name for fact in facts):
            return facts
    raise Missing(N_("没有这个字段。"))


def get_change(session: Session, kind: RecordKind, record_id: int, change_id: int) -> AuditChange:
    """One change of this very record. Raises `Missing`."""
    found = session.execute(
        sa.select(AuditChange).where(
            AuditChange.id == change_id,
            AuditChange.kind == kind.table,
            AuditChange.row_id == record_id,
            AuditChange.verb == "update",
        )
    ).scalar_one_or_none()
    if found is None:
        raise Missing(N_("没有这次改动。"))
    return found


def changed_fields(
    session: Session, rows: Mapping[type[Base], Collection[int]]
) -> dict[tuple[str, int], set[str]]:
    """(table, id) → the columns ever changed since the row was made: those that have a history. One statement."""
    wanted = {model: sorted(ids) for model, ids in rows.items() if ids}
    found: dict[tuple[str, int], set[str]] = {}
    if not wanted:
        return found
    table = AuditChange
    here = sa.or_(
        *(sa.and_(table.kind == model.__tablename__, table.row_id.in_(ids)) for model, ids in wanted.items())
    )
    statement = sa.select(table.kind, table.row_id, table.after, table.before).where(
        here, table.verb == "update"
    )
    for name, row_id, after, before in session.execute(statement.order_by(table.id.desc()).limit(LOOKED_AT)):
        found.setdefault((name, row_id), set()).update(after, before)
    return found


def _sources(session: Session, kind: RecordKind, record: Any, asked: Asked, viewer: Actor) -> list[_Source]:
    own = sa.and_(AuditChange.kind == kind.table, AuditChange.row_id.in_(lineage(session, kind, record.id)))
    if asked.part is None:
        facts = kind.facts if asked.field is None else tuple(namesakes(kind, asked.field))
        sources = [_Source(kind.model, None, facts, own)]
        if asked.field is not None:
            return sources
        parts = [part for part in kind.parts if part.facts]
    else:
        sources, parts = [], [asked.part]
    rows = _rows(session, kind, record.id, parts)
    for part in parts:
        if not may_read_part(session, kind, record.id, part, viewer=viewer):
            if asked.part is not None:
                raise Missing(NOT_THERE)
            continue
        facts, ids = part.facts, sorted(rows.get(part.table, set()))
        if asked.row_id is not None:
            if asked.row_id not in ids:
                raise Missing(NOT_THERE)
            ids = [asked.row_id]
        if asked.field is not None:
            facts = tuple(fact for fact in part.facts if fact.name == asked.field)
            if not facts:
                raise Missing(N_("没有这个字段。"))
        clause = sa.and_(AuditChange.kind == part.table, AuditChange.row_id.in_(ids))
        sources.append(_Source(part.model, part, facts, clause))
    return sources


def lineage(session: Session, kind: RecordKind, record_id: int) -> list[int]:
    """The record and all that became part of it, directly or by way of others: their history is its history."""
    columns = columns_of(kind.model)
    if "merged_into_id" not in columns:
        return [record_id]
    found = sa.select(sa.literal(record_id, columns["id"].type).label("id")).cte("lineage", recursive=True)
    found = found.union(sa.select(columns["id"]).where(columns["merged_into_id"] == found.c.id))
    return list(session.scalars(sa.select(found.c.id)))


def _rows(session: Session, kind: RecordKind, record_id: int, parts: Sequence[Part]) -> dict[str, set[int]]:
    """Table → ids of the rows of the record, those deleted too. Ids, not subqueries: the journal is searched by them."""
    found = {table: set(ids) for table, ids in _gone(session, kind, record_id, parts).items()}
    there = [
        sa.select(sa.literal(part.table), columns_of(part.model)["id"]).where(
            columns_of(part.model)[part.column] == record_id
        )
        for part in parts
    ]
    for table, row_id in session.execute(sa.union_all(*there)) if there else ():
        found.setdefault(table, set()).add(row_id)
    return found


def _gone(session: Session, kind: RecordKind, record_id: int, parts: Sequence[Part]) -> dict[str, list[int]]:
    """Table → ids of rows of the record that were deleted: by operations on this record."""
    found: dict[str, list[int]] = {}
    statement = (
        sa.select(AuditChange.kind, AuditChange.row_id)
        .join(AuditEnvelope, AuditEnvelope.operation == AuditChange.operation)
        .where(
            AuditEnvelope.subject_kind == kind.code,
            AuditEnvelope.subject_id == record_id,
            AuditChange.verb == "delete",
            AuditChange.kind.in_([part.table for part in parts]),
        )
        .limit(LOOKED_AT)
    )
    for table, row_id in session.execute(statement):
        found.setdefault(table, []).append(row_id)
    return found


def _touches(names: Sequence[str]) -> sa.ColumnElement[bool]:
    """Changes that set or took away one of these columns."""
    return sa.or_(
        *(
            side[name].as_string().is_not(None)
            for name in names
            for side in (AuditChange.before, AuditChange.after)
        )
    )


def _envelopes(session: Session, changes: Sequence[AuditChange]) -> dict[str, AuditEnvelope]:
    operations = {change.operation for change in changes}
    rows = session.scalars(sa.select(AuditEnvelope).where(AuditEnvelope.operation.in_(operations)))
    return {row.operation: row for row in rows}


def _called(
    session: Session, changes: Sequence[AuditChange], sources: Mapping[str, _Source]
) -> dict[tuple[str, int], str]:
    """(table, id) → what a part's row is called: its year, its name. One statement a table."""
    found: dict[tuple[str, int], str] = {}
    teller = Teller(session)
    for table, source in sources.items():
        part = source.part
        if part is None or part.name is None:
            continue
        fact = part.fact(part.name) or Fact(part.name, "")
        ids = sorted({change.row_id for change in changes if change.kind == table})
        columns = columns_of(part.model)
        known: dict[int, Any] = {
            change.row_id: change.before.get(part.name)
            for change in changes
            if change.kind == table and change.verb == "delete"
        }
        statement = sa.select(columns["id"], columns[part.name]).where(columns["id"].in_(ids))
        known.update((row_id, value) for row_id, value in session.execute(statement))
        for row_id, value in known.items():
            found[table, row_id] = teller.tell(part.model, fact, value)
    return found


def _told(
    teller: Teller,
    model: type[Base],
    facts: Sequence[Fact],
    change: AuditChange,
    settable: frozenset[str],
    record: Any,
) -> Told | None:
    """What a change did to facts of one name; None when nothing."""
    touched = [fact for fact in facts if fact.name in change.before or fact.name in change.after]
    if not touched:
        return None
    old, new = (
        next(
            (
                teller.tell(model, fact, side[fact.name])
                for fact in touched
                if side.get(fact.name) is not None
            ),
            NOTHING,
        )
        for side in (change.before, change.after)
    )
    if old == new == NOTHING:
        return None
    hidden = any(is_hidden(side.get(fact.name)) for fact in touched for side in (change.before, change.after))
    can = not hidden and all(fact.name in settable for fact in touched)
    first = touched[0]
    if can:
        can = any(
            teller.tell(model, fact, getattr(record, fact.name))
            != teller.tell(model, fact, change.before.get(fact.name))
            for fact in touched
        )
    return Told(first.name, first.label, old, new, can)
