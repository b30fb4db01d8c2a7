"""What each person is told on a day: the kinds asked once for all, then put together person by person.

The statements do not grow with people or lines: those of each kind, one a kind of record for the names, those of its
sight, five more for the people, what they muted and what they have been told.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.accounts.queries.readers import readers
from crm.accounts.rules import Role
from crm.core import reminders
from crm.core.permissions import Actor
from crm.core.records import SUBJECTS, may_open
from crm.core.reminders import REMINDERS, SIGHT, Reminder, Row, among
from crm.core.sentences import packed
from crm.core.words import Message
from crm.digest.models import DigestMute, DigestTold
from crm.digest.queries.calendar import send_day
from crm.digest.rules.letters import Group, Item, Letter, limits
from crm.digest.rules.week import Week, week_of

ORDER = list(reminders.Group)
SUMMED = frozenset({Role.LEADER.value})
Found = dict[int, list[tuple[Reminder, Row]]]


def compose(
    session: Session, when: Week | dt.date, people: Collection[int] | None = None, *, is_whole: bool = False
) -> dict[int, Letter]:
    """The letters of a day (of a week: of the day it is sent), by person; of all active people, or of these. Nobody
    has an empty one. What has been told in a week before and is told once is left out, so that composing again for
    the same week gives the same. `is_whole`: with all lines, as on a page, not cut to what a mail holds."""
    day = when if isinstance(when, dt.date) else send_day(session, when) or when.monday
    week = week_of(day)
    known = readers(session, people)
    actors = {
        key: reader.actor
        for key, reader in known.items()
        if reader.actor.may("firm:read") or reader.actor.may("project:read")
    }
    if not actors:
        return {}
    found = _seen(session, _rows(session, day, actors), actors)
    muted = _muted(session, actors)
    told = _told(session, week, actors)
    names = _names(session, found)
    letters = {}
    for person_id in sorted(found):
        reader = known[person_id]
        pairs = [
            (reminder, row)
            for reminder, row in found.pop(person_id)
            if (person_id, reminder.group.value) not in muted
            and not (row.once and (person_id, row.once) in told)
            and (not row.kind or (row.kind, row.subject_id) in names)
        ]
        said = {(reminder.code, row.kind, row.subject_id) for reminder, row in pairs}
        pairs = [pair for pair in pairs if (pair[0].unless, pair[1].kind, pair[1].subject_id) not in said]
        if pairs:
            is_summary = bool(reader.actor.roles & SUMMED)
            most, in_all = (len(pairs), len(pairs)) if is_whole else limits(is_summary)
            letters[person_id] = Letter(
                person_id, reader.actor.name, week, day, reader.language or "zh",
                _groups(pairs, names, most, in_all), is_summary,
                tuple(sorted({row.once for _reminder, row in pairs if row.once})),
            )  # fmt: skip
    return letters


def _rows(session: Session, day: dt.date, actors: Mapping[int, Actor]) -> Found:
    found: Found = {}
    for reminder in REMINDERS:
        for row in reminder.query(session, day, actors):
            if row.person_id in actors:
                found.setdefault(row.person_id, []).append((reminder, row))
    return found


def _seen(session: Session, found: Found, actors: Mapping[int, Actor]) -> Found:
    """Without what its reader may not see: whatever a kind's query says, this is asked of every row."""
    ids: dict[str, set[int]] = {}
    for pairs in found.values():
        for _reminder, row in pairs:
            if row.kind:
                ids.setdefault(row.kind, set()).add(row.subject_id)
    sights = {kind: SIGHT[kind](session, wanted) for kind, wanted in ids.items() if kind in SIGHT}
    kept: Found = {}
    for person_id, pairs in found.items():
        actor = actors[person_id]
        mine = [
            (reminder, row)
            for reminder, row in pairs
            if not row.kind
            or (
                row.kind in sights
                and may_open(SUBJECTS[row.kind], actor)
                and sights[row.kind](actor, row.subject_id)
            )
        ]
        if mine:
            kept[person_id] = mine
    return kept


def _names(session: Session, found: Found) -> dict[tuple[str, int], str]:
    """What the records are called: one statement a kind of record."""
    wanted: dict[str, set[int]] = {}
    for pairs in found.values():
        for _reminder, row in pairs:
            if row.kind:
                wanted.setdefault(row.kind, set()).add(row.subject_id)
    names = {}
    for code, ids in wanted.items():
        kind = SUBJECTS[code]
        key = kind.column("id")
        for row_id, name in session.execute(sa.select(key, kind.column(kind.name)).where(among(key, ids))):
            if row_id in ids:
                names[code, row_id] = str(name or "")
    return names


def _muted(session: Session, actors: Collection[int]) -> set[tuple[int, str]]:
    rows = session.execute(
        sa.select(DigestMute.user_id, DigestMute.group).where(among(DigestMute.user_id, actors))
    )
    fixed = {group.value for group in ORDER if not group.can_be_muted}
    return {(row.user_id, row.group) for row in rows if row.group not in fixed}


def _told(session: Session, week: Week, actors: Collection[int]) -> set[tuple[int, str]]:
    """What has been told in weeks before this one."""
    rows = session.execute(
        sa.select(DigestTold.user_id, DigestTold.key).where(
            among(DigestTold.user_id, actors), DigestTold.week < str(week)
        )
    )
    return {(row.user_id, row.key) for row in rows}


def _groups(
    pairs: Iterable[tuple[Reminder, Row]], names: Mapping[tuple[str, int], str], most: int, in_all: int
) -> tuple[Group, ...]:
    """Lines by group, the most pressing first; of each at most so many, and in all."""
    by_group: dict[reminders.Group, list[tuple[Reminder, Row]]] = {}
    for reminder, row in pairs:
        by_group.setdefault(reminder.group, []).append((reminder, row))
    place, groups = {reminder.code: n for n, reminder in enumerate(REMINDERS)}, []

    def key(pair: tuple[Reminder, Row]) -> tuple[Any, ...]:
        reminder, row = pair
        due = row.due_on or dt.date.max
        return row.rank, due, place[reminder.code], row.kind, row.subject_id, row.once, str(row.link)

    for group in sorted(by_group, key=ORDER.index):
        lines = sorted(by_group[group], key=key)
        items = tuple(_item(*pair, names) for pair in lines[: min(most, in_all)])
        in_all -= len(items)
        groups.append(Group(group.value, items, len(lines) - len(items)))
    return tuple(groups)


def _item(reminder: Reminder, row: Row, names: Mapping[tuple[str, int], str]) -> Item:
    return Item(
        reminder.code, row.kind, row.subject_id, names.get((row.kind, row.subject_id), ""),
        packed(Message("", row.params))["params"], row.why, row.due_on, row.once, row.link,
    )  # fmt: skip
