"""A slip of the year is no day of the reserve: neither one that has come nor one that is planned."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy.orm import Session

from crm.core.clock import today
from crm.core.pipeline.declaring import check_past, check_planned
from crm.core.words import Refused
from crm.listing import actions
from crm.listing.rules.words import Market, Stage
from tests.listing.cast import ROBOT, a_candidate

DAY = dt.date(2026, 11, 27)
SLIPS = [dt.date.min, dt.date(226, 3, 1), dt.date(1949, 12, 31)]


@pytest.mark.parametrize("day", SLIPS)
def test_a_day_before_anybody_was_here_has_not_come(day: dt.date) -> None:
    with pytest.raises(Refused, match="太早") as refused:
        check_past(day, DAY, "from_on")
    assert refused.value.field == "from_on"


@pytest.mark.parametrize("day", [*SLIPS, dt.date(2101, 1, 1), dt.date.max])
def test_nobody_plans_with_a_day_out_of_reach(day: dt.date) -> None:
    with pytest.raises(Refused, match="请核对年份"):
        check_planned(day)


@pytest.mark.parametrize("day", [dt.date(1950, 1, 1), dt.date(2024, 2, 29), DAY])
def test_a_day_of_these_times_is_fine(day: dt.date) -> None:
    check_past(day, DAY)
    check_planned(day)


def test_stays_and_plans_of_a_candidate_refuse_it(session: Session) -> None:
    candidate = a_candidate(session, 1)
    with pytest.raises(Refused, match="太早"):
        actions.stay(
            session, candidate, actor=ROBOT, today=today(), market=next(iter(Market)), from_on=dt.date.min
        )
    for day in (dt.date.min, dt.date.max):
        with pytest.raises(Refused, match="请核对年份"):
            actions.plan(session, candidate, actor=ROBOT, stage=Stage.REFORM, on=day)
