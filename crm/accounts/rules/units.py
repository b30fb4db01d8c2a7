"""What kinds of units there are, and which days of theirs fit together."""

from __future__ import annotations

import datetime as dt

from crm.core.words import N_, Refused, Word


class UnitKind(Word):
    COMMITTEE = "committee", N_("管委会")
    BUREAU = "bureau", N_("部门")
    OFFICE = "office", N_("科室")
    STREET = "street", N_("街道")


def check_days(starts_on: dt.date | None, ends_on: dt.date | None) -> None:
    """Raises `Refused` when an end comes before its start."""
    if starts_on is not None and ends_on is not None and ends_on < starts_on:
        raise Refused(N_("结束日期不能早于开始日期。"), field="ends_on")


def check_successor(ends_on: dt.date | None, *, has_successor: bool) -> None:
    """Only a unit that has ended has a successor. Raises `Refused`."""
    if has_successor and ends_on is None:
        raise Refused(N_("填了接续单位，就要填结束日期。"), field="ends_on")
