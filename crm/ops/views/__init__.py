"""Pages of those who run it."""

from crm.ops.views.pages import bp, panel

__all__ = ["bp", "panel"]
