"""The pages that gather from several features."""

from crm.overview.views import (
    audit,
    bulk,
    drafts,
    exports,
    history,
    home,
    merging,
    operations,
    privacy,
    saved,
    search,
    settings,
)
from crm.overview.views.blueprint import bp

__all__ = [
    "audit", "bp", "bulk", "drafts", "exports", "history", "home", "merging", "operations", "privacy", "saved",
    "search", "settings",
]  # fmt: skip
