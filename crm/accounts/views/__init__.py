"""The pages of accounts."""

from crm.accounts.views import door, profile
from crm.accounts.views.blueprint import bp

__all__ = ["bp", "door", "profile"]
