"""What an entry of the timeline must say."""

from __future__ import annotations

import datetime as dt
import re

from crm.core.words import N_, Refused

LONGEST = 4000
EARLIEST = dt.date(1990, 1, 1)
# not within an e-mail address; the full-width sign is what a Chinese keyboard gives
_MENTION = re.compile(r"(?<![A-Za-z0-9._%+-])[@＠]([\w\u4e00-\u9fff·.-]{2,32})")


def check_happened(on: dt.date | None, today: dt.date) -> dt.date:
    """The day it happened: not tomorrow, and not before anybody was here. Raises `Refused`."""
    if on is None:
        raise Refused(N_("请写发生的日期。"), field="on")
    if on > today:
        raise Refused(N_("发生的日期不能晚于今天。将要做的事请记为下一步。"), field="on")
    if on < EARLIEST:
        raise Refused(N_("%(day)s 太早了，请核对年份。"), day=on, field="on")
    return on


def check_summary(text: str | None) -> str:
    """What happened, in words. Raises `Refused` when it is not said or too long."""
    cleaned = "\n".join(line.rstrip() for line in (text or "").strip().splitlines())
    if not cleaned:
        raise Refused(N_("请写下经过，一句话也可以。"), field="summary")
    if len(cleaned) > LONGEST:
        raise Refused(N_("经过最多 %(most)s 个字，更长的请作为文件上传。"), most=LONGEST, field="summary")
    return cleaned


def mentioned(text: str) -> list[str]:
    """The names behind @ in a text, each once, in their order."""
    return list(dict.fromkeys(match[1] for match in _MENTION.finditer(text)))
