"""The pages that gather from several features."""

from crm.overview.views import home, search
from crm.overview.views.blueprint import bp

__all__ = ["bp", "home", "search"]
