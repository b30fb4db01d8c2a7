"""The words and laws of accounts: roles and permissions, units, sign-in, passwords, the audit's sentences."""

from crm.accounts.rules.messages import MESSAGES
from crm.accounts.rules.passwords import (
    MAX_LENGTH,
    PasswordPolicy,
    check_password,
    is_expired,
    is_spent,
    one_time_until,
)
from crm.accounts.rules.roles import (
    ADMINISTRATORS,
    GIVEN_TO_PERSONS,
    TABLE,
    Permission,
    Role,
    check_roles,
    grants,
)
from crm.accounts.rules.sign_in import (
    ABSOLUTE_HOURS,
    IDLE_MINUTES,
    LOCK_MINUTES,
    TRIES,
    account_key,
    address_key,
    check_username,
    fold_name,
)
from crm.accounts.rules.units import UnitKind, check_days, check_successor

__all__ = [
    "ABSOLUTE_HOURS",
    "ADMINISTRATORS",
    "GIVEN_TO_PERSONS",
    "IDLE_MINUTES",
    "LOCK_MINUTES",
    "MAX_LENGTH",
    "MESSAGES",
    "TABLE",
    "TRIES",
    "PasswordPolicy",
    "Permission",
    "Role",
    "UnitKind",
    "account_key",
    "address_key",
    "check_days",
    "check_password",
    "check_roles",
    "check_successor",
    "check_username",
    "fold_name",
    "grants",
    "is_expired",
    "is_spent",
    "one_time_until",
]
