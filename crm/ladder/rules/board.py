"""What the board asks of each stage: which titles lead on from it, and how near an expiry is. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from crm.core.months import add_months
from crm.core.words import N_
from crm.ladder.rules.kinds import KINDS, add_years, codes_for
from crm.ladder.rules.words import CountsFor, Stage

# the move each stage helps a firm make, and the titles that make it
AIMS: Mapping[Stage, str] = {
    Stage.MICRO_GROWTH: N_("争取科技型中小企业"),
    Stage.SMALL_TO_HIGH_TECH: N_("争取高新技术企业"),
    Stage.HIGH_TECH_SCALE_UP: N_("争取规上、专精特新等"),
    Stage.SCALED_UP: N_("持续关注，失效即退回"),
}
NEXT_KINDS: Mapping[Stage, tuple[str, ...]] = {
    Stage.MICRO_GROWTH: (*codes_for(CountsFor.SME), *codes_for(CountsFor.HIGH_TECH)),
    Stage.SMALL_TO_HIGH_TECH: codes_for(CountsFor.HIGH_TECH),
    Stage.HIGH_TECH_SCALE_UP: codes_for(CountsFor.SCALE_UP),
    Stage.SCALED_UP: codes_for(CountsFor.SCALE_UP),
}
RED_DAYS, YELLOW_MONTHS, NOTICE_MONTHS = 30, 6, 12
EXPIRING = tuple(kind.code for kind in KINDS.values() if kind.years is not None)


def light(expires_on: dt.date | None, as_of: dt.date) -> str | None:
    """The light of a certificate: red within 30 days of its end, yellow within six months, else green."""
    if expires_on is None:
        return None
    if expires_on <= as_of + dt.timedelta(days=RED_DAYS):
        return "r"
    return "y" if expires_on <= add_months(as_of, YELLOW_MONTHS) else "g"


def yearly_report_due(as_of: dt.date) -> dt.date:
    """The next 31 May: high-tech enterprises report on the year before (国科发火〔2016〕32号 第13条)."""
    due = dt.date(as_of.year, 5, 31)
    return due if due >= as_of else add_years(due, 1)


REPORT_DUE = (5, 31)
REPORT_ASKED = (3, 1)  # from when on people are reminded of it


def report_years(day: dt.date) -> tuple[int, ...]:
    """The years a yearly report can be entered for: the one to be reported now, and the one before it, which counts
    where a second missed year revokes the title."""
    return day.year - 1, day.year - 2


def report_missed(day: dt.date) -> int:
    """The latest year whose report is overdue."""
    return day.year - 1 if day > dt.date(day.year, *REPORT_DUE) else day.year - 2
