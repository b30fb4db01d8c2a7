"""The board: a column a stage over the filter of the list, with exact counts, sums and paged cards."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from crm.accounts.models import User
from crm.core import lists
from crm.core.permissions import Actor
from crm.core.pipeline.lanes import Lane, first_of_each, lanes, totals
from crm.projects.models import Project, ProjectCharge, ProjectPulse
from crm.projects.queries.cells import next_steps
from crm.projects.queries.limits import limits_of
from crm.projects.queries.listing import matching
from crm.projects.queries.record import open_counts
from crm.projects.queries.scope import editable_by
from crm.projects.rules.progress import Light, light
from crm.projects.rules.words import GOING, Stage

CARDS = 12
_HOLDER, _LEADER = aliased(User), aliased(User)
# those that go on first, the latest change on top: what is lost does not push work out of sight
_ORDER = (sa.case((Project.state.in_(GOING), 0), else_=1), Project.updated_at.desc(), Project.id.desc())


@dataclass(frozen=True, slots=True)
class Card:
    """A project as the board shows it."""

    row: Any
    light: Light | None
    lacking: int
    step: tuple[str, dt.date] | None
    is_mine: bool  # the viewer may move it


Column = Lane[Stage, Card]


def board(session: Session, wanted: lists.Asked, viewer: Actor) -> tuple[list[Column], dict[str, str]]:
    """All columns and the conditions understood: the same statements for any number of projects."""
    ids, understood = matching(session, wanted, viewer)
    cards = _cards(session, first_of_each(Project, ids, _ORDER, CARDS), viewer, wanted.today)
    sizes = totals(session, Project, ids, Project.total_yuan)
    return lanes(Stage, sizes, ((card.row.stage, card) for card in cards)), understood


def more(session: Session, wanted: lists.Asked, viewer: Actor, stage: Stage, after: int) -> list[Card]:
    """The next cards of one column, behind the first `after`."""
    ids, _understood = matching(session, wanted, viewer)
    page = ids.where(Project.stage == stage).order_by(*_ORDER).offset(after).limit(CARDS)
    return _cards(session, sa.select(page.subquery().c.id), viewer, wanted.today)


def _cards(session: Session, chosen: sa.Select[Any], viewer: Actor, today: dt.date | None) -> list[Card]:
    if today is None:
        raise RuntimeError("a light depends on the day")
    rows = session.execute(
        sa.select(
            Project.id, Project.version, Project.name, Project.investor, Project.stage, Project.state, Project.total_yuan,
            Project.confidentiality, ProjectPulse.progress_on, ProjectPulse.caught_up_on,
            _HOLDER.name.label("holder"), _LEADER.name.label("leader"),
            sa.case((editable_by(viewer), 1), else_=0).label("is_mine"),
        )
        .outerjoin(ProjectPulse, ProjectPulse.project_id == Project.id)
        .outerjoin(_HOLDER, _HOLDER.id == Project.holder_id)
        .outerjoin(
            ProjectCharge, sa.and_(ProjectCharge.project_id == Project.id, ProjectCharge.is_current == 1)
        )
        .outerjoin(_LEADER, _LEADER.id == ProjectCharge.leader_id)
        .where(Project.id.in_(chosen))
        .order_by(*_ORDER)
    ).all()  # fmt: skip
    ids = [row.id for row in rows]
    lacking, limits, steps = open_counts(session, ids), limits_of(session), next_steps(session, ids)
    return [
        Card(
            row,
            light(
                stage=row.stage, state=row.state, progress_on=row.progress_on, caught_up_on=row.caught_up_on,
                today=today, limits=limits,
            ) if row.progress_on is not None else None,
            lacking.get(row.id, 0),
            steps.get(row.id),
            bool(row.is_mine),
        )
        for row in rows
    ]  # fmt: skip
