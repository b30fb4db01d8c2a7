"""The thresholds of the priority rule and the way withdrawals count are the finance office's to set, and nothing else is."""

from __future__ import annotations

import re
from html import unescape

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from crm.core import settings
from crm.core.transaction import commit
from crm.listing import actions
from crm.listing.rules.counting import COUNT_WITHDRAWN
from crm.listing.rules.priority import GROWTH, INNOVATIVE
from crm.listing.rules.words import Stage, State
from tests import people
from tests.listing.cast import ROBOT, TODAY, a_candidate, bring

FORM = {
    "listing_growth_percent": "35", "listing_innovative_kinds": ["gazelle"], "listing_count_withdrawn": "no",
    "was_listing_growth_percent": "20", "was_listing_innovative_kinds": "high-tech,srdi,little-giant",
    "was_listing_count_withdrawn": "yes",
}  # fmt: skip


def test_the_finance_office_sets_its_section_and_sees_no_other(client: FlaskClient, session: Session) -> None:
    people.sign_in(client, people.FINANCE)
    page = client.get("/settings")
    assert page.status_code == 200 and "/settings/listing" in page.text
    assert re.findall(r'<section[^>]*id="([a-z-]+)"', page.text) == ["listing", "changes"]
    assert "最短长度" not in page.text and "/holidays" not in page.text
    version = re.search(r'name="version" value="(\d+)"', page.text)
    assert version is not None
    assert people.post(client, "/settings/listing", {**FORM, "version": version[1]}).status_code == 303
    session.rollback()
    assert settings.value(session, GROWTH) == 35
    assert settings.value(session, INNOVATIVE) == {"gazelle"}
    assert settings.value(session, COUNT_WITHDRAWN) is False


def test_what_others_have_set_is_not_told_to_the_finance_office(
    client: FlaskClient, session: Session
) -> None:
    people.sign_in(client, people.SECURITY_ADMIN)
    sent = {
        "password_min_length": "11", "password_kinds": "3", "password_max_age_days": "60", "password_remembered": "2",
        "password_one_time_hours": "72", "was_password_one_time_hours": "72",
        "was_password_min_length": "8", "was_password_kinds": "3", "was_password_max_age_days": "90",
        "was_password_remembered": "0", "version": "1",
    }  # fmt: skip
    assert people.post(client, "/settings/passwords", sent).status_code == 303
    people.sign_in(client, people.FINANCE)
    assert "11 个字符" not in client.get("/settings").text
    assert people.post(client, "/settings/passwords", sent).status_code == 403


@pytest.mark.parametrize(
    ("person", "page", "save"),
    [
        (people.SYSTEM_ADMIN, 200, 403),
        (people.AUDITOR, 200, 403),
        (people.LEADER, 403, 403),
        (people.SCIENCE, 403, 403),
        (people.SUPERVISOR, 403, 403),
    ],
)
def test_nobody_else_sets_it(
    client: FlaskClient, session: Session, person: people.Person, page: int, save: int
) -> None:
    people.sign_in(client, person)
    assert client.get("/settings").status_code == page
    assert people.post(client, "/settings/listing", {**FORM, "version": "1"}).status_code == save
    session.rollback()
    assert settings.value(session, GROWTH) == 20


def test_a_withdrawn_one_is_counted_or_not_and_each_figure_opens_its_rows(
    client: FlaskClient, session: Session
) -> None:
    for n in (1, 2):
        candidate = bring(session, a_candidate(session, n), Stage.ACCEPTED)
    actions.set_aside(
        session, candidate, actor=ROBOT, today=TODAY, state=State.WITHDRAWN, on=candidate.stage_on, reason="主动撤回"
    )  # fmt: skip
    commit(session)

    def shown(kind: str) -> tuple[int, int, str]:
        page = client.get(f"/listing/counts?as_of={TODAY}").text
        found = re.search(
            rf'href="([^"]*counted={kind}%3A[^"]*|[^"]*counted={kind}:[^"]*)"[^>]*data-count="(\d+)"', page
        )
        assert found is not None, kind
        rows = re.search(r'class="td-count">([\d,]+)', client.get(unescape(found[1])).text)
        assert rows is not None
        return int(found[2]), int(rows[1]), page

    people.sign_in(client, people.FINANCE)
    assert shown("accepted")[:2] == (2, 2)
    assert shown("accepted-withdrawn")[:2] == (1, 1)
    assert "按设置不计入" not in shown("accepted")[2]
    sent = {**FORM, "version": "1"}
    assert people.post(client, "/settings/listing", sent).status_code == 303
    assert shown("accepted")[:2] == (1, 1)
    assert shown("accepted-withdrawn")[:2] == (1, 1)
    assert shown("reform")[:2] == (2, 2)
    assert "按设置不计入" in shown("accepted")[2]
