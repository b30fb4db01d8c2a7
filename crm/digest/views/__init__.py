"""Pages of the weekly mail."""

from crm.digest.views import muting, preview
from crm.digest.views.blueprint import bp

__all__ = ["bp", "muting", "preview"]
