"""The plan's two counts, as of any day: joint-stock reforms and accepted applications since the plan began, by the day
of the document where there is one. A withdrawn application counts by a setting (policy.md § 6.3)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core import settings
from crm.core.permissions import Actor
from crm.core.words import N_
from crm.listing.models import Candidate
from crm.listing.queries.books import BOOKS
from crm.listing.queries.scope import visible_to
from crm.listing.rules.counting import COUNT_WITHDRAWN, PLAN_BEGAN
from crm.listing.rules.words import Stage, State

KINDS = {"reform": (Stage.REFORM, N_("新增股份公司")), "accepted": (Stage.ACCEPTED, N_("上市报会企业"))}


@dataclass(frozen=True, slots=True)
class Counted:
    """A count: the candidates in it; those withdrawn by then, which the setting may have left out of it."""

    key: str
    label: str
    ids: Sequence[int]
    withdrawn: Sequence[int]
    visible: Sequence[int]

    @property
    def count(self) -> int:
        return len(self.ids)

    @property
    def withheld(self) -> int:
        return len(self.ids) - len(self.visible)


DAYS = {"reform": Candidate.reformed_on, "accepted": Candidate.accepted_on}


def counted_where(session: Session, key: str, day: dt.date) -> sa.ColumnElement[bool]:
    """Candidates a count as of a day holds: of the applications those withdrawn by then only when the setting says
    so. Raises `KeyError` for another key."""
    there = DAYS[key].between(PLAN_BEGAN, day)
    if key != "accepted" or settings.value(session, COUNT_WITHDRAWN):
        return there
    return sa.and_(there, Candidate.id.not_in(withdrawn_by(day)))


def withdrawn_where(session: Session, key: str, day: dt.date) -> sa.ColumnElement[bool]:
    """Of those, or of those the setting leaves out, the candidates withdrawn by that day. Raises `KeyError`."""
    return sa.and_(DAYS[key].between(PLAN_BEGAN, day), Candidate.id.in_(withdrawn_by(day)))


def withdrawn_by(day: dt.date) -> sa.Select[Any]:
    """Candidates whose last move by a day left them withdrawn."""
    there = BOOKS.standing_on(day)
    return sa.select(there.c.record_id).where(there.c.state == State.WITHDRAWN)


def counts(session: Session, day: dt.date, *, viewer: Actor) -> list[Counted]:
    """Both counts as of a day. The totals are the same for everybody; `visible` are those this viewer may see."""
    found = []
    for key, (_stage, label) in KINDS.items():

        def which(*where: sa.ColumnElement[bool]) -> list[int]:
            chosen = sa.select(Candidate.id).where(Candidate.archived_on.is_(None), *where)
            return list(session.scalars(chosen.order_by(Candidate.id)))

        counted = counted_where(session, key, day)
        ids, gone = which(counted), which(withdrawn_where(session, key, day))
        found.append(Counted(key, label, ids, gone, which(counted, visible_to(viewer))))
    return found
