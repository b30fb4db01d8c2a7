"""Pages of follow-up."""

from crm.activities.views.blueprint import bp

__all__ = ["bp"]
