"""Which records a name typed into a form means: found as the search finds them, of any kind the viewer may open."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core import search
from crm.core.permissions import Actor
from crm.core.records import SUBJECTS, may_open

MOST = 4  # candidates that are named


def meant(session: Session, text: str, viewer: Actor) -> list[tuple[tuple[str, int], str]]:
    """((kind, id), name) of the records that answer to a text, the one called just so alone when there is one. Those put
    away and those the viewer may not see are not among them."""
    found: list[tuple[tuple[str, int], str]] = []
    for code, kind in SUBJECTS.items():
        if not may_open(kind, viewer):
            continue
        where = [kind.column("id") == search.entries.c.subject_id, kind.visible_to(viewer)]
        if kind.archived is not None:
            where.append(kind.column(kind.archived).is_(None))
        visible = sa.select(kind.column("id")).where(*where)
        hits = search.find(session, code, text[:100], limit=MOST, visible=visible)
        found += [((code, hit.id), hit.name) for hit in hits]
    exact = [each for each in found if each[1] == text]
    return exact or found
