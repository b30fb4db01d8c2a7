"""Kinds of records: one declaration each, and every mechanism serves it.

Slot `SUBJECTS`, filled by the factory. From a declaration come: who may see and change a record, the history of its
fields and the way back to an old value, both versions when two people edit it, drafts, merging, archive, bulk changes
and undo. The mechanisms know a record only by its kind's code and its id.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core.audit.journal import columns_of
from crm.core.db import Base
from crm.core.permissions import Actor, Forbidden
from crm.core.words import N_, Missing

Show = Callable[[Session, Any], str]
Reach = Callable[[Actor], sa.ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class Fact:
    """A column as people know it. `show` turns a value of the journal into their words where its type does not say
    how (the name behind an id)."""

    name: str
    label: str
    show: Show | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of another table that hang on a record by `column`, and move with it when two records become one.

    `key` is what is unique within a record: where both sides have the same, a person chooses (figures of a year).
    """

    model: type[Base]
    column: str
    key: tuple[str, ...] = ()


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


@dataclass(frozen=True, slots=True)
class RecordKind:
    """A kind of record. `code` is its subject in the audit and its word in addresses; `endpoint` shows one, with
    its attribute `id_from` under `id_name` (a certificate is shown on its firm's page). `settable` are the facts
    `change` takes; `needs_reason` when it will not do so without one."""

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
    id_from: str = "id"
    name: str = "name"
    parts: tuple[Part, ...] = ()
    archive: Archive | None = None

    @property
    def table(self) -> str:
        return str(self.model.__tablename__)

    def column(self, name: str) -> sa.Column[Any]:
        return columns_of(self.model)[name]

    def fact(self, name: str) -> Fact | None:
        return next((fact for fact in self.facts if fact.name == name), None)


SUBJECTS: dict[str, RecordKind] = {}


def declare(*kinds: RecordKind) -> None:
    """Fill the slot: the factory's (and a test's) way to make kinds known."""
    for kind in kinds:
        SUBJECTS[kind.code] = kind


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
