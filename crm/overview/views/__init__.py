"""The pages that gather from several features."""

from crm.overview.views import audit, drafts, history, home, merging, privacy, search, settings
from crm.overview.views.blueprint import bp

__all__ = ["audit", "bp", "drafts", "history", "home", "merging", "privacy", "search", "settings"]
