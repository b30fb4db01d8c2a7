"""The pages that gather from several features."""

from crm.overview.views import (
    audit,
    bulk,
    changes,
    drafts,
    exports,
    history,
    holidays,
    merging,
    operations,
    privacy,
    saved,
    search,
    settings,
    workbench,
)
from crm.overview.views.blueprint import bp

__all__ = [
    "audit", "bp", "bulk", "changes", "drafts", "exports", "history", "holidays", "merging", "operations", "privacy", "saved",
    "search", "settings", "workbench",
]  # fmt: skip
