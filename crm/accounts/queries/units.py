"""Reads about units: the tree, one unit with its heads, which units a day knows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session, selectinload

from crm.accounts.models import Unit, UnitHead, User
from crm.core.words import N_, Missing


@dataclass(frozen=True, slots=True)
class Line:
    """A unit in the list: how deep in the tree, who heads it, how many people."""

    unit: Unit
    depth: int
    head: str | None
    people: int
    successor: str | None


def in_force(on: dt.date) -> sa.ColumnElement[bool]:
    """Units that exist on a day."""
    return sa.and_(
        sa.or_(Unit.starts_on.is_(None), Unit.starts_on <= on),
        sa.or_(Unit.ends_on.is_(None), Unit.ends_on >= on),
    )


def tree(session: Session, *, on: dt.date) -> list[Line]:
    """Every unit, parents before their children; those that have ended come last."""
    units = session.scalars(sa.select(Unit).order_by(Unit.ends_on.is_not(None), Unit.id)).all()
    heads = dict(
        iter(
            session.execute(
                sa.select(UnitHead.unit_id, User.name)
                .join(User, User.id == UnitHead.user_id)
                .where(UnitHead.starts_on <= on, sa.or_(UnitHead.ends_on.is_(None), UnitHead.ends_on >= on))
            )
        )
    )
    people = dict(
        iter(
            session.execute(
                sa.select(User.unit_id, sa.func.count()).where(User.is_active).group_by(User.unit_id)
            )
        )
    )
    by_id = {unit.id: unit for unit in units}
    children: dict[int | None, list[Unit]] = {}
    for unit in units:
        children.setdefault(unit.parent_id if unit.parent_id in by_id else None, []).append(unit)
    lines: list[Line] = []

    def walk(parent: int | None, depth: int) -> None:
        for unit in children.get(parent, []):
            successor = by_id.get(unit.successor_id or 0)
            lines.append(
                Line(
                    unit,
                    depth,
                    heads.get(unit.id),
                    people.get(unit.id, 0),
                    successor.short_name if successor else None,
                )
            )
            walk(unit.id, depth + 1)

    walk(None, 0)
    return lines


def get_unit(session: Session, unit_id: int) -> Unit:
    """One unit with its parent and successor. Raises `Missing` (404)."""
    found = session.execute(
        sa.select(Unit)
        .where(Unit.id == unit_id)
        .options(selectinload(Unit.parent), selectinload(Unit.successor))
        .execution_options(populate_existing=True)
    ).scalar_one_or_none()
    if found is None:
        raise Missing(N_("没有找到这个单位。"))
    return found


def heads_of(session: Session, unit_id: int) -> Sequence[UnitHead]:
    """Who headed a unit, newest first."""
    return session.scalars(
        sa.select(UnitHead)
        .where(UnitHead.unit_id == unit_id)
        .options(selectinload(UnitHead.user))
        .order_by(UnitHead.starts_on.desc(), UnitHead.id.desc())
    ).all()


def head_on(session: Session, unit_id: int, on: dt.date) -> User | None:
    """Who headed a unit on a day."""
    return (
        session.execute(
            sa.select(User)
            .join(UnitHead, UnitHead.user_id == User.id)
            .where(
                UnitHead.unit_id == unit_id,
                UnitHead.starts_on <= on,
                sa.or_(UnitHead.ends_on.is_(None), UnitHead.ends_on >= on),
            )
        )
        .scalars()
        .first()
    )


def choices(session: Session, *, on: dt.date | None = None, also: int | None = None) -> list[tuple[int, str]]:
    """(id, name) of the units of a day, and of one more that a record may still name."""
    statement = sa.select(Unit.id, Unit.name).order_by(Unit.id)
    if on is not None:
        statement = statement.where(sa.or_(in_force(on), Unit.id == also))
    return [(row.id, row.name) for row in session.execute(statement)]


def ancestors(session: Session, unit_id: int) -> list[int]:
    """The units above a unit, nearest first."""
    parents = dict(iter(session.execute(sa.select(Unit.id, Unit.parent_id))))
    found: list[int] = []
    at = parents.get(unit_id)
    while at is not None and at not in found:
        found.append(at)
        at = parents.get(at)
    return found
