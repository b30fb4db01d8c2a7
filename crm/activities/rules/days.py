"""A day as people write it: 明天, 下周三, 11-30, 3天后, 月底. Read against a given day, towards the future."""

from __future__ import annotations

import datetime as dt
import re

from crm.core.folding import fold
from crm.core.words import N_, Refused

NEAR = {
    "今天": 0,
    "今日": 0,
    "today": 0,
    "明天": 1,
    "明日": 1,
    "明": 1,
    "tomorrow": 1,
    "后天": 2,
    "大后天": 3,
}
WEEKDAYS = {
    **{mark: n for n, mark in enumerate("一二三四五六日")}, "天": 6,
    **{mark: n for n, mark in enumerate("1234567")},
}  # fmt: skip
ENGLISH = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
UNITS = {"天": 1, "日": 1, "d": 1, "day": 1, "days": 1, "周": 7, "星期": 7, "w": 7, "week": 7, "weeks": 7}
NUMBERS = {mark: n for n, mark in enumerate("一二三四五六七八九十", 1)} | {"两": 2}

_WEEKDAY = re.compile(r"(下下|下个?|本|这个?|上个?)?(?:周|星期|礼拜)([一二三四五六日天1-7])")
_ENGLISH = re.compile(r"(next)? ?(mon|tue|wed|thu|fri|sat|sun)[a-z]*")
_AFTER = re.compile(
    r"(?:in)? ?(\d{1,3}|[一二三四五六七八九十两])个? ?"
    r"(?:(天|日|周|星期)(?:后|之后|以后)|(d|days?|w|weeks?)(?: ?later)?)"
)
_FULL = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?")
_SHORT = re.compile(r"(\d{1,2})[-/.月](\d{1,2})[日号]?")
_DAY_ONLY = re.compile(r"(\d{1,2})[日号]")
LATEST = 5 * 366


def read_day(text: str, today: dt.date, *, is_past: bool = False) -> dt.date | None:
    """The day a text means, seen from `today`; None for an empty one.

    A day without a year is the next one to come, or with `is_past` (when did it happen) the last one that was.
    Raises `Refused` for what is no day, and for one more than five years away.
    """
    word = fold(text).strip()
    if not word:
        return None
    found = _near(word, today, is_past) or _weekday(word, today) or _written(word, today, is_past)
    if found is None:
        raise Refused(
            N_("看不懂「%(text)s」是哪一天。可以写 明天、下周三、11-30 或 2026-11-30。"), text=text[:40]
        )
    if abs((found - today).days) > LATEST:
        raise Refused(N_("%(day)s 离今天太远了，请核对年份。"), day=found)
    return found


def find_day(text: str, today: dt.date) -> tuple[str, dt.date | None]:
    """A line such as 「下周三 去看厂房」 as (what, day): a day at its beginning or end is taken out of it."""
    words = text.split()
    for place in (0, len(words) - 1) if len(words) > 1 else ():
        try:
            day = read_day(words[place], today)
        except Refused:
            continue
        return " ".join(words[:place] + words[place + 1 :]), day
    return text.strip(), None


def _near(word: str, today: dt.date, is_past: bool) -> dt.date | None:
    if word in NEAR:
        return today + dt.timedelta(NEAR[word])
    if word in ("昨天", "昨日", "yesterday"):
        return today - dt.timedelta(1)
    if word == "前天":
        return today - dt.timedelta(2)
    if word in ("月底", "本月底"):
        return _end_of_month(today)
    if word in ("年底", "本年底"):
        return dt.date(today.year, 12, 31)
    if word == "下月底":
        return _end_of_month(_end_of_month(today) + dt.timedelta(1))
    match = _AFTER.fullmatch(word)
    if match:
        raw = match[1]
        count = int(raw) if raw.isdigit() else NUMBERS[raw]
        days = count * UNITS[match[2] or match[3]]
        if days > LATEST:
            return None
        return today + dt.timedelta(days)
    return None


def _weekday(word: str, today: dt.date) -> dt.date | None:
    monday = today - dt.timedelta(today.weekday())
    match = _WEEKDAY.fullmatch(word)
    if match:
        which, day = match[1] or "", WEEKDAYS[match[2]]
        weeks = {"下下": 2, "下": 1, "下个": 1, "上": -1, "上个": -1}.get(which, 0)
        found = monday + dt.timedelta(7 * weeks + day)
        # 「周三」 said on a Friday is the one to come
        return found + dt.timedelta(7) if not which and found < today else found
    match = _ENGLISH.fullmatch(word)
    if match:
        found = monday + dt.timedelta(ENGLISH.index(match[2]) + (7 if match[1] else 0))
        return found + dt.timedelta(7) if not match[1] and found < today else found
    return None


def _written(word: str, today: dt.date, is_past: bool) -> dt.date | None:
    match = _FULL.fullmatch(word)
    if match:
        return _date(int(match[1]), int(match[2]), int(match[3]))
    match = _SHORT.fullmatch(word)
    if match:
        years = (today.year, today.year - 1) if is_past else (today.year, today.year + 1, today.year + 2)
        for year in (*years, *range(today.year + 3, today.year + 8)):  # 29 February comes when it comes
            found = _date(year, int(match[1]), int(match[2]))
            if found is not None and (found <= today if is_past else found >= today):
                return found
        return None
    match = _DAY_ONLY.fullmatch(word)
    if match:
        month = dt.date(today.year, today.month, 1)
        for _ in range(3):
            found = _date(month.year, month.month, int(match[1]))
            if found is not None and (found <= today if is_past else found >= today):
                return found
            month = month - dt.timedelta(1) if is_past else _end_of_month(month) + dt.timedelta(1)
            month = month.replace(day=1)
    return None


def _date(year: int, month: int, day: int) -> dt.date | None:
    try:
        return dt.date(year, month, day)
    except ValueError:
        return None


def _end_of_month(day: dt.date) -> dt.date:
    following = (day.replace(day=28) + dt.timedelta(4)).replace(day=1)
    return following - dt.timedelta(1)
