"""Pages of follow-up."""

from crm.activities.views import files, inbox, steps, timeline, week
from crm.activities.views.blueprint import bp

__all__ = ["bp", "files", "inbox", "steps", "timeline", "week"]
