"""Chinese working days: weekdays, but for the days the State Council's yearly notice moves (调休).

The office's own table `holidays` holds the days that differ from their weekday, seeded from chinesecalendar and edited
on a page. For a year of which nothing is known weekdays alone are taken, and pages say so.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

import chinese_calendar
import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from crm.core import audit
from crm.core.db import Model, Pk, Stamped, Versioned
from crm.core.permissions import Actor
from crm.core.words import N_, Conflict, Refused

FIRST = 2015  # the first year seeded
YEARS = range(2000, 2101)  # in which days are set: the page shows no other
CACHE = "workdays"
MOST = 400  # working days reckoned at once


class Holiday(Versioned, Stamped, Model):
    """A day that differs from its weekday: a weekday that is free, a Saturday or Sunday that is worked."""

    __tablename__ = "holidays"
    __label__ = N_("节假日")
    id: Mapped[Pk]
    on: Mapped[dt.date] = mapped_column("day", unique=True)
    is_workday: Mapped[bool]
    name: Mapped[str] = mapped_column(sa.String(40))


def known_years() -> range:
    """The years the package knows."""
    years = [day.year for day in chinese_calendar.constants.holidays]
    return range(max(FIRST, min(years)), max(years) + 1)


def of_year(year: int) -> list[dict[str, Any]]:
    """The days of a year that differ from their weekday, as the package knows them; none for a year it does not."""
    found = []
    for days, is_workday in (
        (chinese_calendar.constants.holidays, False),
        (chinese_calendar.constants.workdays, True),
    ):
        for day, name in days.items():
            if day.year == year and (day.weekday() >= 5) == is_workday:
                found.append({"on": day, "is_workday": is_workday, "name": NAMES.get(name, name)[:40]})
    return sorted(found, key=lambda row: row["on"])


NAMES = {
    "New Year's Day": "元旦", "Spring Festival": "春节", "Tomb-sweeping Day": "清明节", "Labour Day": "劳动节",
    "Dragon Boat Festival": "端午节", "National Day": "国庆节", "Mid-autumn Festival": "中秋节",
    "Anti-Fascist 70th Day": "抗战胜利七十周年",
}  # fmt: skip


def table(session: Session) -> dict[dt.date, bool]:
    """The days that differ from their weekday: day → is it worked. Read once a transaction."""
    here = session.get_transaction()
    kept = session.info.get(CACHE)
    if kept is None or here is None or kept[0] is not here:
        rows = session.execute(sa.select(Holiday.on, Holiday.is_workday))
        found = {row.on: row.is_workday for row in rows}
        kept = session.info[CACHE] = (session.get_transaction(), found)
    days: dict[dt.date, bool] = kept[1]
    return days


def is_working(day: dt.date, days: Mapping[dt.date, bool]) -> bool:
    """Whether a day is worked, given those that differ from their weekday."""
    return days.get(day, day.weekday() < 5)


def is_workday(session: Session, day: dt.date) -> bool:
    """Whether a day is worked."""
    return is_working(day, table(session))


def add_workdays(session: Session, day: dt.date, count: int) -> dt.date:
    """The working day so many working days after a day; with 0 the day itself, or the next that is worked."""
    return later(day, count, table(session))


def later(day: dt.date, count: int, days: Mapping[dt.date, bool]) -> dt.date:
    """As `add_workdays`, from a table in hand. Raises `ValueError` for a count that is negative or too large."""
    if not 0 <= count <= MOST:
        raise ValueError(f"{count} working days")
    found = day
    if count == 0:
        while not is_working(found, days):
            found += dt.timedelta(1)
        return found
    while count:
        found += dt.timedelta(1)
        if is_working(found, days):
            count -= 1
    return found


def unknown_years(session: Session, years: Iterable[int]) -> list[int]:
    """Of these years those of which nothing is known: there only weekdays count."""
    known = {day.year for day in table(session)}
    return sorted({year for year in years if year not in known})


def year_of(session: Session, year: int) -> list[Holiday]:
    """The days of a year that differ from their weekday."""
    return list(
        session.scalars(
            sa.select(Holiday)
            .where(Holiday.on.between(dt.date(year, 1, 1), dt.date(year, 12, 31)))
            .order_by(Holiday.on)
        )
    )


def set_day(
    session: Session, *, actor: Actor, on: dt.date, is_workday: bool, name: str, version: int | None = None
) -> Holiday:
    """Say that a day is worked, or free. `version` of the day as it was seen (0: not set). Raises `Conflict`, and
    `Refused` for what its weekday says already."""
    actor.require("setting:manage")
    called = " ".join(name.split())[:40]
    if not called:
        raise Refused(N_("请写明是什么日子。"), field="name")
    if on.year not in YEARS:
        text = (
            N_("%(day)s 太早了，请核对年份。")
            if on.year < YEARS.start
            else N_("%(day)s 太远了，请核对年份。")
        )
        raise Refused(text, day=on, field="on")
    if (on.weekday() < 5) == is_workday:
        text = (
            N_("%(day)s 本来就是工作日，不用设定。") if is_workday else N_("%(day)s 本来就休息，不用设定。")
        )
        raise Refused(text, day=on, field="is_workday")
    row = session.execute(sa.select(Holiday).where(Holiday.on == on)).scalar_one_or_none()
    if version is not None and (0 if row is None else row.version) != version:
        raise Conflict(N_("这一天刚刚被别人改过，请核对后再保存。"))
    audit.begin(session, actor=actor, action="holiday.set", day=on.isoformat())
    if row is None:
        row = Holiday(on=on)
        session.add(row)
    row.is_workday, row.name = is_workday, called
    session.flush()
    session.info.pop(CACHE, None)
    return row


def drop_day(session: Session, row: Holiday, *, actor: Actor, version: int | None = None) -> None:
    """The day is as its weekday says. Raises `Conflict`."""
    actor.require("setting:manage")
    if version is not None and row.version != version:
        raise Conflict(N_("这一天刚刚被别人改过，请核对后再保存。"))
    audit.begin(session, actor=actor, action="holiday.drop", day=row.on.isoformat())
    session.delete(row)
    session.flush()
    session.info.pop(CACHE, None)


def seed_year(session: Session, *, actor: Actor, year: int) -> int:
    """Add the days of a year as the package knows them, those set by hand left alone. Returns how many; raises
    `Refused` for a year it does not know."""
    actor.require("setting:manage")
    rows = of_year(year)
    if not rows:
        raise Refused(N_("软件里还没有 %(year)s 年的节假日，请按国务院办公厅的通知逐日设定。"), year=year)
    known = {row.on for row in year_of(session, year)}
    audit.begin(session, actor=actor, action="holiday.seed", year=year)
    fresh = [row for row in rows if row["on"] not in known]
    audit.insert_many(session, Holiday, fresh)
    session.info.pop(CACHE, None)
    return len(fresh)
