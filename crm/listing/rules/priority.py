"""The priority rule of the plan, explained line by line. Pure.

Plan of 2019-03-05, task 4: growing or innovative firms of the leading industries that took in outside capital come first.
The plan gives no figures: the thresholds are settings of the finance office (policy.md § 6.3).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from crm.core.settings.declaring import Section, choices, number
from crm.core.words import N_, Message
from crm.firms.rules.words import LeadingIndustry

SECTION = Section("listing", N_("上市后备"), "listing:edit", N_("由金融办设定"))
GROWTH = number(
    SECTION, "listing.growth-percent", N_("成长型：近两年营收年均增长不低于（%）"), 20, least=1, most=200,
    hint=N_("方案没有给数值，由金融办设定"),
)  # fmt: skip
INNOVATIVE = choices(
    SECTION, "listing.innovative-kinds", N_("创新型：持有下列任一有效证书"),
    (
        ("high-tech", N_("高新技术企业")), ("tech-sme-provincial", N_("省科技型中小企业")), ("srdi", N_("专精特新")),
        ("little-giant", N_("专精特新小巨人")), ("gazelle", N_("瞪羚企业")),
    ),
    default=frozenset({"high-tech", "srdi", "little-giant"}),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rule looks at. `growth` is the yearly mean growth of revenue over the last two years in per cent, None
    where a year is missing; `titles` the codes of the certificates valid today; `paid_in_yuan` outside equity."""

    industry: LeadingIndustry
    growth: float | None
    growth_years: str
    titles: frozenset[str]
    paid_in_yuan: int | None


@dataclass(frozen=True, slots=True)
class Reason:
    """A line of the explanation: met, unmet, or no data (None)."""

    label: str
    is_met: bool | None
    why: Message


def judge(facts: Facts, *, growth: int, innovative: Collection[str]) -> tuple[bool, list[Reason]]:
    """Whether the rule gives priority, and each of its lines: leading industry AND (growth OR innovative) AND outside
    equity paid in."""
    leading = facts.industry is not LeadingIndustry.OTHER
    grows = None if facts.growth is None else facts.growth >= growth
    held = sorted(facts.titles & set(innovative))
    paid = None if facts.paid_in_yuan is None else facts.paid_in_yuan > 0
    lines = [
        Reason(N_("主导产业"), leading, Message(N_("%(industry)s"), {"industry": facts.industry})),
        Reason(
            N_("成长型"), grows,
            Message(N_("没有连续三年的营业收入"))
            if facts.growth is None
            else Message(
                N_("%(years)s 年均增长 %(growth)s%%，门槛 %(least)s%%"),
                {"years": facts.growth_years, "growth": f"{facts.growth:.1f}", "least": growth},
            ),
        ),
        Reason(
            N_("创新型"), bool(held),
            Message(N_("持有有效证书 %(count)s 种"), {"count": len(held)}) if held else Message(N_("没有规定的有效证书")),
        ),
        Reason(
            N_("外部股权实缴到位"), bool(paid),
            Message(N_("没有外部股权融资记录")) if not paid else Message(N_("已到位")),
        ),
    ]  # fmt: skip
    return leading and (bool(grows) or bool(held)) and bool(paid), lines


def mean_growth(first: int | None, last: int | None, years: int = 2) -> float | None:
    """The yearly mean growth in per cent between two revenues `years` apart; None where one is missing or not above
    nothing."""
    if first is None or last is None or first <= 0 or last <= 0:
        return None
    return float(((last / first) ** (1 / years) - 1) * 100)
