"""The list of firms."""

from __future__ import annotations

from typing import Any

from crm.core.lists.showing import list_page
from crm.core.permissions import needs
from crm.firms import queries
from crm.firms.rules.columns import OPENS
from crm.firms.views.blueprint import bp


@bp.get("/firms")
@needs("firm:read")
def index() -> Any:
    return list_page(queries.LIST, "firms/index.html")


@bp.get("/firms/imports")
@needs(*OPENS)
def import_list() -> Any:
    return list_page(queries.BATCH_LIST, "firms/batches.html")
