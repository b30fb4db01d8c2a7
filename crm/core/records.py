"""Kinds of records: one declaration each, and every mechanism serves it.

Slot `SUBJECTS`, filled by the factory. From a declaration come: who may see and change a record, the history of its
fields and the way back to an old value, both versions when two people edit it, drafts, merging, archive, bulk changes
and undo. The mechanisms know a record only by its kind's code and its id.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core.audit.journal import columns_of
from crm.core.db import Base
from crm.core.permissions import Actor, Forbidden
from crm.core.words import N_, Missing, Refused

Show = Callable[[Session, Any], str]
About = Callable[[Session, Collection[int], Actor], Mapping[int, str]]
Reach = Callable[[Actor], sa.ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class Fact:
    """A column as people know it. `show` turns a value of the journal into their words where its type does not say
    how (the name behind an id)."""

    name: str
    label: str
    show: Show | None = None


class Settle(Protocol):
    """What becomes of the row of two with one key that is not chosen, when it moves nevertheless: the columns to set.
    May write rows that hang on it."""

    def __call__(
        self, session: Session, row: Mapping[str, Any], /, *, actor: Actor, today: dt.date
    ) -> Mapping[str, Any]: ...


Combine = Callable[[Mapping[str, Any], Mapping[str, Any], frozenset[str]], Mapping[str, Any]]
"""(row that stays, row of the other, columns taken from the other) → further columns that go with those taken."""

Either = Callable[[Mapping[str, Any], Mapping[str, Any]], Mapping[str, Any] | None]
"""(row that stays, row of the other of the same key) → the one of them that goes on, None when both do."""


@dataclass(frozen=True, slots=True)
class NameOf:
    """A `Show` for ids: the name behind one, or behind many in one statement."""

    column: Any
    key: Any

    def __call__(self, session: Session, value: Any) -> str:
        return self.many(session, [value]).get(value, str(value))

    def many(self, session: Session, values: Collection[Any]) -> dict[Any, str]:
        rows = session.execute(sa.select(self.key, self.column).where(self.key.in_(sorted(values))))
        return {key: str(name) for key, name in rows}


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of another table that hang on a record by `column`, and move with it when two records become one.

    `facts` are its columns as people know them, `name` the one a row is called by. `reach` narrows who may read it:
    a condition on the record's own table (not everybody who sees a firm sees its figures).

    `key` is what is unique within a record (rows of which `counts` is false do not take part, nor does a NULL): where
    both sides have the same, a person chooses between their `facts`, all or one by one (those `together` as one; what is
    missing on the side chosen is filled from the other, but for `plain` ones, whose absence says something), and
    `combine` says what goes along. The row not chosen stays with the record put away, or moves as `settle` leaves it. Of rows with the
    flag `single` a record has one. `of_kind` says that the table knows any record by its kind's code and its id, and
    only rows of this code are meant. Rows that follow `follows`, a fact of the record, go with the side chosen for it.
    Rows that are `whole` make one history (who was in charge, when): of the side chosen all belong to the record that
    stays, of the other all to the one put away, so that two histories never mix. Rows that are `either` copy nothing
    between them: of two with the same key (it need not be unique) one goes on as it is and the other as `settle` leaves
    it, or both do where they are two things; it names the one that goes on unless a person says otherwise, None for
    both. `left` says in words what becomes of the row not chosen.
    """

    model: type[Base]
    column: str
    key: tuple[str, ...] = ()
    facts: tuple[Fact, ...] = ()
    name: str | None = None
    reach: Reach | None = None

    @property
    def table(self) -> str:
        return str(self.model.__tablename__)

    def fact(self, name: str) -> Fact | None:
        return next((fact for fact in self.facts if fact.name == name), None)

    together: tuple[tuple[str, ...], ...] = ()
    plain: frozenset[str] = frozenset()
    counts: Callable[[Mapping[str, Any]], bool] | None = None
    combine: Combine | None = None
    settle: Settle | None = None
    single: str = ""
    follows: str = ""
    whole: bool = False
    either: Either | None = None
    left: str = N_("没选中的留在归档的那一条上")
    of_kind: str = ""

    def holds(self, record_ids: Collection[int]) -> sa.ColumnElement[bool]:
        """The rows that hang on these records."""
        columns = columns_of(self.model)
        mine = columns[self.column].in_(record_ids)
        return sa.and_(mine, columns["kind"] == self.of_kind) if self.of_kind else mine


class Change(Protocol):
    """A feature's own action that sets facts of a record: the same rules for form, restore and bulk change.
    Raises `Conflict` for another version, `Refused` for what the rules do not allow; flushes."""

    def __call__(
        self,
        session: Session,
        row: Any,
        /,
        *,
        actor: Actor,
        today: dt.date,
        version: int | None,
        values: Mapping[str, Any],
        reason: str = "",
    ) -> None: ...


class Archive(Protocol):
    """Put a record away with a reason (`archive`), or take it back (`restore`)."""

    def __call__(
        self, session: Session, row: Any, /, *, actor: Actor, today: dt.date, version: int | None, reason: str
    ) -> None: ...


class Judge(Protocol):
    """Which of many records the actor may not give these facts, and why: the same rules as `Change`, in a few
    statements for all of them. Raises `Refused` for values that no record may have. Writes nothing."""

    def __call__(
        self,
        session: Session,
        rows: Sequence[Any],
        /,
        *,
        actor: Actor,
        today: dt.date,
        values: Mapping[str, Any],
    ) -> Mapping[int, Refused]: ...


class Further(Protocol):
    """Columns that change along with the facts set on a row, whoever judged it."""

    def __call__(self, row: Any, values: Mapping[str, Any], /, *, actor: Actor) -> Mapping[str, Any]: ...


class Follow(Protocol):
    """What goes with rows that were written at once, `(id, before, after)`: further rows, and word to people."""

    def __call__(
        self,
        session: Session,
        written: Sequence[tuple[int, Mapping[str, Any], Mapping[str, Any]]],
        /,
        *,
        actor: Actor,
        at: dt.datetime,
        today: dt.date,
        reason: str,
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class Setting:
    """A fact that may be set on many records at once: (value, label) pairs to choose from; `none` is what taking
    it away is called, where that may be done."""

    fact: str
    label: str
    choices: Callable[[Session, Actor], Sequence[tuple[str, str]]]
    none: str | None = None


@dataclass(frozen=True, slots=True)
class RecordKind:
    """A kind of record. `settings` are what a bulk change may set; `judge` makes it quick: without one every row
    goes through `change`; `further` and `follow` are what goes along with rows it judged. `code` is its subject in the
    audit and its word in addresses; `endpoint` shows one, with its attribute `id_from` under `id_name` (a certificate is
    shown on its firm's page). `settable` are the facts `change` takes; `needs_reason` when it will not do so without
    one, `takes_reason` when it keeps one that is given.

    For bulk changes: `acts` names one in the audit by its verb where the general name would say too little, `verbs`
    what putting away and taking back are called here; `about` says what rows hang on (their ids → a name the viewer may
    read), where their own names alone do not tell them apart. `is_givers`: who did an operation may take it back
    although the rows are no longer his to change (he gave them away). `is_undone` is false where an operation has no
    page of its own and the other verb is the way back."""

    code: str
    model: type[Base]
    label: str
    read: tuple[str, ...]
    edit: tuple[str, ...]
    visible_to: Reach
    editable_by: Reach
    endpoint: str
    id_name: str
    facts: tuple[Fact, ...]
    change: Change | None = None
    settable: frozenset[str] = frozenset()
    needs_reason: bool = False
    takes_reason: bool = False
    acts: Mapping[str, str] = field(default_factory=dict)
    verbs: Mapping[str, str] = field(default_factory=dict)
    about: About | None = None
    is_givers: bool = False
    is_undone: bool = True
    id_from: str = "id"
    name: str = "name"
    parts: tuple[Part, ...] = ()
    archive: Archive | None = None
    restore: Archive | None = None
    archived: str | None = None  # the column that is not NULL while a record is put away
    settings: tuple[Setting, ...] = ()
    judge: Judge | None = None
    further: Further | None = None
    follow: Follow | None = None

    @property
    def table(self) -> str:
        return str(self.model.__tablename__)

    def column(self, name: str) -> Any:
        """A column of the record; what it is called by may also be an expression the model maps."""
        return columns_of(self.model).get(name, getattr(self.model, name))

    def fact(self, name: str) -> Fact | None:
        return next((fact for fact in self.facts if fact.name == name), None)

    def part(self, table: str) -> Part:
        """The part kept in this table. Raises `Missing` when there is none with facts."""
        for part in self.parts:
            if part.table == table and part.facts:
                return part
        raise Missing(N_("没有这种记录。"))


SUBJECTS: dict[str, RecordKind] = {}
CHOSEN: dict[
    str, RecordKind
] = {}  # rows that hang on any record: changed many at once, nothing hangs on them


def declare(*kinds: RecordKind) -> None:
    """Fill the slot: the factory's (and a test's) way to make kinds known."""
    for kind in kinds:
        SUBJECTS[kind.code] = kind


def declare_chosen(*kinds: RecordKind) -> None:
    """Fill the slot of rows that are chosen in lists and changed many at once, but are no subjects of anything."""
    for kind in kinds:
        CHOSEN[kind.code] = kind


def listed() -> dict[str, RecordKind]:
    """The kinds of rows that lists show and bulk changes change: records, and what hangs on any of them."""
    return {**SUBJECTS, **CHOSEN}


def chosen_kind(code: str) -> RecordKind:
    """The kind of rows of this code. Raises `Missing` when there is none."""
    found = listed().get(code)
    if found is None:
        raise Missing(N_("没有这种记录。"))
    return found


def kind_of(code: str) -> RecordKind:
    """The kind of this code. Raises `Missing` when there is none."""
    found = SUBJECTS.get(code)
    if found is None:
        raise Missing(N_("没有这种记录。"))
    return found


def may_open(kind: RecordKind, viewer: Actor) -> bool:
    """Whether the viewer has any right to read this kind of record."""
    return any(viewer.may(permission) for permission in kind.read)


def load(session: Session, kind: RecordKind, row_id: int, *, viewer: Actor) -> Any:
    """The record, if it is there and this viewer may see it. Raises `Missing` else: what one may not see is not there."""
    row = None
    if may_open(kind, viewer):
        statement = sa.select(kind.model).where(kind.column("id") == row_id, kind.visible_to(viewer))
        row = session.execute(statement).scalar_one_or_none()
    if row is None:
        raise Missing(N_("没有这条记录，或者您不能查看它。"))
    return row


def may_edit(session: Session, kind: RecordKind, row_id: int, *, actor: Actor) -> bool:
    """Whether the actor may change this very record."""
    if not any(actor.may(permission) for permission in kind.edit):
        return False
    statement = sa.select(kind.column("id")).where(kind.column("id") == row_id, kind.editable_by(actor))
    return session.execute(statement).scalar_one_or_none() is not None


def editable(session: Session, kind: RecordKind, row_id: int, *, actor: Actor) -> Any:
    """The record, for changing it. Raises `Missing` when it may not be seen, `Forbidden` when not changed."""
    row = load(session, kind, row_id, viewer=actor)
    if not may_edit(session, kind, row_id, actor=actor):
        raise Forbidden(N_("您可以查看这条记录，但不能改它。"))
    return row


def name_of(kind: RecordKind, row: Any) -> str:
    """How people call a record."""
    return cast(str, getattr(row, kind.name) or "")


def facts_of(table: str) -> tuple[Fact, ...]:
    """The facts of the rows of a table, be it of records or of parts; none for a table nobody declares."""
    for kind in listed().values():
        if kind.table == table:
            return kind.facts
        for part in kind.parts:
            if part.table == table:
                return part.facts
    return ()


def may_read_part(session: Session, kind: RecordKind, row_id: int, part: Part, *, viewer: Actor) -> bool:
    """Whether the viewer, who sees the record, may read this part of it."""
    if part.reach is None:
        return True
    statement = sa.select(kind.column("id")).where(kind.column("id") == row_id, part.reach(viewer))
    return session.execute(statement).scalar_one_or_none() is not None


def titles(session: Session, refs: Iterable[tuple[str, int]], *, viewer: Actor) -> dict[tuple[str, int], str]:
    """The names of records the viewer may see, by (kind, id): one statement a kind. The others are left out."""
    wanted: dict[str, set[int]] = {}
    for code, row_id in refs:
        wanted.setdefault(code, set()).add(row_id)
    found: dict[tuple[str, int], str] = {}
    for code, ids in wanted.items():
        kind = SUBJECTS.get(code)
        if kind is None or not may_open(kind, viewer):
            continue
        key, name = kind.column("id"), kind.column(kind.name)
        statement = sa.select(key, name).where(key.in_(sorted(ids)), kind.visible_to(viewer))
        found.update({(code, row_id): str(text or "") for row_id, text in session.execute(statement)})
    return found
