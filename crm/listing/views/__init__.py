"""The pages of the listing reserve."""

from crm.listing.views import counting, entering, helping, listing, moving, pace, papers, record
from crm.listing.views.blueprint import bp

__all__ = ["bp", "counting", "entering", "helping", "listing", "moving", "pace", "papers", "record"]
