"""Pages of the registry."""

from crm.firms.views import (
    contacts,
    dropping,
    duplicates,
    entering,
    holdings,
    importing,
    listing,
    names,
    persons,
    record,
)
from crm.firms.views.blueprint import bp

__all__ = [
    "bp",
    "contacts",
    "dropping",
    "duplicates",
    "entering",
    "holdings",
    "importing",
    "listing",
    "names",
    "persons",
    "record",
]
