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
    """A count: the candidates in it, those of them that were withdrawn by then."""

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
    """Candidates a count as of a day holds, with ``-withdrawn`` behind its key those of them withdrawn by then. Raises
    `KeyError` for another key."""
    kind, _, part = key.partition("-")
    if part not in ("", "withdrawn"):
        raise KeyError(key)
    clauses = [DAYS[kind].between(PLAN_BEGAN, day)]
    if part:
        clauses.append(Candidate.id.in_(withdrawn_by(day)))
    if kind == "accepted" and not settings.value(session, COUNT_WITHDRAWN):
        clauses.append(Candidate.id.not_in(withdrawn_by(day)))
    return sa.and_(*clauses)


def withdrawn_by(day: dt.date) -> sa.Select[Any]:
    """Candidates whose last move by a day left them withdrawn."""
    there = BOOKS.standing_on(day)
    return sa.select(there.c.record_id).where(there.c.state == State.WITHDRAWN)


def counts(session: Session, day: dt.date, *, viewer: Actor) -> list[Counted]:
    """Both counts as of a day. The totals are the same for everybody; `visible` are those this viewer may see."""
    found = []
    for key, (_stage, label) in KINDS.items():
        ids = list(
            session.scalars(
                sa.select(Candidate.id)
                .where(counted_where(session, key, day), Candidate.archived_on.is_(None))
                .order_by(Candidate.id)
            )
        )
        gone = set(session.scalars(withdrawn_by(day))).intersection(ids)
        seen = set(session.scalars(sa.select(Candidate.id).where(Candidate.id.in_(ids), visible_to(viewer))))
        found.append(
            Counted(
                key,
                label,
                ids,
                [each for each in ids if each in gone],
                [each for each in ids if each in seen],
            )
        )
    return found
