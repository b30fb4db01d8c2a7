"""Pages of the ladder: load, check, act, commit, show."""

from crm.ladder.views import board, firm, listing, review, selection, tags
from crm.ladder.views.blueprint import bp

__all__ = ["board", "bp", "firm", "listing", "review", "selection", "tags"]
