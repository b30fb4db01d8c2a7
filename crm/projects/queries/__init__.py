"""Every read of projects. Each takes the viewer where it matters."""

from crm.projects.queries.board import CARDS, board, more
from crm.projects.queries.finding import Found, by_ids, search
from crm.projects.queries.funnel import funnel
from crm.projects.queries.listing import BULK, COLUMNS, FILTERS, LIST, matching
from crm.projects.queries.people import lead_units, leaders, officers
from crm.projects.queries.portfolio import portfolio
from crm.projects.queries.record import (
    PANELS,
    TAGS,
    Panel,
    Rights,
    charge_of,
    charges_of,
    evidence_of,
    gates_on_the_way,
    get_evidence,
    get_project,
    members_of,
    moves_of,
    next_gate,
    of_firm,
    rights,
    waivers_of,
)
from crm.projects.queries.scope import editable_by, visible_to
from crm.projects.queries.workload import at_hand, by_leader, by_officer

__all__ = [
    "BULK",
    "CARDS",
    "COLUMNS",
    "FILTERS",
    "LIST",
    "PANELS",
    "TAGS",
    "Found",
    "Panel",
    "Rights",
    "at_hand",
    "board",
    "by_ids",
    "by_leader",
    "by_officer",
    "charge_of",
    "charges_of",
    "editable_by",
    "evidence_of",
    "funnel",
    "gates_on_the_way",
    "get_evidence",
    "get_project",
    "lead_units",
    "leaders",
    "matching",
    "members_of",
    "more",
    "moves_of",
    "next_gate",
    "of_firm",
    "officers",
    "portfolio",
    "rights",
    "search",
    "visible_to",
    "waivers_of",
]
