"""Whether a person or a unit may still be given work: accounts in use, units that were not closed."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.accounts.models import Unit, User
from crm.core.words import N_, Refused


def check_person(session: Session, user_id: int | None, field: str) -> int:
    """An account in use. Raises `Refused`."""
    active = session.scalar(sa.select(User.is_active).where(User.id == user_id)) if user_id else None
    if user_id is None or not active:
        raise Refused(N_("请选择一位在用的人员。"), field=field)
    return user_id


def check_unit(session: Session, unit_id: int | None, field: str) -> int:
    """A unit that exists and was not closed. Raises `Refused`."""
    found = session.execute(sa.select(Unit.id, Unit.ends_on).where(Unit.id == unit_id)).one_or_none()
    if found is None or found.ends_on is not None:
        raise Refused(N_("请选择一个在用的单位。"), field=field)
    return int(found.id)
