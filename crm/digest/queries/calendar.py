"""When the mail goes out, with the settings and the table of holidays as they are."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.orm import Session

from crm.core import settings, workdays
from crm.digest.rules import week as law
from crm.digest.rules.week import IsWorkday, Times, Week


def times_of(session: Session) -> Times:
    """The weekday and time of day set."""
    return Times(
        int(settings.value(session, law.DAY)),
        settings.value(session, law.HOUR),
        settings.value(session, law.MINUTE),
    )


def workday_test(session: Session) -> IsWorkday:
    """Whether a day is worked, from the table of holidays; of a year it does not know weekdays alone are."""
    days = workdays.table(session)
    return lambda day: workdays.is_working(day, days)


def due_now(session: Session, now: dt.datetime) -> Week | None:
    """The week whose mail has to be out by now, None before its time and in a week without one."""
    return law.week_due(now, workday_test(session), times_of(session))


def send_day(session: Session, week: Week) -> dt.date | None:
    """The day this week's mail goes out; None for a week without one."""
    return law.send_day(week, workday_test(session), times_of(session).weekday)


def next_at(session: Session, now: dt.datetime) -> dt.datetime | None:
    """The next moment a mail goes out."""
    return law.next_sending(now, workday_test(session), times_of(session))


def years_unknown(session: Session, week: Week) -> list[int]:
    """Years of this week of whose holidays nothing is known: there the mail goes by weekdays alone."""
    return workdays.unknown_years(session, {week.monday.year, week.sunday.year})
