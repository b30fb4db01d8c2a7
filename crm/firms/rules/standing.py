"""Small laws about firms: what a rename asks for, how a contact is masked, where a firm's record may be edited. Pure."""

from __future__ import annotations

import datetime as dt

from crm.core.folding import legible
from crm.core.words import N_, Refused

RENAME_REPORT_MONTHS = 3  # 高新技术企业认定管理工作指引: report a change of name within three months
FIRST_YEAR = 1990


def rename_report_due(on: dt.date) -> dt.date:
    """The last day to report a rename of a high-tech enterprise."""
    month = on.month - 1 + RENAME_REPORT_MONTHS
    year, month = on.year + month // 12, month % 12 + 1
    last = (dt.date(year + month // 12, month % 12 + 1, 1) - dt.timedelta(days=1)).day
    return dt.date(year, month, min(on.day, last))


def check_past(day: dt.date | None, today: dt.date, field: str) -> None:
    """Raises `Refused` for a day that has not come yet."""
    if day is not None and day > today:
        raise Refused(N_("日期不能晚于今天 %(today)s。"), today=today, field=field)


def check_year(year: int, today: dt.date) -> None:
    """Raises `Refused` for a year figures cannot exist for yet."""
    if not FIRST_YEAR <= year <= today.year:
        raise Refused(
            N_("年度应在 %(first)d 到 %(last)d 之间。"), first=FIRST_YEAR, last=today.year, field="year"
        )


def check_reason(reason: str | None, field: str = "reason") -> str:
    """A reason in words. Raises `Refused` when it is missing."""
    text = legible(reason)
    if len(text) < 2:
        raise Refused(N_("请写明原因。"), field=field)
    if len(text) > 200:
        raise Refused(
            N_("有 %(length)d 个字符，最多 %(longest)d 个。"), length=len(text), longest=200, field=field
        )
    return text


def mask_phone(phone: str | None) -> str | None:
    """138****5678; a shorter number keeps its last two digits."""
    if not phone:
        return None
    digits = "".join(c for c in phone if c.isdigit())
    if len(digits) == 13 and digits.startswith("86"):
        digits = digits[2:]
    if len(digits) >= 11:
        return f"{digits[:3]}****{digits[-4:]}"
    return "****" + digits[-2:]


def mask_mail(mail: str | None) -> str | None:
    """z***@example.com"""
    if not mail:
        return None
    name, _, host = mail.partition("@")
    return f"{name[:1]}***@{host}"


def mask_person(name: str | None) -> str | None:
    """A surname with 女士/先生 unknown: 林**."""
    return f"{name[:1]}{'*' * max(1, min(2, len(name) - 1))}" if name else None
