"""The board's cards come in one order, however the firms are distributed; long lists come in pages."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from crm.core import audit
from crm.core.db import db
from crm.core.transaction import commit
from crm.firms.models import AboveScale, Firm
from crm.firms.rules.words import LeadingIndustry
from crm.ladder import actions, queries
from crm.ladder.queries import CARDS, Within
from crm.ladder.rules.words import Stage
from tests import people
from tests.ladder.builders import SYSTEM, TODAY, D, firms


def _column(session: Session, within: Within, stage: Stage) -> list[int]:
    """Ids of a whole column, page by page."""
    found = [
        card.id
        for column in queries.board(session, within, viewer=SYSTEM)
        if column.stage is stage
        for card in column.cards
    ]
    while more := queries.more_cards(session, within, stage, after=len(found), viewer=SYSTEM):
        found += [card.id for card in more]
    return found


@pytest.mark.parametrize("holders", [6, 45])
@pytest.mark.parametrize("industry", [None, LeadingIndustry.OTHER])
def test_every_firm_stands_on_the_board_once_and_in_order(
    session: Session, holders: int, industry: LeadingIndustry | None
) -> None:
    made = firms(session, 90)
    audit.begin(session, actor=SYSTEM, action="tests.board")
    for place, firm in enumerate(made):
        if place % 5 == 0:
            firm.leading_industry = LeadingIndustry.LIFE_HEALTH
        if place % 7 == 0:
            actions.open_application(
                session, firm, kind="high-tech", on=D(2026, 3, 1), actor=SYSTEM, today=TODAY
            )
        if place < holders:  # two days of lapse, of which one is that of many
            day = D(2026, 6, 1) if place % 3 else D(2025, 12, 1)
            actions.grant(session, firm, kind="tech-sme-national", granted_on=day, actor=SYSTEM, today=TODAY)
    commit(session)
    shown = [
        (place, firm)
        for place, firm in enumerate(made)
        if industry is None or firm.leading_industry is industry
    ]
    within = Within(TODAY, industry)
    for stage, at in ((Stage.SMALL_TO_HIGH_TECH, range(holders)), (Stage.MICRO_GROWTH, range(holders, 90))):
        # a registration of December 2025 has lapsed in March 2026: 待复评 to the end of 2026, before the others
        own = [(place, firm) for place, firm in shown if place in at]
        own.sort(
            key=lambda item: (
                stage is Stage.SMALL_TO_HIGH_TECH and item[0] % 3 != 0, item[0] % 7 != 0, item[1].name_sort, item[1].id,
            )
        )  # fmt: skip
        assert _column(session, within, stage) == [firm.id for _, firm in own]
    columns = {column.stage: column for column in queries.board(session, within, viewer=SYSTEM)}
    assert len(columns[Stage.MICRO_GROWTH].cards) == CARDS
    assert columns[Stage.MICRO_GROWTH].count == sum(place >= holders for place, _ in shown)
    assert columns[Stage.SMALL_TO_HIGH_TECH].count == sum(
        place < holders and place % 3 > 0 for place, _ in shown
    )
    assert columns[Stage.SMALL_TO_HIGH_TECH].pending == sum(
        place < holders and place % 3 == 0 for place, _ in shown
    )


def test_the_board_counts_a_firm_under_the_industry_it_has_now(session: Session) -> None:
    (made,) = firms(session, 1)

    def counted() -> dict[LeadingIndustry, int]:
        first = queries.board(session, Within(TODAY), viewer=SYSTEM)[0]
        return {industry: number for industry, number in first.industries.items() if number}

    assert counted() == {LeadingIndustry.OTHER: 1}
    audit.begin(session, actor=SYSTEM, action="tests.industry")
    session.get_one(Firm, made.id).leading_industry = LeadingIndustry.SMART_EQUIPMENT
    commit(session)
    assert counted() == {LeadingIndustry.SMART_EQUIPMENT: 1}
    assert queries.board(session, Within(TODAY, LeadingIndustry.OTHER), viewer=SYSTEM)[0].count == 0


def _rows(page: str) -> list[str]:
    return re.findall(r'class="td-name" href="/firms/(\d+)"', page)


def test_a_month_of_the_calendar_and_three_zeroing_come_in_pages(
    session: Session, client: FlaskClient
) -> None:
    made = firms(session, 60)
    audit.begin(session, actor=SYSTEM, action="tests.calendar")
    for firm in made:
        actions.grant(session, firm, kind="high-tech", granted_on=D(2024, 1, 10), actor=SYSTEM, today=TODAY)
        session.add(AboveScale(firm_id=firm.id, year=2025, is_above=True))
    commit(session)
    db.session.remove()
    people.sign_in(client, people.SCIENCE)
    calendar = client.get(f"/ladder/calendar?as_of={TODAY}").get_data(as_text=True)
    assert len(_rows(calendar)) == 20 and "这个月全部 60 张" in calendar
    for path, sizes in (
        (f"/ladder/calendar?as_of={TODAY}&month=2027-01", (50, 10)),
        ("/ladder/three-zeroing?year=2025", (50, 10)),
    ):
        pages = [_rows(client.get(f"{path}&page={number}").get_data(as_text=True)) for number in (1, 2)]
        assert tuple(map(len, pages)) == sizes and len({*pages[0], *pages[1]}) == 60
        assert _rows(client.get(f"{path}&page=99").get_data(as_text=True)) == pages[1]
        assert _rows(client.get(f"{path}&page=-1").get_data(as_text=True)) == pages[0]
