"""What may be typed into the ladder's forms. Pure; a form field calls these and shows the sentence."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable

from crm.core.folding import fold
from crm.core.words import N_, Refused

_INVISIBLE = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
_DAY = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?")


def read_day(text: str) -> dt.date | None:
    """A day, or None for nothing. Raises `Refused`."""
    cleaned = fold(text)
    if not cleaned:
        return None
    found = _DAY.fullmatch(cleaned)
    try:
        if found is None:
            raise ValueError(cleaned)
        return dt.date(*(int(part) for part in found.groups()))
    except ValueError:
        raise Refused(N_("请写成 2024-05-06 这样的日期。")) from None


def read_day_needed(text: str) -> dt.date:
    """A day. Raises `Refused` for nothing."""
    day = read_day(text)
    if day is None:
        raise Refused(N_("请填写日期。"))
    return day


def line(longest: int, *, is_needed: bool = False) -> Callable[[str], str | None]:
    """One line of text of at most so many characters, or None."""

    def read(text: str) -> str | None:
        cleaned = " ".join(_INVISIBLE.sub("", text).split())
        if len(cleaned) > longest:
            raise Refused(N_("最多 %(longest)d 个字符。"), longest=longest)
        if is_needed and not cleaned:
            raise Refused(N_("请填写这一项。"))
        return cleaned or None

    return read


def pasted(text: str) -> str | None:
    """Pasted rows as they are."""
    cleaned = _INVISIBLE.sub("", text)
    return cleaned if cleaned.strip() else None
