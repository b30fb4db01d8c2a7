"""Pages of follow-up."""

from crm.activities.views import files, inbox, instructing, steps, timeline, week
from crm.activities.views.blueprint import bp

__all__ = ["bp", "files", "inbox", "instructing", "steps", "timeline", "week"]
