"""Every write of the listing reserve, one verb of the trade each."""

from crm.listing.actions.entering import EDITABLE, archive, edit, enter, restore
from crm.listing.actions.helping import (
    dismiss,
    engage,
    raise_obstacle,
    set_holders,
    settle_obstacle,
    stay,
)
from crm.listing.actions.moving import change_board, move, resume, set_aside
from crm.listing.actions.papers import excuse, plan, prove, put_away, take_back

__all__ = [
    "EDITABLE",
    "archive",
    "change_board",
    "dismiss",
    "edit",
    "engage",
    "enter",
    "excuse",
    "move",
    "plan",
    "prove",
    "put_away",
    "raise_obstacle",
    "restore",
    "resume",
    "set_aside",
    "set_holders",
    "settle_obstacle",
    "stay",
    "take_back",
]
