"""The people and units a project may be given to."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.accounts.models import Unit, User, UserRole
from crm.accounts.rules import Role

SEES = (Role.LEADER, Role.INVESTMENT, Role.SCIENCE, Role.FINANCE, Role.REPORTER, Role.SUPERVISOR)


def _with_role(session: Session, roles: tuple[Role, ...]) -> list[tuple[int, str]]:
    held = sa.select(UserRole.user_id).where(UserRole.role.in_(roles))
    rows = session.execute(
        sa.select(User.id, User.name, Unit.short_name)
        .outerjoin(Unit, Unit.id == User.unit_id)
        .where(User.is_active, User.id.in_(held))
        .order_by(Unit.short_name, User.name, User.id)
    )
    return [(row.id, f"{row.name} · {row.short_name}" if row.short_name else row.name) for row in rows]


def leaders(session: Session) -> list[tuple[int, str]]:
    """Leaders: (id, name with unit)."""
    return _with_role(session, (Role.LEADER,))


def officers(session: Session) -> list[tuple[int, str]]:
    """Everybody who may follow a project or be in its team: (id, name with unit)."""
    return _with_role(session, SEES)


def lead_units(session: Session) -> list[tuple[int, str]]:
    """Units in use: (id, short name)."""
    rows = session.execute(
        sa.select(Unit.id, Unit.short_name).where(Unit.ends_on.is_(None)).order_by(Unit.short_name, Unit.id)
    )
    return [(row.id, row.short_name) for row in rows]
