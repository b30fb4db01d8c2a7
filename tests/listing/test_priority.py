"""The priority rule of the plan, line by line, and the hand that sets it against the rule."""

from __future__ import annotations

import datetime as dt

import pytest
from sqlalchemy.orm import Session

from crm.core.history import Asked, entries
from crm.core.transaction import commit
from crm.core.words import Refused
from crm.firms import actions as registry
from crm.firms.rules.words import EquityKind, LeadingIndustry
from crm.ladder import actions as ladder
from crm.listing import actions, queries
from crm.listing.models import Candidate
from crm.listing.records import CANDIDATE
from crm.listing.rules.holders import read_holders
from crm.listing.rules.priority import Facts, judge, mean_growth
from crm.listing.rules.words import HolderKind
from tests.listing.cast import ROBOT, TODAY, a_candidate

SMART, OTHER = LeadingIndustry.SMART_EQUIPMENT, LeadingIndustry.OTHER
TITLED = frozenset({"high-tech"})


@pytest.mark.parametrize(
    ("industry", "growth", "titles", "paid", "is_first"),
    [
        (SMART, 25.0, frozenset(), 1, True), (SMART, None, TITLED, 1, True), (SMART, 19.9, TITLED, 1, True),
        (SMART, 19.9, frozenset(), 1, False), (SMART, 20.0, frozenset(), 1, True),
        (OTHER, 99.0, TITLED, 1, False), (SMART, 99.0, TITLED, 0, False), (SMART, 99.0, TITLED, None, False),
    ],
)  # fmt: skip
def test_leading_and_growing_or_innovative_and_paid_in(
    industry: LeadingIndustry, growth: float | None, titles: frozenset[str], paid: int | None, is_first: bool
) -> None:
    found, lines = judge(Facts(industry, growth, "2023–2025", titles, paid), growth=20, innovative=TITLED)
    assert found is is_first
    assert [line.label for line in lines] == ["主导产业", "成长型", "创新型", "外部股权实缴到位"]


def test_growth_is_the_yearly_mean() -> None:
    assert mean_growth(100, 144) == pytest.approx(20)
    assert mean_growth(None, 144) is None and mean_growth(0, 144) is None


def test_the_rule_reads_the_figures_titles_and_rounds_of_the_firm(session: Session) -> None:
    candidate = a_candidate(session)
    firm = queries.get_candidate(session, candidate.id, viewer=ROBOT).firm
    assert not queries.priority_of(session, candidate, TODAY).by_rule
    ladder.grant(
        session,
        firm,
        kind="high-tech",
        granted_on=dt.date(2025, 12, 1),
        number="GR202533000001",
        actor=ROBOT,
        today=TODAY,
    )
    commit(session)
    registry.save_equity(
        session, firm, actor=ROBOT, today=TODAY, on=dt.date(2025, 5, 6), investor="浙南创投",
        kind=next(iter(EquityKind)), paid_in_yuan=30_000_000, source=None,
    )  # fmt: skip
    commit(session)
    found = queries.priority_of(session, candidate, TODAY)
    assert found.by_rule and found.holds
    assert [line.is_met for line in found.lines] == [True, None, True, True]


def test_a_hand_needs_a_reason_and_shows(session: Session) -> None:
    candidate = a_candidate(session)
    with pytest.raises(Refused, match="要写明原因"):
        actions.edit(session, candidate, actor=ROBOT, today=TODAY, values={"priority": True})
    session.rollback()
    candidate = session.get_one(Candidate, candidate.id)
    values = {"priority": True, "priority_reason": "区里专题会议定"}
    actions.edit(session, candidate, actor=ROBOT, today=TODAY, values=values)
    commit(session)
    found = queries.priority_of(session, candidate, TODAY)
    assert (found.by_rule, found.by_hand, found.holds) == (False, True, True)


def test_holders_are_read_as_people_write_them() -> None:
    assert read_holders("张三 35.5 创始人\n浙南创投，20%，外部\n\n李四\t3.25") == [
        ("张三", HolderKind.FOUNDER, 3550), ("浙南创投", HolderKind.OUTSIDE, 2000), ("李四", HolderKind.OTHER, 325),
    ]  # fmt: skip
    assert read_holders("Name, Share (%), Kind\nOak Hill Capital No. 2 Fund 12.5 outside investor\n许 知行，３．５％") == [
        ("Oak Hill Capital No. 2 Fund", HolderKind.OUTSIDE, 1250), ("许 知行", HolderKind.OTHER, 350),
    ]  # fmt: skip
    assert read_holders("股东名称\t持股比例\t类别\nState Fund, 30%, State shareholder,") == [
        ("State Fund", HolderKind.STATE, 3000)
    ]
    for text in ("张三", "张三 很多", "张三 0", "张三 101", "张三 1.234", "张三 20 火星人", "35.5 创始人"):
        with pytest.raises(Refused, match="第 1 行"):
            read_holders(text)


def test_more_than_the_whole_is_refused_and_a_day_is_replaced(session: Session) -> None:
    candidate = a_candidate(session)
    with pytest.raises(Refused, match="超过 100"):
        actions.set_holders(
            session, candidate, actor=ROBOT, today=TODAY, on=TODAY, holders=read_holders("甲 60\n乙 40.01")
        )
    session.rollback()
    candidate = session.get_one(Candidate, candidate.id)
    for text in ("甲 60\n乙 40", "甲 55\n丙 45"):
        actions.set_holders(
            session, candidate, actor=ROBOT, today=TODAY, on=TODAY, holders=read_holders(text)
        )
        commit(session)
    history, _more = entries(
        session, CANDIDATE, candidate, Asked(CANDIDATE.part("listing_shareholders")), viewer=ROBOT
    )
    told = {(entry.verb, fact.old, fact.new) for entry in history for fact in entry.facts}
    assert ("update", "60%", "55%") in told and ("delete", "乙", "—") in {
        (v, o, n or "—") for v, o, n in told
    }
    shown = [(row.name, row.basis_points) for row in queries.shareholders_of(session, candidate.id)]
    assert shown == [("甲", 5500), ("丙", 4500)]
