"""The pages that gather from several features."""

from crm.overview.views import audit, home, privacy, search, settings
from crm.overview.views.blueprint import bp

__all__ = ["audit", "bp", "home", "privacy", "search", "settings"]
