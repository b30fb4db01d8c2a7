"""Keep the search index in step with projects; a DERIVE entry of the factory."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core import search
from crm.core.bulk import within
from crm.core.transaction import Derive
from crm.projects.models import Project
from crm.projects.queries.finding import KIND

CHUNK = 5000


def reindex(session: Session, touched: dict[str, set[int]]) -> None:
    """Bring the index up to date with the touched projects; those that are gone leave it."""
    ids = sorted(touched.get("projects", ()))
    for start in range(0, len(ids), CHUNK):
        part = ids[start : start + CHUNK]
        found = dict(_docs(session, part))
        search.index(session, KIND, found.items())
        if gone := [project_id for project_id in part if project_id not in found]:
            search.remove(session, KIND, gone)


def _docs(session: Session, ids: list[int]) -> Iterator[tuple[int, search.SearchDoc]]:
    rows = session.execute(
        sa.select(
            Project.id, Project.name, Project.investor, Project.product, Project.controller, Project.investor_code
        ).where(within(Project.id, ids))
    )  # fmt: skip
    for row in rows:
        names = [text for text in (row.name, row.investor, row.product, row.controller) if text]
        yield row.id, search.SearchDoc(names, [row.investor_code] if row.investor_code else [])


SEARCH = Derive("projects.search", frozenset({"projects"}), reindex)
