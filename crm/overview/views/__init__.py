"""The pages that gather from several features."""

from crm.overview.views import audit, search, workbench
from crm.overview.views.blueprint import bp

__all__ = ["audit", "bp", "search", "workbench"]
