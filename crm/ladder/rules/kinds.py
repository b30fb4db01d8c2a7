"""Certification kinds, read from `kinds.toml`: validity, number format, what a title counts for. Pure."""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crm.core.folding import fold
from crm.core.words import N_, Named, Refused
from crm.ladder.rules.words import CountsFor, KindGroup, KindLevel

_DATA: dict[str, Any] = tomllib.loads((Path(__file__).parents[1] / "kinds.toml").read_text(encoding="utf-8"))

MonthDay = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of certification. Either `years`, or `until` (a day of the next year), or no known end."""

    code: str
    name: Named
    short: Named
    group: KindGroup
    level: KindLevel
    counts_for: CountsFor
    years: int | None
    until: MonthDay | None
    pending_until: MonthDay | None
    is_list_only: bool
    number: re.Pattern[str] | None
    example: str | None
    renewal_days: int
    yearly_report: MonthDay | None
    rename_report_days: int | None
    document: str
    verified: str

    def expires(self, granted_on: dt.date) -> dt.date | None:
        """The last valid day of a certificate granted on this day; None when no end is known."""
        if self.years is not None:
            return add_years(granted_on, self.years) - dt.timedelta(days=1)
        if self.until is not None:
            return dt.date(granted_on.year + 1, *self.until)
        return None

    def pending_end(self, expires_on: dt.date | None) -> dt.date | None:
        """The last day a lapsed title is kept as 待复评, or None when this kind has no such time."""
        if self.pending_until is None or expires_on is None:
            return None
        return dt.date(expires_on.year, *self.pending_until)

    def read_number(self, text: str | None) -> str | None:
        """A certificate number as it is kept: half width, upper case, no spaces. Raises `Refused` when the
        format of this kind is known and the number does not have it."""
        cleaned = re.sub(r"\s+", "", fold(text or "")).upper()
        if not cleaned or set(cleaned) <= set("-—/"):
            return None
        if len(cleaned) > 80:
            raise Refused(N_("证书编号最多 80 个字符。"), field="number")
        if self.number is not None and not self.number.fullmatch(cleaned):
            raise Refused(
                N_("「%(number)s」不是%(kind)s的编号格式，正确的例子：%(example)s。"),
                number=cleaned,
                kind=self.name,
                example=self.example or "",
                field="number",
            )
        return cleaned


def add_years(day: dt.date, years: int) -> dt.date:
    """The same day that many years later; 29 February becomes 1 March where there is none."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return dt.date(day.year + years, 3, 1)


def _day(text: str | None) -> MonthDay | None:
    if text is None:
        return None
    month, day = text.split("-")
    return int(month), int(day)


def _kind(row: Mapping[str, Any]) -> Kind:
    pattern = row.get("number")
    return Kind(
        code=row["code"],
        name=Named(row["zh"], row["en"]),
        short=Named(row["short_zh"], row["short_en"]),
        group=KindGroup(row["group"]),
        level=KindLevel(row["level"]),
        counts_for=CountsFor(row["counts_for"]),
        years=row.get("years"),
        until=_day(row.get("until")),
        pending_until=_day(row.get("pending_until")),
        is_list_only=bool(row.get("list_only", False)),
        number=re.compile(pattern) if pattern else None,
        example=row.get("example"),
        renewal_days=int(row.get("renewal_days", 0)),
        yearly_report=_day(row.get("yearly_report")),
        rename_report_days=row.get("rename_report_days"),
        document=row["document"],
        verified=row["verified"],
    )


KINDS: Mapping[str, Kind] = {row["code"]: _kind(row) for row in _DATA["kind"]}
SETTINGS: Mapping[str, Any] = _DATA["ladder"]
HIGH_TECH = "high-tech"
NATIONAL_SME = "tech-sme-national"


def get_kind(code: str | None) -> Kind:
    """The kind with this code. Raises `Refused`."""
    found = KINDS.get(code or "")
    if found is None:
        raise Refused(N_("没有「%(code)s」这种证书。"), code=code or "", field="kind")
    return found


def codes_for(counts_for: CountsFor) -> tuple[str, ...]:
    """Codes of the kinds that count for this, in the order of the file."""
    return tuple(kind.code for kind in KINDS.values() if kind.counts_for is counts_for)
