"""The list of candidates, and the board of the same filter."""

from __future__ import annotations

from typing import Any

from crm.core.lists.showing import list_page
from crm.core.permissions import needs
from crm.listing import queries
from crm.listing.views.blueprint import bp


@bp.get("/listing")
@needs("listing:read")
def index() -> Any:
    return list_page(queries.LIST, "listing/index.html")
