"""Money of projects: foreign currency at the day's rate, agreed, fixed and in place kept apart. Pure."""

from __future__ import annotations

import datetime as dt

from crm.core.words import N_, Refused
from crm.projects.rules.words import Currency

MICRO = 1_000_000


def reckoned(foreign: int | None, rate_micros: int | None) -> int | None:
    """Foreign money in whole yuan at a rate in millionths of a yuan; None where either is missing."""
    if foreign is None or rate_micros is None:
        return None
    return (foreign * rate_micros + MICRO // 2) // MICRO


def check_foreign(
    currency: Currency, foreign: int | None, rate_micros: int | None, rate_on: dt.date | None
) -> None:
    """Foreign money is entered with the day's rate and its day (policy.md § 7.5). Raises `Refused`."""
    if currency is Currency.CNY:
        if foreign is not None:
            raise Refused(N_("填了外币金额，请选择币种。"), field="currency")
        return
    if foreign is None:
        raise Refused(N_("请填写外币总投资。"), field="foreign_total")
    if rate_micros is None:
        raise Refused(N_("请填写签约日或录入日的汇率。"), field="rate_micros")
    if rate_on is None:
        raise Refused(N_("请填写汇率是哪一天的。"), field="rate_on")
