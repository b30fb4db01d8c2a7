"""Pages of follow-up."""

from crm.activities.views import files
from crm.activities.views.blueprint import bp

__all__ = ["bp", "files"]
