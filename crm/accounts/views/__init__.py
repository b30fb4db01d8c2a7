"""The pages of accounts."""

from crm.accounts.views import door, people, profile, roles, units
from crm.accounts.views.blueprint import bp

__all__ = ["bp", "door", "people", "profile", "roles", "units"]
