"""Whose letter a person may look at, and what of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.accounts.models import Unit, UnitHead, User
from crm.accounts.queries import unit_and_below
from crm.core.folding import fold
from crm.core.palette import heard
from crm.core.permissions import Actor, Scope
from crm.core.pinyin import is_term
from crm.core.records import SUBJECTS, may_open
from crm.core.reminders import SIGHT
from crm.core.words import N_, Missing
from crm.digest.rules.letters import Group, Letter

MOST = 500  # people in the menu
FOUND = 20
LOOKED_THROUGH = 20_000


def _reach(session: Session, viewer: Actor, day: dt.date) -> sa.ColumnElement[bool]:
    """People whose letters the viewer may look at: himself, those of the units he heads, and for who sees every
    project everybody's."""
    if viewer.is_system or viewer.scope("project:read") is Scope.ALL:
        return sa.true()
    headed = session.scalars(
        sa.select(UnitHead.unit_id).where(
            UnitHead.user_id == viewer.user_id, UnitHead.starts_on <= day,
            sa.or_(UnitHead.ends_on.is_(None), UnitHead.ends_on >= day),
        )
    ).all()  # fmt: skip
    units = sorted({below for unit_id in headed for below in unit_and_below(session, unit_id)})
    return sa.or_(User.id == viewer.user_id, User.unit_id.in_(units))


def people(session: Session, viewer: Actor, day: dt.date) -> Sequence[tuple[int, str, str]]:
    """(id, name, unit) of those whose letters the viewer may look at, himself first; of many the first `MOST`."""
    rows = session.execute(
        _readers(session, viewer, day)
        .order_by(User.id != viewer.user_id, Unit.id, User.name_sort, User.id)
        .limit(MOST)
    )
    return [(row[0], row[1], row[2]) for row in rows]


def find_people(session: Session, viewer: Actor, day: dt.date, text: str) -> Sequence[tuple[int, str, str]]:
    """(id, name, unit) of those among them whose name (in signs or pinyin) or unit answers, the first `FOUND`."""
    term = fold(text)
    if not term:
        return []
    rows = session.execute(
        _readers(session, viewer, day).order_by(User.name_sort, User.id).limit(LOOKED_THROUGH)
    )
    found = [
        (row[0], row[1], row[2])
        for row in rows
        if term in fold(row[1]) or term in fold(row[2]) or (is_term(term) and heard(term, row[1]))
    ]
    return found[:FOUND]


def _readers(session: Session, viewer: Actor, day: dt.date) -> sa.Select[int, str, str]:
    return (
        sa.select(User.id, User.name, sa.func.coalesce(Unit.short_name, ""))
        .outerjoin(Unit, Unit.id == User.unit_id)
        .where(User.is_active, _reach(session, viewer, day))
    )


def get_reader(session: Session, person_id: int, *, viewer: Actor, day: dt.date) -> tuple[int, str]:
    """(id, name) of an active person whose letter the viewer may look at. Raises `Missing`."""
    found = session.execute(
        sa.select(User.id, User.name).where(
            User.id == person_id, User.is_active, _reach(session, viewer, day)
        )
    ).one_or_none()
    if found is None:
        raise Missing(N_("没有这个人，或者您不能查看发给他的提醒。"))
    return found.id, found.name


def seen_by(session: Session, letter: Letter, viewer: Actor) -> tuple[Letter | None, int]:
    """The whole letter without what the viewer may not see, and how many lines that were; None when none is left."""
    if viewer.is_system or viewer.user_id == letter.person_id:
        return letter, 0
    ids: dict[str, set[int]] = {}
    for group in letter.groups:
        for item in group.items:
            if item.kind:
                ids.setdefault(item.kind, set()).add(item.subject_id)
    sights = {kind: SIGHT[kind](session, wanted) for kind, wanted in ids.items() if kind in SIGHT}
    groups, withheld = [], 0
    for group in letter.groups:
        items = tuple(
            item
            for item in group.items
            if not item.kind
            or (
                item.kind in sights
                and may_open(SUBJECTS[item.kind], viewer)
                and sights[item.kind](viewer, item.subject_id)
            )
        )
        withheld += len(group.items) - len(items)
        if items:
            groups.append(Group(group.code, items))
    return (replace(letter, groups=tuple(groups)) if groups else None), withheld
