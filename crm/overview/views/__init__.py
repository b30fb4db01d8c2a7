"""The pages that gather from several features."""

from crm.overview.views import audit, bulk, exports, home, operations, saved, search
from crm.overview.views.blueprint import bp

__all__ = ["audit", "bp", "bulk", "exports", "home", "operations", "saved", "search"]
