"""What an import of past entries is compared with: the accounts by name, and the entries that are there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.accounts.models import Unit, User, UserRole
from crm.accounts.rules import TABLE, Permission
from crm.activities.models import Activity, ActivitySubject
from crm.activities.rules.past import Colleague, People, bases
from crm.activities.rules.words import ActivityKind
from crm.core.permissions import Actor
from crm.core.records import kind_of, may_open

CHUNK = 5000
Key = tuple[int, dt.date, ActivityKind, str]  # of a subject's entry: id, day, kind, text


def accounts(session: Session) -> People:
    """Every account by its name. One statement."""
    may_log = sa.exists().where(
        UserRole.user_id == User.id, UserRole.role.in_(list(TABLE[Permission.ACTIVITY_ADD]))
    )
    rows = session.execute(
        sa.select(User.id, User.name, Unit.short_name, Unit.name.label("unit"), sa.and_(User.is_active, may_log).label("may"))
        .outerjoin(Unit, Unit.id == User.unit_id)
        .order_by(User.id)
    )  # fmt: skip
    return People(
        Colleague(row.id, row.name, tuple(filter(None, (row.short_name, row.unit))), bool(row.may))
        for row in rows
    )


def entries_there(
    session: Session, kind: str, wanted: Collection[tuple[int, dt.date]]
) -> dict[Key, tuple[int, bool]]:
    """The entries of these records on these days `(record id, day)`: key → (id, whether it was withdrawn); an entry is
    found by each text it may have been imported from. Two statements for every 5,000 records and entries."""
    chosen = set(wanted)
    ids: Sequence[int] = sorted({row_id for row_id, _ in chosen})
    days = [day for _, day in chosen]
    places: dict[int, list[int]] = {}
    for start in range(0, len(ids), CHUNK):
        rows = session.execute(
            sa.select(ActivitySubject.activity_id, ActivitySubject.subject_id, ActivitySubject.on).where(
                ActivitySubject.kind == kind,
                ActivitySubject.subject_id.in_(ids[start : start + CHUNK]),
                ActivitySubject.on.between(min(days), max(days)),
            )
        )
        for row in rows:
            if (row.subject_id, row.on) in chosen:
                places.setdefault(row.activity_id, []).append(row.subject_id)
    found: dict[Key, tuple[int, bool]] = {}
    known = sorted(places)
    for start in range(0, len(known), CHUNK):
        entries = session.execute(
            sa.select(Activity.id, Activity.on, Activity.kind, Activity.summary, Activity.withdrawn_on).where(
                Activity.id.in_(known[start : start + CHUNK])
            )
        )
        for entry in entries:
            for subject_id in places[entry.id]:
                for text in bases(entry.summary):
                    found[(subject_id, entry.on, entry.kind, text)] = (
                        entry.id,
                        entry.withdrawn_on is not None,
                    )
    return found


def visible_ids(session: Session, kind: str, ids: Collection[int], viewer: Actor | None) -> set[int]:
    """Which of these records the viewer may see."""
    record = kind_of(kind)
    if viewer is None or not may_open(record, viewer):
        return set()
    wanted, found = sorted(set(ids)), set[int]()
    for start in range(0, len(wanted), CHUNK):
        key = record.column("id")
        found.update(
            session.scalars(
                sa.select(key).where(key.in_(wanted[start : start + CHUNK]), record.visible_to(viewer))
            )
        )
    return found
