"""Granting roles: the security administrator's verb. 三员分立 is checked here, whoever asks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.accounts.actions.people import check_not_last, check_version
from crm.accounts.models import User, UserGrant, UserRole
from crm.accounts.rules import Permission, Role, check_roles
from crm.core import audit
from crm.core.permissions import Actor
from crm.core.words import N_, Refused


def grant(
    session: Session,
    user: User,
    *,
    actor: Actor,
    version: int | None,
    roles: Collection[Role],
    extras: Collection[Permission] = (),
    at: dt.datetime,
) -> None:
    """Set the roles of a person, and what is given besides. Acts on the person's very next request.

    Raises `Refused` for one's own account, for roles that exclude each other, for the last administrator of a kind.
    """
    actor.require("role:grant")
    check_version(user, version)
    if user.id == actor.user_id:
        raise Refused(N_("不能给自己授予或收回角色，请另一位安全管理员办理。"))
    wanted = check_roles(roles, extras)
    held = {row.role: row for row in session.scalars(sa.select(UserRole).where(UserRole.user_id == user.id))}
    given = {
        row.permission: row
        for row in session.scalars(sa.select(UserGrant).where(UserGrant.user_id == user.id))
    }
    for role in set(held) - wanted:
        if user.is_active:
            check_not_last(session, role, user.id)
    audit.begin(
        session,
        actor=actor,
        action="role.grant",
        subject=("user", user.id),
        name=user.name,
        roles=sorted(wanted),
        before=sorted(held),
        extras=sorted(extras),
    )
    for role in sorted(set(held) - wanted):
        session.delete(held[role])
    for permission in sorted(set(given) - set(extras)):
        session.delete(given[permission])
    for role in sorted(wanted - set(held)):
        session.add(UserRole(user_id=user.id, role=role))
    for permission in sorted(set(extras) - set(given)):
        session.add(UserGrant(user_id=user.id, permission=permission))
    user.updated_at = at  # the account's version grows, so that another form over it is told
    session.flush()
