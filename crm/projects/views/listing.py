"""The list of projects."""

from __future__ import annotations

from typing import Any

from crm.core.lists.showing import list_page
from crm.core.permissions import needs
from crm.projects import queries
from crm.projects.views.blueprint import bp


@bp.get("/projects")
@needs("project:read")
def index() -> Any:
    return list_page(queries.LIST, "projects/index.html")
