"""Finding projects by what people type: name, investor, product, pinyin of each, a fragment of the investor's code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core import search as index
from crm.core.permissions import Actor
from crm.core.words import N_, Message
from crm.projects.models import Project
from crm.projects.queries.scope import visible_to
from crm.projects.rules.words import Stage, State

KIND = "project"


@dataclass(frozen=True, slots=True)
class Found:
    """A project that answers a search, and why it does; `score` 0..100 as for firms."""

    id: int
    name: str
    investor: str
    stage: Stage
    state: State
    why: Message
    score: int


def search(session: Session, text: str, viewer: Actor, limit: int = 10) -> list[Found]:
    """The best answers the viewer may see, archived ones left out. Two statements."""
    visible = sa.select(Project.id).where(
        Project.id == index.entries.c.subject_id, visible_to(viewer), Project.archived_on.is_(None)
    )
    hits = index.find(session, KIND, text[:100], limit=limit, visible=visible)
    rows = session.execute(
        sa.select(Project.id, Project.investor, Project.stage, Project.state).where(
            Project.id.in_([hit.id for hit in hits])
        )
    )
    known = {row.id: row for row in rows}
    return [
        Found(hit.id, hit.name, row.investor, row.stage, row.state, _why(hit), hit.score)
        for hit in hits
        if (row := known.get(hit.id)) is not None
    ]


def _why(hit: index.Hit) -> Message:
    """The other names of a project are its investor, product and controller, no former names."""
    rank = (100 - hit.score) // 10
    if rank == index.FORMER:
        return Message(N_("投资方或产品：%(name)s"), hit.why.params)
    if rank == index.SOUNDS_FORMER:
        return Message(N_("投资方或产品（拼音）：%(name)s"), hit.why.params)
    return hit.why


def by_ids(session: Session, ids: Sequence[int], *, viewer: Actor) -> Sequence[Any]:
    """(id, name, investor) of those of these projects the viewer may see and that were not put away."""
    rows = session.execute(
        sa.select(Project.id, Project.name, Project.investor).where(
            Project.id.in_(ids[:50]), visible_to(viewer), Project.archived_on.is_(None)
        )
    )
    return rows.all()
