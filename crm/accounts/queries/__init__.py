"""Every read about units, people, roles and sessions."""

from crm.accounts.queries.sessions import (
    Credentials,
    SignedIn,
    actor_named,
    actor_of,
    attempt,
    credentials,
    hash_token,
    load,
    locked_until,
    sessions_of,
    unit_and_below,
)

__all__ = [
    "Credentials",
    "SignedIn",
    "actor_named",
    "actor_of",
    "attempt",
    "credentials",
    "hash_token",
    "load",
    "locked_until",
    "sessions_of",
    "unit_and_below",
]
