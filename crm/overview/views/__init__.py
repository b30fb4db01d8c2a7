"""The pages that gather from several features."""

from crm.overview.views import audit, history, home, search
from crm.overview.views.blueprint import bp

__all__ = ["audit", "bp", "history", "home", "search"]
