"""A day as people write it."""

from __future__ import annotations

import datetime as dt

import pytest

from crm.activities.rules.days import find_day, read_day
from crm.activities.rules.steps import when
from crm.activities.rules.words import When
from crm.core.words import Refused

D = dt.date
FRIDAY = D(2026, 11, 27)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("", None),
        ("今天", FRIDAY),
        ("明天", D(2026, 11, 28)),
        ("后天", D(2026, 11, 29)),
        ("大后天", D(2026, 11, 30)),
        ("周一", D(2026, 11, 30)),
        ("周五", FRIDAY),
        ("本周五", FRIDAY),
        ("本周三", D(2026, 11, 25)),
        ("下周三", D(2026, 12, 2)),
        ("下周日", D(2026, 12, 6)),
        ("下个星期天", D(2026, 12, 6)),
        ("下下周一", D(2026, 12, 7)),
        ("3天后", D(2026, 11, 30)),
        ("两周后", D(2026, 12, 11)),
        ("十天后", D(2026, 12, 7)),
        ("11-30", D(2026, 11, 30)),
        ("11.30", D(2026, 11, 30)),
        ("11月30日", D(2026, 11, 30)),
        ("１１－３０", D(2026, 11, 30)),
        ("1-5", D(2027, 1, 5)),
        ("30日", D(2026, 11, 30)),
        ("5号", D(2026, 12, 5)),
        ("2-29", D(2028, 2, 29)),
        ("2026-12-01", D(2026, 12, 1)),
        ("2026年12月1日", D(2026, 12, 1)),
        ("月底", D(2026, 11, 30)),
        ("下月底", D(2026, 12, 31)),
        ("年底", D(2026, 12, 31)),
        ("tomorrow", D(2026, 11, 28)),
        ("next wed", D(2026, 12, 2)),
        ("monday", D(2026, 11, 30)),
        ("in 3 days", D(2026, 11, 30)),
    ],
)
def test_a_day_is_understood(text: str, day: dt.date | None) -> None:
    assert read_day(text, FRIDAY) == day


@pytest.mark.parametrize(
    ("text", "day"), [("11-20", D(2026, 11, 20)), ("12-1", D(2025, 12, 1)), ("昨天", D(2026, 11, 26))]
)
def test_what_happened_lies_behind(text: str, day: dt.date) -> None:
    assert read_day(text, FRIDAY, is_past=True) == day


@pytest.mark.parametrize(
    "text", ["改天", "13-45", "2-30", "2026-02-30", "9999-12-31", "99999天后", "周八", "0日"]
)
def test_what_is_no_day_is_said(text: str) -> None:
    with pytest.raises(Refused) as refusal:
        read_day(text, FRIDAY)
    assert str(refusal.value)


def test_a_day_is_found_in_a_line() -> None:
    assert find_day("下周三 去看厂房", FRIDAY) == ("去看厂房", D(2026, 12, 2))
    assert find_day("去看厂房 11-30", FRIDAY) == ("去看厂房", D(2026, 11, 30))
    assert find_day("约总经理 谈用地", FRIDAY) == ("约总经理 谈用地", None)
    assert find_day("明天", FRIDAY) == ("明天", None)


def test_the_week_ends_on_sunday() -> None:
    assert [when(FRIDAY + dt.timedelta(days), FRIDAY) for days in (-1, 0, 2, 3)] == [
        When.OVERDUE,
        When.TODAY,
        When.WEEK,
        When.LATER,
    ]
