"""When the mail goes out: two years day by day, hour by hour where it matters; nothing here reads a clock."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy.orm import Session

from crm.core import workdays
from crm.core.transaction import commit
from crm.digest.queries import due_now, next_at, workday_test
from crm.digest.queries.calendar import send_day as day_of
from crm.digest.queries.calendar import years_unknown
from crm.digest.rules.week import ZONE, Times, Week, read_week, send_day, week_due, week_of
from tests import people

DAY = dt.date


def at(day: dt.date, hour: int = 12, minute: int = 0) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(hour, minute), ZONE)


@pytest.mark.parametrize(
    ("monday", "sent"),
    [
        (DAY(2026, 11, 23), DAY(2026, 11, 23)),  # an ordinary week
        (DAY(2026, 9, 28), DAY(2026, 9, 28)),  # before National Day
        (DAY(2026, 10, 5), DAY(2026, 10, 8)),  # Monday to Wednesday still free
        (DAY(2025, 10, 6), DAY(2025, 10, 9)),
        (DAY(2026, 2, 9), DAY(2026, 2, 9)),  # its Saturday is worked too: the Monday counts
        (DAY(2026, 2, 16), None),  # Spring Festival: Monday to Friday free
        (DAY(2026, 2, 23), DAY(2026, 2, 24)),  # its last day is a Monday
        (DAY(2025, 2, 3), DAY(2025, 2, 5)),
        (DAY(2025, 12, 29), DAY(2025, 12, 29)),  # ISO week 1 of 2026
        (DAY(2026, 4, 6), DAY(2026, 4, 7)),  # 清明
    ],
)
def test_a_week_goes_out_on_its_first_working_day(
    session: Session, monday: dt.date, sent: dt.date | None
) -> None:
    assert day_of(session, week_of(monday)) == sent


def test_two_years_hour_by_hour_each_week_is_due_from_its_moment_to_its_end(session: Session) -> None:
    is_workday = workday_test(session)
    day, without = DAY(2025, 1, 1), set()
    while day <= DAY(2026, 12, 31):
        week = week_of(day)
        sent = send_day(week, is_workday)
        if sent is None:
            without.add(week)
            assert not any(is_workday(week.monday + dt.timedelta(n)) for n in range(5))
        else:
            assert is_workday(sent) and week.monday <= sent <= week.monday + dt.timedelta(4)
        for hour, minute in ((0, 0), (8, 29), (8, 30), (23, 59)):
            moment = at(day, hour, minute)
            is_due = sent is not None and moment >= at(sent, 8, 30)
            assert week_due(moment, is_workday) == (week if is_due else None), moment
        day += dt.timedelta(1)
    assert without == {Week(2026, 8)}


def test_a_fortnight_of_downtime_makes_up_the_present_week_once_and_none_before(session: Session) -> None:
    back = at(DAY(2026, 11, 25), 15)  # down since the 11th
    assert due_now(session, back) == Week(2026, 48)
    assert due_now(session, at(DAY(2026, 11, 29), 23, 59)) == Week(2026, 48)
    assert due_now(session, at(DAY(2026, 11, 30), 0, 0)) is None  # the next week's is not due yet


def test_a_worked_saturday_does_not_make_a_week(session: Session) -> None:
    worked = {DAY(2026, 2, 21)}
    assert send_day(Week(2026, 8), lambda day: day in worked) is None


def test_of_a_year_nobody_knows_weekdays_count_and_it_is_said(session: Session) -> None:
    week = week_of(DAY(2027, 10, 4))
    assert day_of(session, week) == DAY(2027, 10, 4)
    assert years_unknown(session, week) == [2027]
    assert years_unknown(session, week_of(DAY(2026, 12, 30))) == [2027]  # it ends in 2027
    assert years_unknown(session, week_of(DAY(2026, 11, 25))) == []
    workdays.set_day(
        session,
        actor=people.actor(session, people.SYSTEM_ADMIN),
        on=DAY(2027, 10, 4),
        is_workday=False,
        name="国庆节",
    )
    commit(session)
    assert day_of(session, week) == DAY(2027, 10, 5)


@pytest.mark.parametrize(
    ("weekday", "free", "sent"),
    [
        (3, set(), 3),
        (3, {3}, 4),
        (5, {5}, 1),
        (3, {3, 4, 5}, 1),
        (1, {1, 2, 3, 4}, 5),
        (2, {1, 2, 3, 4, 5}, None),
    ],
)
def test_another_weekday_may_be_set(weekday: int, free: set[int], sent: int | None) -> None:
    week = Week(2026, 48)
    found = send_day(week, lambda day: day.isoweekday() not in free, weekday)
    assert (found.isoweekday() if found else None) == sent


def test_the_moment_is_shanghais_whatever_the_zone_it_comes_in() -> None:
    sunday_night = dt.datetime(2026, 11, 22, 16, 0, tzinfo=dt.UTC)  # Monday 00:00 in Shanghai
    assert week_due(sunday_night, lambda day: day.weekday() < 5) is None
    assert week_due(sunday_night + dt.timedelta(hours=8.5), lambda day: day.weekday() < 5) == Week(2026, 48)
    before = dt.datetime(2026, 11, 22, 15, 59, 59, tzinfo=dt.UTC)
    assert week_due(before, lambda day: day.weekday() < 5) == Week(2026, 47)


def test_the_next_moment_skips_the_week_without_a_mail(session: Session) -> None:
    assert next_at(session, at(DAY(2026, 2, 9), 8, 30)) == at(DAY(2026, 2, 24), 8, 30)
    assert week_due(at(DAY(2026, 11, 23), 9), workday_test(session), Times(1, 9, 30)) is None


@pytest.mark.parametrize("text", ["2026-W54", "2026-48", "W48", "2026-W", "0-W1", "2026-W00", "二-W1"])
def test_what_is_no_week_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        read_week(text)
    assert read_week(str(Week(2026, 53))) == Week(2026, 53)
