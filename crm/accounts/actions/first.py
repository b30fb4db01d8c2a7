"""The first start without demo: the three administrators, with random passwords for one use."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.accounts.actions.hashing import hash_password, one_time_password
from crm.accounts.models import User, UserRole
from crm.accounts.rules import Role
from crm.core import audit
from crm.core.permissions import Actor

FIRST = (("sysadmin", Role.SYSTEM_ADMIN), ("secadmin", Role.SECURITY_ADMIN), ("auditor", Role.AUDITOR))


def first_administrators(session: Session, *, actor: Actor, at: dt.datetime) -> list[tuple[str, str, str]]:
    """Create the three administrators in a house without people. Returns (role, account, one-time password);
    nothing when somebody is there already. Does not commit."""
    if session.execute(sa.select(User.id).limit(1)).first():
        return []
    audit.begin(session, actor=actor, action="install.administrators")
    made = []
    for username, role in FIRST:
        password = one_time_password()
        user = User(
            username=username,
            username_key=username,
            name=role.label,
            password_hash=hash_password(password),
            password_changed_at=at,
            must_change_password=True,
            one_time_at=at,
        )
        session.add(user)
        session.flush()
        session.add(UserRole(user_id=user.id, role=role))
        made.append((role.value, username, password))
    session.flush()
    return made
