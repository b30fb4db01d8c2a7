"""The ladder as a table."""

from __future__ import annotations

from typing import Any

from flask import request

from crm.core.clock import today
from crm.core.lists.showing import list_page
from crm.core.permissions import needs
from crm.core.web import actor
from crm.ladder import queries
from crm.ladder.views.blueprint import bp
from crm.ladder.views.board import frame


@bp.get("/ladder/list")
@needs("firm:read")
def index() -> Any:
    day = today()
    wanted = queries.wanted_of(request.args, day, actor())
    shown = frame(wanted.within, day, "ladder.index")
    return list_page(
        queries.LIST,
        "ladder/index.html",
        within=wanted.within,
        page_views=shown["page_views"],
        may_tag=shown["may_tag"],
    )
