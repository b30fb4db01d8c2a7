"""The pages that gather from several features."""

from crm.overview.views import audit, home, merging, search
from crm.overview.views.blueprint import bp

__all__ = ["audit", "bp", "home", "merging", "search"]
