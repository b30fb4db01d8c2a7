"""Pages of the registry."""

from crm.firms.views import dropping, entering, holdings, importing, listing, names, record
from crm.firms.views.blueprint import bp

__all__ = ["bp", "dropping", "entering", "holdings", "importing", "listing", "names", "record"]
