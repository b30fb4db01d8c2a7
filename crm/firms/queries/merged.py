"""Firms that were merged into another: where they went, and what a firm has taken in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core.words import N_, Refused
from crm.firms.models import Firm

LONGEST = 50  # firms merged one into the next that are followed


class Merged(Refused):
    """The firm has become part of another, `survivor_id`: pages lead there, forms say so."""

    def __init__(self, firm_id: int, survivor_id: int, name: str, survivor: str) -> None:
        super().__init__(
            N_("「%(name)s」已经并入「%(survivor)s」，请在那里修改。"), name=name, survivor=survivor
        )
        self.firm_id = firm_id
        self.survivor_id = survivor_id


def survivor(session: Session, firm_id: int) -> tuple[int, str]:
    """The firm this one has become part of in the end (itself, when it was not merged): its id and name."""
    here, name = firm_id, ""
    for _ in range(LONGEST):
        row = session.execute(sa.select(Firm.name, Firm.merged_into_id).where(Firm.id == here)).one()
        name = row.name
        if row.merged_into_id is None:
            break
        here = row.merged_into_id
    return here, name


def taken_in(session: Session, firm_id: int) -> Sequence[Any]:
    """The firms merged into this one, the latest first: id, name, code left with them, the day."""
    return session.execute(
        sa.select(Firm.id, Firm.name, Firm.code, Firm.archived_on)
        .where(Firm.merged_into_id == firm_id)
        .order_by(Firm.archived_on.desc(), Firm.id.desc())
        .limit(20)
    ).all()


def with_merged(firm_id: int) -> sa.Select[tuple[int]]:
    """A select of this firm's id and those of all that became part of it, directly or by way of others."""
    found = sa.select(sa.literal(firm_id, Firm.id.type).label("id")).cte("of_firm", recursive=True)
    found = found.union(sa.select(Firm.id).where(Firm.merged_into_id == found.c.id))
    return sa.select(found.c.id)


def merged_codes(session: Session) -> dict[str, int]:
    """Credit codes left with firms that were merged away → the firm they went to in the end. One statement."""
    rows = session.execute(
        sa.select(Firm.id, Firm.code, Firm.merged_into_id).where(Firm.merged_into_id.is_not(None))
    ).all()
    went = {row.id: row.merged_into_id for row in rows}
    found: dict[str, int] = {}
    for row in rows:
        if row.code is not None:
            here = row.id
            while here in went:
                here = went[here]
            found[row.code] = here
    return found
