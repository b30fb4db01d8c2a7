"""The security policy as it is set now."""

from __future__ import annotations

from sqlalchemy.orm import Session

from crm.accounts.rules import PasswordPolicy, policy
from crm.core.settings import value


def password_policy(session: Session) -> PasswordPolicy:
    """What a new password has to be, and how long it lasts."""
    return PasswordPolicy(
        min_length=value(session, policy.MIN_LENGTH),
        kinds=value(session, policy.KINDS),
        max_age_days=value(session, policy.MAX_AGE),
        remembered=value(session, policy.REMEMBERED),
    )


def one_time_hours(session: Session) -> int:
    """For how many hours a one-time password opens the door."""
    return value(session, policy.ONE_TIME)


def idle_minutes(session: Session) -> int:
    """After how many minutes without a click a session ends."""
    return value(session, policy.IDLE)


def absolute_hours(session: Session) -> int:
    """After how many hours a session ends, however busy."""
    return value(session, policy.ABSOLUTE)


def factor_roles(session: Session) -> frozenset[str]:
    """Roles that need a second factor besides the administrators."""
    return value(session, policy.FACTOR_ROLES)


def contact(session: Session) -> str:
    """What the sign-in page says about whom to ask; may be empty."""
    return value(session, policy.CONTACT)
