"""What counts, from which day, and why not. Pure.

Once, at the first signing; a capital increase counts its increment (policy.md § 7.2, 三明 2006); bands of 1, 10, 20
and 50 亿 nested, the separate reading beside (policy.md § 7.5, domain.md § Investment projects).
"""

from __future__ import annotations

import calendar
import datetime as dt
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from crm.core.words import C_, N_, Message, Money, Refused, Word
from crm.projects.rules.words import OVER, Evidence, Headquarters, Origin, PaymentKind, State

YI = 10**8
_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")


class Line(Word):
    """What a project needs to be counted."""

    SIGNED = "signed", N_("已签约")
    AGREED = "agreed", N_("协议投资")
    CONTRACT = "contract", N_("投资协议")
    DISTINCT = "distinct", N_("不重复")
    STATE = "state", N_("项目没有终止")
    CHECKED = "checked", C_("count", "已核定")


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rules look at. `contracts` is how many contracts are on it; `twins` how many counted projects have its
    name and investor; `counts_on` and `checker` of the count that stands."""

    signed_on: dt.date | None
    agreed_yuan: int | None
    contracts: int
    twins: int
    is_merged: bool
    is_increase: bool
    state: State
    is_archived: bool
    counts_on: dt.date | None = None
    checked_on: dt.date | None = None
    checker: str = ""


@dataclass(frozen=True, slots=True)
class Reason:
    """One line: whether it is so, and how it stands, in words."""

    line: Line
    is_met: bool
    text: Message


def reasons(facts: Facts) -> list[Reason]:
    """Every line of a project, met or not: why it counts, or why it does not."""
    found = [
        Reason(
            Line.SIGNED,
            facts.signed_on is not None,
            Message(N_("%(day)s 首次签约"), {"day": facts.signed_on})
            if facts.signed_on
            else Message(N_("还没有签约")),
        ),
        _agreed(facts),
        Reason(
            Line.CONTRACT,
            facts.contracts > 0,
            Message(N_("投资协议在档")) if facts.contracts else Message(N_("没有登记投资协议")),
        ),
        _distinct(facts),
    ]
    if facts.counts_on is not None:  # once counted, what becomes of it later takes nothing back by itself
        text = N_("%(day)s 由%(who)s核定，计入 %(on)s")
        params = {"day": facts.checked_on, "who": facts.checker or Message(N_("系统")), "on": facts.counts_on}
        return [*found, Reason(Line.CHECKED, True, Message(text, params))]
    found.append(_state(facts))
    is_ready = all(item.is_met for item in found)
    return [
        *found,
        Reason(Line.CHECKED, False, Message(N_("等待核定人核定") if is_ready else N_("齐了才能核定"))),
    ]


def _agreed(facts: Facts) -> Reason:
    if not facts.agreed_yuan:
        return Reason(Line.AGREED, False, Message(N_("没有填协议投资")))
    text = N_("增资，只计增资额 %(amount)s") if facts.is_increase else N_("协议投资 %(amount)s")
    return Reason(Line.AGREED, True, Message(text, {"amount": Money(facts.agreed_yuan)}))


def _distinct(facts: Facts) -> Reason:
    if facts.is_merged:
        return Reason(Line.DISTINCT, False, Message(N_("已并入另一个项目")))
    if facts.twins and not facts.is_increase:
        text = N_("同一投资方的同名项目已经计数；是增资请注明")
        return Reason(Line.DISTINCT, False, Message(text))
    return Reason(Line.DISTINCT, True, Message(N_("没有重复计数")))


def _state(facts: Facts) -> Reason:
    if facts.is_archived:
        return Reason(Line.STATE, False, Message(N_("项目已归档")))
    is_over = facts.state in OVER
    return Reason(Line.STATE, not is_over, Message(facts.state.label))


def check_countable(facts: Facts) -> tuple[dt.date, int]:
    """The day it was signed and the yuan it counts with. Raises `Refused` with every line that is not met, or when it
    was counted already."""
    if facts.counts_on is not None:
        raise Refused(N_("这个项目已经计数，计入 %(on)s。"), on=facts.counts_on)
    lacking = [item.text for item in reasons(facts) if not item.is_met and item.line is not Line.CHECKED]
    if lacking or facts.signed_on is None or facts.agreed_yuan is None:
        raise Refused(N_("还不能计数：%(why)s。"), why=lacking, items=lacking)
    return facts.signed_on, facts.agreed_yuan


def check_checker(actor_id: int | None, own: Collection[int | None]) -> None:
    """Raises `Refused` for a record of one's own: who reported it, holds it, entered or last changed what is counted,
    or is in charge of it. `own` are those people's ids."""
    if actor_id is not None and actor_id in own:
        raise Refused(N_("不能核定自己登记、跟进、修改过或在其专班里的项目，请由别人核定。"))


def month_end(month: str) -> dt.date:
    """The last day of ``2026-03``. Raises `Refused`."""
    found = _MONTH.fullmatch(month)
    if found is None or int(found[1]) < 1950:
        raise Refused(N_("请写成 2026-03 这样的月份。"), field="month")
    year, number = int(found[1]), int(found[2])
    return dt.date(year, number, calendar.monthrange(year, number)[1])


def month_of(day: dt.date) -> str:
    return f"{day:%Y-%m}" if day.year >= 1000 else f"{day.year:04d}-{day.month:02d}"


def closed_until(months: Iterable[str]) -> dt.date | None:
    """The last day that is closed: the end of the latest frozen month. Numbers are as of a day, cumulative, so that a
    frozen month closes those before it too."""
    return max((month_end(month) for month in months), default=None)


def counts_on(day: dt.date, closed: dt.date | None, after: dt.date | None = None) -> dt.date:
    """The day something of `day` counts for: itself, or the first day of the first month not closed. `after`: the day
    an earlier count of the same was withdrawn; it never counts twice on one day."""
    found = max(day, after) if after is not None else day
    return found if closed is None or found > closed else closed + dt.timedelta(1)


def is_in(counted_on: dt.date, withdrawn_on: dt.date | None, day: dt.date) -> bool:
    """Whether something counts as of a day. What is withdrawn on a day does not count on that day any more."""
    return counted_on <= day and (withdrawn_on is None or withdrawn_on > day)


def check_month(month: str, frozen: Collection[str], today: dt.date) -> dt.date:
    """The last day of a month that may be frozen. Raises `Refused` for one that is not over, or frozen already."""
    end = month_end(month)
    if end >= today:
        raise Refused(N_("%(month)s 还没有过完，不能冻结。"), month=month, field="month")
    if month in frozen:
        raise Refused(N_("%(month)s 已经冻结。"), month=month, field="month")
    return end


class Group(Word):
    """How figures stand together on the page."""

    NESTED = "nested", N_("投资额档（含以上）")
    SEPARATE = "separate", N_("投资额档（分段）")
    KIND = "kind", N_("总部与创新型")
    ORIGIN = "origin", N_("到位资金按来源")
    MONEY = "money", N_("到位资金按类别")


@dataclass(frozen=True, slots=True)
class Figure:
    """A number that is reported: its key in addresses and commands, its label. The tests of a count take its yuan,
    kind of headquarters and the mark; those of money its origin and kind."""

    key: str
    label: str
    group: Group
    least: int | None = None
    below: int | None = None
    headquarters: Headquarters | None = None
    is_any_headquarters: bool = False
    is_innovative: bool = False
    origin: Origin | None = None
    kind: PaymentKind | None = None

    @property
    def is_money(self) -> bool:
        return self.group in (Group.ORIGIN, Group.MONEY)

    def takes_count(self, yuan: int, headquarters: Headquarters | None, is_innovative: bool) -> bool:
        """Whether a counted project is in this figure."""
        if self.is_money:
            return False
        if (self.least is not None and yuan < self.least) or (self.below is not None and yuan >= self.below):
            return False
        if self.is_any_headquarters and headquarters is None:
            return False
        if self.headquarters is not None and headquarters is not self.headquarters:
            return False
        return is_innovative or not self.is_innovative

    def takes_payment(self, origin: Origin, kind: PaymentKind) -> bool:
        """Whether money in place is in this figure."""
        return self.is_money and self.origin in (None, origin) and self.kind in (None, kind)


FIGURES: Sequence[Figure] = (
    Figure("all", N_("全部已计数项目"), Group.NESTED),
    Figure("over-1", N_("1 亿元以上"), Group.NESTED, least=YI),
    Figure("over-10", N_("10 亿元以上"), Group.NESTED, least=10 * YI),
    Figure("over-20", N_("20 亿元以上"), Group.NESTED, least=20 * YI),
    Figure("over-50", N_("50 亿元以上"), Group.NESTED, least=50 * YI),
    Figure("from-0", N_("不足 1 亿元"), Group.SEPARATE, below=YI),
    Figure("from-1", N_("1 亿元至不足 10 亿元"), Group.SEPARATE, least=YI, below=10 * YI),
    Figure("from-10", N_("10 亿元至不足 20 亿元"), Group.SEPARATE, least=10 * YI, below=20 * YI),
    Figure("from-20", N_("20 亿元至不足 50 亿元"), Group.SEPARATE, least=20 * YI, below=50 * YI),
    Figure("from-50", N_("50 亿元以上，分段"), Group.SEPARATE, least=50 * YI),
    Figure("headquarters", N_("总部项目"), Group.KIND, is_any_headquarters=True),
    *(Figure(f"headquarters-{each.value.removesuffix('-headquarters')}", each.label, Group.KIND, headquarters=each)
      for each in Headquarters),
    Figure("innovative", N_("创新型重点科技项目"), Group.KIND, is_innovative=True),
    Figure("in-place", N_("全部到位资金"), Group.ORIGIN),
    *(Figure(f"in-place-{each.value}", each.label, Group.ORIGIN, origin=each) for each in Origin),
    *(Figure(f"in-place-{each.value}", each.label, Group.MONEY, kind=each) for each in PaymentKind),
)  # fmt: skip
BY_KEY = {figure.key: figure for figure in FIGURES}
CONTRACT = Evidence.CONTRACT
