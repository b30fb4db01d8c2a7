"""Which firms a page of the ladder is about, as conditions that the indexes answer."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.elements import True_

from crm.core.permissions import Actor
from crm.firms.models import Firm
from crm.firms.queries import visible_to
from crm.firms.rules.words import LeadingIndustry
from crm.ladder.models import Application, StageInterval

# EXISTS (SELECT *) would read the rows where the index says enough
ONE: sa.ColumnElement[Any] = sa.literal_column("1")


@dataclass(frozen=True, slots=True)
class Within:
    """Which firms a page of the ladder is about; None is all of them."""

    as_of: dt.date
    industry: LeadingIndustry | None = None
    street_id: int | None = None
    officer_id: int | None = None
    candidates_only: bool = False

    def where(self, viewer: Actor) -> list[sa.ColumnElement[bool]]:
        """Conditions on `Firm`."""
        clauses = [visible_to(viewer)]
        if self.industry is not None:
            clauses.append(Firm.leading_industry == self.industry)
        if self.street_id is not None:
            clauses.append(
                Firm.street_id.is_(None) if self.street_id == 0 else Firm.street_id == self.street_id
            )
        if self.officer_id is not None:
            clauses.append(
                Firm.officer_id.is_(None) if self.officer_id == 0 else Firm.officer_id == self.officer_id
            )
        if self.candidates_only:
            clauses.append(Firm.id.in_(sa.select(Application.firm_id).where(open_on(self.as_of))))
        return clauses

    def of(self, firm_id: InstrumentedAttribute[int], viewer: Actor) -> list[sa.ColumnElement[bool]]:
        """The same conditions on a column that holds a firm's id; none of them joins the firms."""
        seen = visible_to(viewer)
        everybody = replace(self, industry=None) if firm_id.class_ is StageInterval else self
        clauses = everybody.where(viewer)
        found: list[sa.ColumnElement[bool]] = []
        if len(clauses) > 1 or not isinstance(seen, True_):
            found.append(firm_id.in_(sa.select(Firm.id).where(*clauses)))
        if everybody is not self and self.industry is not None:
            found.append(StageInterval.industry == self.industry)
        return found

    @property
    def is_narrow(self) -> bool:
        """Whether it is about a small part of the firms."""
        return self.street_id is not None or self.officer_id is not None or self.candidates_only


def open_on(as_of: dt.date) -> sa.ColumnElement[bool]:
    """Applications that were under way on a day."""
    return sa.and_(
        Application.opened_on <= as_of, sa.or_(Application.closed_on.is_(None), Application.closed_on > as_of)
    )
