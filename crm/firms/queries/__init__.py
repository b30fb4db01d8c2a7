"""Every read of the registry. Each takes the viewer."""

from crm.firms.queries.alike import Alike, near
from crm.firms.queries.finding import Found, search
from crm.firms.queries.listing import (
    BULK,
    COLUMNS,
    FILTERS,
    SORTS,
    all_rows,
    asked,
    chosen_ids,
    extra_cells,
    list_firms,
    matching,
    officers,
    streets,
)
from crm.firms.queries.record import (
    PANELS,
    TAGS,
    Panel,
    above_scale_of,
    contacts_of,
    equity_of,
    figures_in,
    figures_of,
    get_firm,
    history_of,
    institutions_of,
    ip_of,
    last_editor,
    moves_of,
    names_of,
    rights,
)
from crm.firms.queries.scope import editable_by, exportable_by, figures_visible_to, reach, visible_to

__all__ = [
    "BULK", "COLUMNS", "FILTERS", "PANELS", "SORTS", "TAGS", "Alike", "Found", "Panel", "above_scale_of", "all_rows",
    "asked", "chosen_ids", "contacts_of", "editable_by", "equity_of", "exportable_by", "extra_cells", "figures_in",
    "figures_of", "figures_visible_to", "get_firm", "history_of", "institutions_of", "ip_of", "last_editor",
    "list_firms", "matching", "moves_of", "names_of", "near", "officers", "reach", "rights", "search", "streets",
    "visible_to",
]  # fmt: skip
