"""Pages of the weekly mail."""

from crm.digest.views import muting, outbox, preview
from crm.digest.views.blueprint import bp

__all__ = ["bp", "muting", "outbox", "preview"]
