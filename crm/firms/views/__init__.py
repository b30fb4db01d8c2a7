"""Pages of the registry."""

from crm.firms.views import entering, holdings, importing, listing, names, record
from crm.firms.views.blueprint import bp

__all__ = ["bp", "entering", "holdings", "importing", "listing", "names", "record"]
