"""Many people at once, with their rights: whoever is written to is a viewer like everybody else."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.accounts.models import Unit, UnitHead, User, UserGrant, UserRole
from crm.accounts.rules import Permission, Role, grants
from crm.core.permissions import Actor

FEW = 900  # more ids than this are not named in a statement: all are read, the others left out


@dataclass(frozen=True, slots=True)
class Reader:
    """A person who can be written to: rights, and the language chosen (None: none yet)."""

    actor: Actor
    username: str
    language: str | None


def readers(session: Session, ids: Collection[int] | None = None) -> dict[int, Reader]:
    """Active people with what they may see, by id; of these ids if given. Four statements for any number of them."""
    named = ids is not None and len(ids) <= FEW
    wanted = None if ids is None else set(ids)

    def among(column: sa.orm.InstrumentedAttribute[int]) -> sa.ColumnElement[bool]:
        return column.in_(sorted(wanted or ())) if named else column.is_not(None)

    roles: dict[int, set[Role]] = {}
    for user_id, role in session.execute(
        sa.select(UserRole.user_id, UserRole.role).where(among(UserRole.user_id))
    ):
        roles.setdefault(user_id, set()).add(role)
    extras: dict[int, set[Permission]] = {}
    for user_id, permission in session.execute(
        sa.select(UserGrant.user_id, UserGrant.permission).where(among(UserGrant.user_id))
    ):
        extras.setdefault(user_id, set()).add(permission)
    below = _below(session)
    known: dict[tuple[frozenset[Role], frozenset[Permission]], Actor] = {}
    found = {}
    for row in session.execute(
        sa.select(User.id, User.name, User.username, User.unit_id, User.language)
        .where(User.is_active, among(User.id))
        .order_by(User.id)
    ):
        if wanted is not None and row.id not in wanted:
            continue
        held = (frozenset(roles.get(row.id, ())), frozenset(extras.get(row.id, ())))
        if held not in known:
            known[held] = Actor(
                None, "", grants(sorted(held[0]), sorted(held[1])), frozenset(role.value for role in held[0])
            )
        like = known[held]
        actor = Actor(
            row.id, row.name, like.grants, like.roles, row.unit_id, below.get(row.unit_id or 0, frozenset())
        )
        found[row.id] = Reader(actor, row.username, row.language)
    return found


def _below(session: Session) -> dict[int, frozenset[int]]:
    """Each unit with every unit under it, however deep."""
    children: dict[int, list[int]] = {}
    ids = []
    for unit_id, parent_id in session.execute(sa.select(Unit.id, Unit.parent_id)):
        ids.append(unit_id)
        if parent_id is not None:
            children.setdefault(parent_id, []).append(unit_id)
    found = {}
    for unit_id in ids:
        reached, waiting = {unit_id}, [unit_id]
        while waiting:
            for child in children.get(waiting.pop(), ()):
                if child not in reached:
                    reached.add(child)
                    waiting.append(child)
        found[unit_id] = frozenset(reached)
    return found


def heads_by_unit(session: Session, on: dt.date) -> dict[int, int]:
    """Who heads which unit on a day: unit → person."""
    rows = session.execute(
        sa.select(UnitHead.unit_id, UnitHead.user_id)
        .where(UnitHead.starts_on <= on, sa.or_(UnitHead.ends_on.is_(None), UnitHead.ends_on >= on))
        .order_by(UnitHead.id.desc())
    )
    return dict(iter(rows))
