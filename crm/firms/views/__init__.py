"""Pages of the registry."""

from crm.firms.views import duplicates, entering, holdings, importing, listing, names, record
from crm.firms.views.blueprint import bp

__all__ = ["bp", "duplicates", "entering", "holdings", "importing", "listing", "names", "record"]
