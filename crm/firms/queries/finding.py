"""Finding firms by what people type: pieces of names, former names, pinyin, codes (see core/search.py)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core import search as index
from crm.core.permissions import Actor
from crm.core.words import Message
from crm.firms.models import Firm
from crm.firms.queries.scope import visible_to

KIND = "firm"


@dataclass(frozen=True, slots=True)
class Found:
    """A firm that answers a search, and why it does."""

    id: int
    name: str
    code: str | None
    why: Message
    score: int = 0


def text_condition(session: Session, value: str, _viewer: Actor) -> sa.ColumnElement[bool] | None:
    """Firms whose names, code or pinyin answer to the text; None for an empty one."""
    return Firm.id.in_(index.matching(session, KIND, value)) if value.strip() else None


def search(session: Session, text: str, viewer: Actor, limit: int = 10) -> list[Found]:
    """The best answers first, archived firms left out. Two statements."""
    visible = sa.select(Firm.id).where(
        Firm.id == index.entries.c.subject_id, visible_to(viewer), Firm.archived_on.is_(None)
    )
    hits = index.find(session, KIND, text[:100], limit=limit, visible=visible)
    rows = session.execute(sa.select(Firm.id, Firm.code).where(Firm.id.in_([hit.id for hit in hits])))
    codes = {row.id: row.code for row in rows}
    return [Found(hit.id, hit.name, codes.get(hit.id), hit.why, hit.score) for hit in hits]


def by_ids(session: Session, ids: Sequence[int], *, viewer: Actor) -> list[Any]:
    """Firms by id, in that order, those that are gone or not to be seen left out: (id, name, code). One statement."""
    rows = session.execute(
        sa.select(Firm.id, Firm.name, Firm.code).where(
            Firm.id.in_(ids), visible_to(viewer), Firm.merged_into_id.is_(None)
        )
    )
    known = {row.id: row for row in rows}
    return [known[firm_id] for firm_id in ids if firm_id in known]
