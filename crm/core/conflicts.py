"""Two people editing one record: what was there before, theirs and mine, and the choice between them.

The form carries the version it was filled from. When the record has moved on, `core.saving` shows the page
`layout/conflict.html` with what differs; it posts ``pick-<name>`` (mine or theirs) and ``mine-<name>`` to the same
address.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from crm.core.audit import AuditChange, AuditEnvelope, columns_of, revive
from crm.core.db import Base
from crm.core.i18n import gettext, say
from crm.core.records import SUBJECTS, Fact, facts_of
from crm.core.telling import Teller, is_hidden

Show = Callable[[str, str], str]
Texts = Callable[[Any], Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Side:
    """One line of the conflict page: texts ready to show, and the form's text of mine.

    `choice` is ``both`` where one picks, ``mine`` for what only the form has (a reason: it is kept), ``theirs`` for
    what the form does not touch (it stays as they saved it)."""

    name: str
    label: str
    before: str | None
    theirs: str | None
    mine: str | None
    value: str
    choice: str = "both"


def originals(session: Session, kind: str, row_id: int, *, steps: int) -> dict[str, Any]:
    """The values a row's columns had `steps` changes ago, as the audit keeps them (only columns that changed)."""
    if steps < 1:
        return {}
    changes = session.scalars(
        sa.select(AuditChange)
        .where(AuditChange.kind == kind, AuditChange.row_id == row_id, AuditChange.verb == "update")
        .order_by(AuditChange.id.desc())
        .limit(min(steps, 200))
    ).all()
    found: dict[str, Any] = {}
    for change in changes:
        found.update(change.before)
    return found


def as_it_was(row: Base, before: Mapping[str, Any]) -> Any:
    """The columns of a row with the journal's values `before` in their places: something `texts` can read."""
    columns = columns_of(type(row))
    values: dict[str, Any] = {name: getattr(row, name) for name in columns}
    for name, value in before.items():
        if name not in columns:
            continue
        hidden = is_hidden(value)
        values[name] = str(gettext("（个人信息，不显示）")) if hidden else revive(columns[name].type, value)
    return SimpleNamespace(**values)


def elsewhere(
    session: Session, row: Base, before: Mapping[str, Any], texts: Texts, facts: Sequence[Fact] = ()
) -> list[Side]:
    """What others changed that the form does not show: lines without a choice."""
    columns = columns_of(type(row))
    now = {name: getattr(row, name) for name in columns}
    shown = texts(SimpleNamespace(**now))
    teller = Teller(session)
    found = []
    for fact in facts or facts_of(type(row).__tablename__):
        if fact.name not in before or fact.name not in columns:
            continue
        one = as_it_was(row, {fact.name: before[fact.name]})
        if getattr(one, fact.name) == now[fact.name] or texts(one) != shown:
            continue
        told = [teller.tell(type(row), fact, value) for value in (before[fact.name], now[fact.name])]
        found.append(Side(fact.name, say(fact.label), told[0], told[1], None, "", "theirs"))
    return found


def sides(
    fields: Sequence[tuple[str, str]],
    *,
    before: Mapping[str, str],
    theirs: Mapping[str, str],
    mine: Mapping[str, str],
    show: Show = lambda name, value: value,
) -> list[Side]:
    """The lines in which the three differ. `fields` are (name, label); all hold form texts. A field that `theirs`
    does not know has no counterpart in the record: what was typed is kept.

    `show` makes a form's text readable (the name behind an id).
    """
    found = []
    for name, label in fields:
        own = mine.get(name, "")
        if name not in theirs:
            if own:
                found.append(Side(name, label, None, None, show(name, own), own, "mine"))
            continue
        now = theirs[name]
        was = before.get(name, now)
        if now != own:
            told = [show(name, value) if value else None for value in (was, now, own)]
            found.append(Side(name, label, told[0], told[1], told[2], own))
    return found


def last_saved(
    session: Session, kind: str, row_id: int, *, is_whole: bool = False
) -> tuple[str, dt.datetime, int | None] | None:
    """Who changed a row last (name), when, and by which account. `is_whole`: the record it is, with the rows that hang on it."""
    mine: sa.ColumnElement[bool] = AuditEnvelope.operation == (
        sa.select(AuditChange.operation)
        .where(AuditChange.kind == kind, AuditChange.row_id == row_id)
        .order_by(AuditChange.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    code = next((each.code for each in SUBJECTS.values() if each.table == kind), None) if is_whole else None
    if code is not None:
        mine = sa.or_(mine, sa.and_(AuditEnvelope.subject_kind == code, AuditEnvelope.subject_id == row_id))
    row = session.execute(
        sa.select(AuditEnvelope.actor_name, AuditEnvelope.at, AuditEnvelope.actor_id)
        .where(mine)
        .order_by(AuditEnvelope.seq.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else (row.actor_name, row.at, row.actor_id)


def is_answer(posted: Mapping[str, str]) -> bool:
    """Whether this comes from the conflict page."""
    return any(name.startswith("pick-") for name in posted)


def merged(posted: MultiDict[str, str], current: Mapping[str, str]) -> MultiDict[str, str]:
    """What a form should be filled from: as posted, or, when the conflict page was answered, as chosen there."""
    if not is_answer(posted):
        return posted
    result: MultiDict[str, str] = MultiDict(current)
    for name, pick in posted.items():
        name = name.removeprefix("pick-") if name.startswith("pick-") else ""
        if name and pick == "mine":
            result[name] = posted.get(f"mine-{name}", "")
    result["version"] = posted.get("version", "")
    return result
