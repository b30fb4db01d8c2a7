"""Weeks, and the day a week's mail goes out. Pure: working days and the moment are passed in.

domain.md § Weekly reminders: Monday 08:30 in Shanghai, else the week's first working day; a week without a working
day before its Saturday has no mail, and its items go into the next.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from crm.core.settings.declaring import Section, choice, number
from crm.core.words import N_

ZONE = ZoneInfo("Asia/Shanghai")
SECTION = Section("digest", N_("每周提醒"), "setting:manage")
DAYS = (
    ("1", N_("星期一")), ("2", N_("星期二")), ("3", N_("星期三")), ("4", N_("星期四")), ("5", N_("星期五")),
)  # fmt: skip
DAY = choice(
    SECTION, "digest.weekday", N_("星期几发出"), "1", DAYS,
    hint=N_("这一天休息的，改在其后第一个工作日；星期六前没有工作日的一周不发，内容并入下一周。"),
)  # fmt: skip
HOUR = number(SECTION, "digest.hour", N_("几点发出"), 8, least=0, most=23)
MINUTE = number(SECTION, "digest.minute", N_("几分发出"), 30, least=0, most=59)

IsWorkday = Callable[[dt.date], bool]


@dataclass(frozen=True, slots=True, order=True)
class Week:
    """An ISO week as Shanghai counts it: Monday to Sunday."""

    year: int
    number: int

    def __str__(self) -> str:
        return f"{self.year:04d}-W{self.number:02d}"

    @property
    def monday(self) -> dt.date:
        return dt.date.fromisocalendar(self.year, self.number, 1)

    @property
    def sunday(self) -> dt.date:
        return self.monday + dt.timedelta(6)

    @property
    def after(self) -> Week:
        """The week after this one."""
        return week_of(self.monday + dt.timedelta(7))


@dataclass(frozen=True, slots=True)
class Times:
    """When the mail goes out, as set: weekday 1 (Monday) to 5, and the time of day."""

    weekday: int = 1
    hour: int = 8
    minute: int = 30


def week_of(day: dt.date) -> Week:
    """The week a day lies in."""
    year, week, _weekday = day.isocalendar()
    return Week(year, week)


def read_week(text: str) -> Week:
    """The week that `str(Week)` wrote. Raises `ValueError`."""
    year, mark, number = text.partition("-W")
    if not (mark and year.isascii() and year.isdigit() and number.isascii() and number.isdigit()):
        raise ValueError(text)
    week = Week(int(year), int(number))
    if week_of(week.monday) != week:  # raises for week 54 and year 0
        raise ValueError(text)
    return week


def send_day(week: Week, is_workday: IsWorkday, weekday: int = 1) -> dt.date | None:
    """The day a week's mail goes out: the weekday set, else the first working day behind it, else the week's first;
    None for a week whose Monday to Friday are all free (a Saturday worked instead does not count)."""
    worked = [day for day in (week.monday + dt.timedelta(n) for n in range(5)) if is_workday(day)]
    behind = [day for day in worked if day.isoweekday() >= weekday]
    return next(iter([*behind, *worked]), None)


def week_due(now: dt.datetime, is_workday: IsWorkday, times: Times = Times()) -> Week | None:
    """The week whose mail has to be out by now: this one, from its day and time on until its Sunday is over. What
    was missed in a week before is told in this one. `now` is aware."""
    here = now.astimezone(ZONE)
    week = week_of(here.date())
    day = send_day(week, is_workday, times.weekday)
    if day is None or here < dt.datetime.combine(day, dt.time(times.hour, times.minute), ZONE):
        return None
    return week


def next_sending(now: dt.datetime, is_workday: IsWorkday, times: Times = Times()) -> dt.datetime | None:
    """The next moment a mail goes out after `now`, within the coming half year."""
    here = now.astimezone(ZONE)
    week = week_of(here.date())
    for _ in range(27):
        day = send_day(week, is_workday, times.weekday)
        if day is not None:
            moment = dt.datetime.combine(day, dt.time(times.hour, times.minute), ZONE)
            if moment > here:
                return moment
        week = week.after
    return None
