"""What the priority rule looks at for a candidate, and what it says."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core import settings
from crm.firms.models import EquityRound, Firm, YearFigures
from crm.ladder.models import Certification
from crm.listing.models import Candidate
from crm.listing.rules.priority import GROWTH, INNOVATIVE, Facts, Reason, judge, mean_growth


@dataclass(frozen=True, slots=True)
class Priority:
    """Whether a candidate comes first: by the rule, and as set by hand where somebody did."""

    by_rule: bool
    lines: list[Reason]
    by_hand: bool | None
    reason: str | None

    @property
    def holds(self) -> bool:
        return self.by_rule if self.by_hand is None else self.by_hand


def facts_of(session: Session, candidate: Candidate, today: dt.date) -> Facts:
    """What the rule looks at. Four statements."""
    figures = {
        row.year: row.revenue_yuan
        for row in session.execute(
            sa.select(YearFigures.year, YearFigures.revenue_yuan)
            .where(YearFigures.firm_id == candidate.firm_id, YearFigures.revenue_yuan.is_not(None))
            .order_by(YearFigures.year.desc())
            .limit(6)
        )
    }
    last = next((year for year in sorted(figures, reverse=True) if year - 2 in figures), None)
    growth = None if last is None else mean_growth(figures[last - 2], figures[last])
    held = Certification
    titles = session.scalars(
        sa.select(held.kind)
        .where(
            held.firm_id == candidate.firm_id, held.granted_on <= today,
            sa.or_(held.expires_on.is_(None), held.expires_on >= today),
            sa.or_(held.ended_on.is_(None), held.ended_on > today),
        )
        .distinct()
    )  # fmt: skip
    paid = session.scalar(
        sa.select(sa.func.sum(EquityRound.paid_in_yuan)).where(
            EquityRound.firm_id == candidate.firm_id, EquityRound.on <= today
        )
    )
    years = "" if last is None else f"{last - 2}–{last}"
    industry = session.execute(
        sa.select(Firm.leading_industry).where(Firm.id == candidate.firm_id)
    ).scalar_one()
    return Facts(industry, growth, years, frozenset(titles), None if paid is None else int(paid))


def priority_of(session: Session, candidate: Candidate, today: dt.date) -> Priority:
    """Whether a candidate comes first, line by line."""
    innovative: frozenset[str] = settings.value(session, INNOVATIVE)
    by_rule, lines = judge(
        facts_of(session, candidate, today), growth=settings.value(session, GROWTH),
        innovative=innovative,
    )  # fmt: skip
    return Priority(by_rule, lines, candidate.priority, candidate.priority_reason)
