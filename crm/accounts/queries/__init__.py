"""Every read about units, people, roles and sessions."""

from crm.accounts.queries.colleagues import find_colleagues
from crm.accounts.queries.people import (
    extras_of,
    get_person,
    holders,
    last_seen,
    lock_of,
    names,
    officers,
    roles_of,
    visible_to,
)
from crm.accounts.queries.sessions import (
    Credentials,
    SignedIn,
    actor_named,
    actor_of,
    attempt,
    credentials,
    has_factor,
    hash_token,
    load,
    locked_until,
    sessions_of,
    unit_and_below,
)
from crm.accounts.queries.units import ancestors, get_unit, head_on, heads_of, in_force, tree
from crm.accounts.queries.units import choices as unit_choices

__all__ = [
    "Credentials",
    "SignedIn",
    "actor_named",
    "actor_of",
    "ancestors",
    "attempt",
    "credentials",
    "extras_of",
    "find_colleagues",
    "get_person",
    "get_unit",
    "has_factor",
    "hash_token",
    "head_on",
    "heads_of",
    "holders",
    "in_force",
    "last_seen",
    "load",
    "lock_of",
    "locked_until",
    "names",
    "officers",
    "roles_of",
    "sessions_of",
    "tree",
    "unit_and_below",
    "unit_choices",
    "visible_to",
]
