"""Every read of follow-up. Each takes the viewer; what hangs on a record one may not see is not there."""

from crm.activities.queries.colleagues import colleagues, mentioned_ids
from crm.activities.queries.entries import get_activity
from crm.activities.queries.inbox import count_inbox, get_item, list_inbox
from crm.activities.queries.instructions import Instructions, instructions
from crm.activities.queries.listing import INSTRUCTIONS, LIST, UnitLate, late_by_unit
from crm.activities.queries.steps import (
    Whose,
    count_steps,
    due_between,
    get_step,
    lines,
    list_steps,
    moves_of,
    of_subject,
    units_headed,
)
from crm.activities.queries.timeline import stream

__all__ = [
    "INSTRUCTIONS",
    "LIST",
    "Instructions",
    "UnitLate",
    "Whose",
    "colleagues",
    "count_inbox",
    "count_steps",
    "due_between",
    "get_activity",
    "get_item",
    "get_step",
    "instructions",
    "late_by_unit",
    "lines",
    "list_inbox",
    "list_steps",
    "mentioned_ids",
    "moves_of",
    "of_subject",
    "stream",
    "units_headed",
]
