"""The pages of accounts."""

from crm.accounts.views import devices, door, email, factor, people, profile, roles, units
from crm.accounts.views.blueprint import bp

__all__ = ["bp", "devices", "door", "email", "factor", "people", "profile", "roles", "units"]
