"""Every read of projects. Each takes the viewer where it matters."""

from crm.projects.queries.finding import Found, search
from crm.projects.queries.listing import BULK, COLUMNS, FILTERS, LIST
from crm.projects.queries.people import lead_units, leaders, officers
from crm.projects.queries.record import (
    PANELS,
    TAGS,
    Panel,
    Rights,
    charge_of,
    charges_of,
    evidence_of,
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

__all__ = [
    "BULK",
    "COLUMNS",
    "FILTERS",
    "LIST",
    "PANELS",
    "TAGS",
    "Found",
    "Panel",
    "Rights",
    "charge_of",
    "charges_of",
    "editable_by",
    "evidence_of",
    "get_evidence",
    "get_project",
    "lead_units",
    "leaders",
    "members_of",
    "moves_of",
    "next_gate",
    "of_firm",
    "officers",
    "rights",
    "search",
    "visible_to",
    "waivers_of",
]
