"""Every read of the listing reserve. Each takes the viewer where it matters."""

from crm.listing.queries.counting import KINDS, Counted, counts
from crm.listing.queries.listing import BULK, COLUMNS, FILTERS, LIST, finance_people, matching, units_in_use
from crm.listing.queries.pace import by_intermediary, changed_in, coming, steps, stuck
from crm.listing.queries.priority import Priority, priority_of
from crm.listing.queries.record import (
    PANELS,
    Panel,
    evidence_of,
    get_candidate,
    intermediaries_of,
    markets_of,
    moves_of,
    next_gate,
    obstacles_of,
    of_firm,
    open_counts,
    plans_of,
    shareholders_of,
    term_days,
    waivers_of,
)
from crm.listing.queries.scope import editable_by, visible_to

__all__ = [
    "BULK",
    "COLUMNS",
    "FILTERS",
    "KINDS",
    "LIST",
    "PANELS",
    "Counted",
    "Panel",
    "Priority",
    "by_intermediary",
    "changed_in",
    "coming",
    "counts",
    "editable_by",
    "evidence_of",
    "finance_people",
    "get_candidate",
    "intermediaries_of",
    "markets_of",
    "matching",
    "moves_of",
    "next_gate",
    "obstacles_of",
    "of_firm",
    "open_counts",
    "plans_of",
    "priority_of",
    "shareholders_of",
    "steps",
    "stuck",
    "term_days",
    "units_in_use",
    "visible_to",
    "waivers_of",
]  # fmt: skip
