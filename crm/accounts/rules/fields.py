"""What may be typed into the fields of people and units, on screen and by command."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata

from crm.accounts.rules.sign_in import check_username
from crm.core.words import N_, Refused

_DAY = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?")
_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_INVISIBLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


def read_text(typed: str, top: int) -> str:
    """One line without control characters and surrounding spaces, filled in and not longer than the column."""
    value = " ".join(_INVISIBLE.sub("", typed).split())
    if not value:
        raise Refused(N_("请填写这一项。"))
    if len(value) > top:
        raise Refused(N_("最多 %(n)s 个字。"), n=top)
    return value


def read_name(typed: str) -> str:
    """A person's name."""
    return read_text(typed, 60)


def read_unit_name(typed: str) -> str:
    return read_text(typed, 80)


def read_short_name(typed: str) -> str:
    return read_text(typed, 40)


def read_reason(typed: str) -> str:
    return read_text(typed, 200)


def read_username(typed: str) -> str:
    """An account name as typed; whether it can be one is `check_username`'s question."""
    value = read_text(typed, 64)
    check_username(value)
    return value


def read_email(typed: str) -> str | None:
    """Where mails go; nothing typed is None."""
    value = _INVISIBLE.sub("", unicodedata.normalize("NFKC", typed)).strip()
    if not value:
        return None
    if len(value) > 200 or not _EMAIL.fullmatch(value):
        raise Refused(N_("请填一个邮箱地址，如 wang.li@example.gov.cn。"))
    return value


def read_day(typed: str) -> dt.date | None:
    """A day as ISO, with slashes or in Chinese; nothing typed is None."""
    text = typed.strip()
    if not text:
        return None
    found = _DAY.fullmatch(text)
    try:
        day = dt.date(*(int(part) for part in found.groups())) if found else None
    except ValueError:
        day = None
    if day is None or not 1900 <= day.year <= 2100:
        raise Refused(N_("请填一个日期，如 2026-11-23。"))
    return day


def read_day_needed(typed: str) -> dt.date:
    """As `read_day`, and it must be there."""
    day = read_day(typed)
    if day is None:
        raise Refused(N_("请填写这一项。"))
    return day
