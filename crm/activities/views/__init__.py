"""Pages of follow-up."""

from crm.activities.views import inbox, steps, timeline, week
from crm.activities.views.blueprint import bp

__all__ = ["bp", "inbox", "steps", "timeline", "week"]
