"""Money in place: what may be entered, and by whom it may be checked. Pure."""

from __future__ import annotations

import datetime as dt

from crm.core.pipeline.declaring import check_past
from crm.core.words import N_, Refused
from crm.projects.rules.columns import MOST_YUAN
from crm.projects.rules.money import reckoned
from crm.projects.rules.words import Currency


def in_yuan(currency: Currency, yuan: int | None, foreign: int | None, rate_micros: int | None) -> int:
    """What was paid, in whole yuan. Foreign money takes the day's rate (policy.md § 7.4). Raises `Refused`."""
    if currency is Currency.CNY:
        if foreign is not None:
            raise Refused(N_("填了外币金额，请选择币种。"), field="currency")
        if yuan is None:
            raise Refused(N_("请填写到位金额。"), field="yuan")
        return _fair(yuan, "yuan")
    if yuan is not None:
        raise Refused(N_("外币到位请填外币金额和当日汇率，折合的人民币自动算出。"), field="yuan")
    if foreign is None:
        raise Refused(N_("请填写外币金额。"), field="foreign")
    if rate_micros is None:
        raise Refused(N_("请填写到位当日的汇率。"), field="rate_micros")
    return _fair(reckoned(foreign, rate_micros) or 0, "foreign")


def _fair(yuan: int, field: str) -> int:
    if not 0 < yuan < MOST_YUAN:
        raise Refused(N_("金额应大于 0、小于 1 万亿元，请核对单位。"), field=field)
    return yuan


def check_day(on: dt.date, today: dt.date) -> None:
    """Raises `Refused` for a day to come, or one no register can hold."""
    check_past(on, today)


def check_proof(attachment_id: int | None, reference: str | None) -> None:
    """Raises `Refused` without a file and without a voucher's number."""
    if attachment_id is None and reference is None:
        raise Refused(N_("请选择凭证文件，或写明凭证号。"), field="reference")


def check_second(actor_id: int | None, entered_by_id: int | None) -> None:
    """Raises `Refused` for one's own entry."""
    if actor_id is not None and actor_id == entered_by_id:
        raise Refused(N_("不能核定自己登记的到位资金，请由别人核定。"))
