"""Pages of the registry."""

from crm.firms.views import contacts, dropping, entering, holdings, importing, listing, names, persons, record
from crm.firms.views.blueprint import bp

__all__ = [
    "bp",
    "contacts",
    "dropping",
    "entering",
    "holdings",
    "importing",
    "listing",
    "names",
    "persons",
    "record",
]
