"""Which firms a page of the ladder is about, as conditions that the indexes answer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
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


def day_of(text: str | None, otherwise: dt.date) -> dt.date:
    """A day of a query string; one that cannot be read is the other."""
    try:
        day = dt.date.fromisoformat(text or "")
    except ValueError:
        return otherwise
    return day if 1990 <= day.year <= 2100 else otherwise


def within_of(args: Mapping[str, str], day: dt.date, viewer: Actor) -> Within:
    """Which firms the query string asks for; what it does not know is everybody."""
    known = {member.value: member for member in LeadingIndustry}
    return Within(
        as_of=day_of(args.get("as_of"), day),
        industry=known.get(args.get("industry", "")),
        street_id=_id(args.get("street")),
        officer_id=viewer.user_id if args.get("officer") == "me" else _id(args.get("officer")),
        candidates_only=args.get("show") == "candidates",
    )


def _id(text: str | None) -> int | None:
    if text == "none":
        return 0
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 16 and int(text) else None


def query_of(within: Within, day: dt.date) -> dict[str, str]:
    """The query string of these firms, without what is the default."""
    query: dict[str, str] = {}
    if within.as_of != day:
        query["as_of"] = within.as_of.isoformat()
    if within.industry is not None:
        query["industry"] = within.industry.value
    for key, value in (("street", within.street_id), ("officer", within.officer_id)):
        if value is not None:
            query[key] = str(value) if value else "none"
    if within.candidates_only:
        query["show"] = "candidates"
    return query
