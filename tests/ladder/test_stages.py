"""Stage intervals are derived from dated facts: examples, and a slow day-by-day oracle."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.ladder.rules.kinds import KINDS, NATIONAL_SME
from crm.ladder.rules.stages import (
    ABOVE_SCALE_CARRY,
    MESSAGES,
    REVENUE_CARRY,
    REVENUE_LINE_YUAN,
    Facts,
    Interval,
    Title,
    derive,
)
from crm.ladder.rules.words import CountsFor, EndCause, Stage

D = dt.date
BORN = (D(2015, 3, 1), True, "registered")


def on(intervals: list[Interval], day: dt.date) -> tuple[Stage, bool] | None:
    for item in intervals:
        if item.from_on <= day and (item.to_on is None or day < item.to_on):
            return item.stage, item.is_pending
    return None


def held(kind: CountsFor, titles: list[Title], day: dt.date) -> bool:
    for title in titles:
        if KINDS[title.kind].counts_for is not kind:
            continue
        if title.granted_on > day or (title.expires_on is not None and title.expires_on < day):
            continue
        if title.ended_on is None or day < title.ended_on:
            return True
    return False


def waits(titles: list[Title], day: dt.date) -> bool:
    """Whether a lapsed national SME is still kept: until 31 December of the year it lapsed in."""
    for title in titles:
        if title.kind != NATIONAL_SME or title.expires_on is None or title.granted_on > title.expires_on:
            continue
        if title.expires_on < day <= D(title.expires_on.year, 12, 31) and (
            title.ended_on is None or day < title.ended_on
        ):
            return True
    return False


def flagged(flags: dict[int, bool], year: int, carry: int) -> bool:
    for back in range(carry + 1):
        if year - back in flags:
            return flags[year - back]
    return False


def oracle(facts: Facts, day: dt.date) -> tuple[Stage, bool] | None:
    """The stage on one day, from the words of domain.md."""
    inside = False
    for since, is_in, _cause in facts.presence:
        if since <= day:
            inside = is_in
    if not inside:
        return None
    titles = list(facts.titles)
    reached = {year: amount >= REVENUE_LINE_YUAN for year, amount in facts.revenue.items()}
    grown = (
        held(CountsFor.SCALE_UP, titles, day)
        or flagged(facts.above_scale, day.year, ABOVE_SCALE_CARRY)
        or flagged(reached, day.year - 1, REVENUE_CARRY)
    )
    if held(CountsFor.HIGH_TECH, titles, day):
        return (Stage.SCALED_UP if grown else Stage.HIGH_TECH_SCALE_UP), False
    if held(CountsFor.SME, titles, day):
        return Stage.SMALL_TO_HIGH_TECH, False
    if waits(titles, day):
        return Stage.SMALL_TO_HIGH_TECH, True
    return Stage.MICRO_GROWTH, False


days = st.dates(D(2018, 1, 1), D(2024, 12, 31))
CODES = ["high-tech", NATIONAL_SME, "tech-sme-provincial", "srdi", "gazelle", "innovative-sme"]


@st.composite
def titles(draw: st.DrawFn) -> Title:
    kind = KINDS[draw(st.sampled_from(CODES))]
    granted_on = draw(days)
    expires_on = kind.expires(granted_on) or draw(st.none() | days)
    ended_on = draw(st.none() | st.dates(granted_on, D(2026, 12, 31)))
    return Title(kind.code, granted_on, expires_on, ended_on, EndCause.REVOKED if ended_on else None)


@st.composite
def facts(draw: st.DrawFn) -> Facts:
    moves = sorted(draw(st.sets(days, min_size=1, max_size=4)))
    return Facts(
        [(day, place % 2 == 0, "moved-in") for place, day in enumerate(moves)],
        draw(st.lists(titles(), max_size=5)),
        draw(st.dictionaries(st.integers(2018, 2024), st.booleans(), max_size=4)),
        draw(st.dictionaries(st.integers(2018, 2024), st.sampled_from([0, 10**8, 10**8 - 1]), max_size=4)),
    )


@settings(max_examples=120, deadline=None)
@given(facts())
def test_intervals_equal_the_day_by_day_oracle(known: Facts) -> None:
    found = derive(known)
    day = D(2017, 12, 25)
    while day < D(2028, 3, 1):
        assert on(found, day) == oracle(known, day), day
        day += dt.timedelta(days=1)


@given(facts())
def test_intervals_are_sorted_do_not_overlap_and_each_says_why(known: Facts) -> None:
    found = derive(known)
    for item in found:
        assert item.to_on is None or item.from_on < item.to_on
        assert item.cause in MESSAGES
    for one, other in pairwise(found):
        assert one.to_on is not None and one.to_on <= other.from_on
        if one.to_on == other.from_on:
            assert (one.stage, one.is_pending) != (other.stage, other.is_pending)


def test_a_certificate_moves_a_firm_up_and_its_lapse_back() -> None:
    found = derive(
        Facts([BORN], [Title("high-tech", D(2023, 12, 8), D(2026, 12, 7), number="GR202333000001")])
    )
    assert [(item.from_on, item.stage, item.cause) for item in found] == [
        (D(2015, 3, 1), Stage.MICRO_GROWTH, "registered"),
        (D(2023, 12, 8), Stage.HIGH_TECH_SCALE_UP, "granted"),
        (D(2026, 12, 8), Stage.MICRO_GROWTH, "expired"),
    ]
    assert found[1].params == {"kind": "high-tech", "on": "2023-12-08", "number": "GR202333000001"}
    assert found[2].to_on is None


def test_a_national_sme_lapses_on_31_march_and_waits_until_31_december() -> None:
    kind = KINDS[NATIONAL_SME]
    granted = D(2025, 12, 1)
    assert kind.expires(granted) == D(2026, 3, 31)
    found = derive(Facts([BORN], [Title(kind.code, granted, kind.expires(granted))]))
    assert [(item.from_on, item.stage, item.is_pending) for item in found[1:]] == [
        (D(2025, 12, 1), Stage.SMALL_TO_HIGH_TECH, False),
        (D(2026, 4, 1), Stage.SMALL_TO_HIGH_TECH, True),
        (D(2027, 1, 1), Stage.MICRO_GROWTH, False),
    ]
    assert [item.cause for item in found[1:]] == ["granted-unnumbered", "pending", "pending-over"]


def test_a_scale_up_title_without_a_high_tech_certificate_is_no_stage() -> None:
    found = derive(Facts([BORN], [Title("little-giant", D(2024, 1, 1), D(2026, 12, 31))]))
    assert [item.stage for item in found] == [Stage.MICRO_GROWTH]


@pytest.mark.parametrize("scale", [{"above_scale": {2025: True}}, {"revenue": {2024: 10**8}}])
def test_above_scale_or_revenue_makes_a_high_tech_firm_scaled_up(scale: dict[str, dict[int, int]]) -> None:
    known = Facts([BORN], [Title("high-tech", D(2024, 6, 1), D(2027, 5, 31))], **scale)  # type: ignore[arg-type]
    found = derive(known)
    assert on(found, D(2024, 12, 31)) == (Stage.HIGH_TECH_SCALE_UP, False)
    assert on(found, D(2025, 1, 1)) == (Stage.SCALED_UP, False)
    assert on(found, D(2027, 1, 1)) == (Stage.HIGH_TECH_SCALE_UP, False)


def test_a_firm_has_no_stage_once_it_has_moved_out() -> None:
    known = Facts(
        [BORN, (D(2024, 5, 1), False, "moved-out")], [Title("high-tech", D(2023, 1, 1), D(2025, 12, 31))]
    )
    found = derive(known)
    assert found[-1].to_on == D(2024, 5, 1)
    assert on(found, D(2024, 5, 1)) is None


def test_a_renewal_on_the_day_after_leaves_no_gap() -> None:
    old = Title("high-tech", D(2020, 12, 1), D(2023, 11, 30))
    new = Title("high-tech", D(2023, 12, 1), D(2026, 11, 30))
    assert len(derive(Facts([BORN], [old, new]))) == 3


def test_a_leap_day_certificate_ends_on_28_february() -> None:
    assert KINDS["high-tech"].expires(D(2024, 2, 29)) == D(2027, 2, 28)
