"""The palette: firms, pages, actions, colleagues, each only for those who may; what was opened last when empty."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from crm.core import palette
from crm.core.db import db, writing
from crm.core.permissions import Actor, Scope, system
from crm.core.transaction import commit
from crm.firms import actions, queries
from tests import people
from tests.ladder.test_pages import statements

TODAY = dt.date(2026, 11, 23)
ROBOT = system("tests")
NAMES = ("温州拓屿精密机械有限公司", "温州拓屿阀门有限公司", "温州序川液压科技有限公司")


@pytest.fixture
def firm_ids(app: Flask) -> list[int]:
    with app.app_context():
        writing()
        session = db.session()
        ids = [actions.register(session, actor=ROBOT, today=TODAY, name=name).id for name in NAMES]
        commit(session)
        db.session.remove()
    return ids


def asked(client: FlaskClient, query: str) -> str:
    return client.get("/search", query_string={"q": query}, headers={"X-Palette": "1"}).text


def groups(text: str) -> dict[str, list[str]]:
    """Group label → addresses, in the order shown."""
    found: dict[str, list[str]] = {}
    for part in text.split('<div role="group" aria-label="')[1:]:
        label, _, rest = part.partition('"')
        found[label] = re.findall(r'class="td-option"[^>]*href="([^"]*)"', rest.partition("</div>")[0])
    return found


def meant(query: str) -> list[str]:
    everything = Actor(
        1, "甲", {entry_need: Scope.ALL for entry in palette.ENTRIES for entry_need in entry.needs}
    )
    return [
        entry.endpoint for _, entry in palette.matching(query, palette.allowed(everything, palette.ENTRIES))
    ]


@pytest.mark.parametrize(
    ("query", "endpoint"),
    [
        ("证书日历", "ladder.calendar"), ("日历", "ladder.calendar"), ("zsrl", "ladder.calendar"),
        ("zhengshuri", "ladder.calendar"), ("calendar", "ladder.calendar"), ("到期", "ladder.calendar"),
        ("登记企业", "firms.create"), ("djqy", "firms.create"), ("新企业", "firms.create"),
        ("new firm", "firms.create"), ("tag a list", "ladder.tag_new"),
        ("三清零", "ladder.three_zeroing"), ("sql", "ladder.three_zeroing"), ("密码", "accounts.change_password"),
        ("上传", "firms.imports"), ("隐私", "overview.privacy"), ("ＰＲＩＶＡＣＹ", "overview.privacy"),
    ],
)  # fmt: skip
def test_a_page_or_action_is_found_by_words_pinyin_or_english(app: Flask, query: str, endpoint: str) -> None:
    with app.test_request_context():
        assert meant(query)[0] == endpoint


def test_nothing_is_found_for_nothing_like_it(app: Flask) -> None:
    with app.test_request_context():
        for query in ("zzzzzz", "㐂㐂", "' OR 1=1 --", "x" * 100, "%", "_"):
            assert meant(query) == []
        assert len(meant("")) == len(palette.ENTRIES)


def test_firms_are_those_of_the_search_in_its_order(
    app: Flask, client: FlaskClient, firm_ids: list[int]
) -> None:
    people.sign_in(client, people.SCIENCE)
    for query in ("拓屿", "wzty", "tuoyu", "精密", "温州"):
        with app.app_context():
            viewer = people.actor(db.session(), people.SCIENCE)
            expected = [f"/firms/{hit.id}" for hit in queries.search(db.session(), query, viewer, 8)]
        assert expected
        assert groups(asked(client, query))["企业"] == expected


def test_each_role_is_offered_what_it_may_use_and_every_offer_opens(app: Flask, client: FlaskClient) -> None:
    for person in people.ONE_OF_EACH:
        people.sign_in(client, person)
        found = groups(asked(client, ""))
        for url in [*found.get("页面", []), *found.get("操作", [])]:
            assert client.get(url).status_code == 200, (person, url)
    people.sign_in(client, people.READ_ONLY)
    assert "/firms/new" not in asked(client, "")
    people.sign_in(client, people.INVESTMENT)
    offered = asked(client, "")
    assert "/firms/new" in offered and "/firms/import?sheet=projects" in offered
    assert "/firms/import?sheet=registry" not in offered and "/firms/import?sheet=activities" not in offered


def test_the_three_administrators_see_no_business_data(client: FlaskClient, firm_ids: list[int]) -> None:
    for person in (people.SYSTEM_ADMIN, people.SECURITY_ADMIN, people.AUDITOR, people.STRANGER):
        people.sign_in(client, person)
        for query in ("拓屿", "wzty", "证书", "", "登记企业"):
            text = asked(client, query)
            assert "/firms" not in text and "/ladder" not in text and "拓屿机械" not in text, (person, query)
            assert "精密" not in text and "阀门" not in text


def test_colleagues_are_found_by_name_and_pinyin_with_their_unit_only(
    app: Flask, client: FlaskClient
) -> None:
    with app.app_context():
        officer = people.id_of(db.session(), people.INVESTMENT)
    people.sign_in(client, people.READ_ONLY)
    for query in ("林晓雯", "晓雯", "lxw", "linxiao"):
        text = asked(client, query)
        assert groups(text)["同事"] == [f"/firms?officer={officer}"], query
        assert "商务局" in text and "cast-investment" not in text
    people.sign_in(client, people.SYSTEM_ADMIN)
    assert groups(asked(client, "林晓雯"))["同事"] == [f"/people/{officer}"]
    for person in (people.AUDITOR, people.STRANGER):
        people.sign_in(client, person)
        assert "同事" not in groups(asked(client, "林晓雯"))


def test_what_was_opened_last_stands_first_when_nothing_is_typed(
    client: FlaskClient, firm_ids: list[int]
) -> None:
    people.sign_in(client, people.SCIENCE)
    assert "最近打开" not in groups(asked(client, ""))
    for firm_id in (*firm_ids, firm_ids[0]):
        client.get(f"/firms/{firm_id}")
    expected = [f"/firms/{n}" for n in (firm_ids[0], firm_ids[2], firm_ids[1])]
    assert groups(asked(client, ""))["最近打开"] == expected
    assert list(groups(asked(client, ""))) == ["最近打开", "页面", "操作"]
    people.sign_in(client, people.LEADER)
    assert "最近打开" not in groups(asked(client, ""))


def test_a_name_nobody_has_can_be_registered_from_here(client: FlaskClient, firm_ids: list[int]) -> None:
    people.sign_in(client, people.INVESTMENT)
    text = asked(client, "温州全新科技有限公司")
    assert "登记企业「温州全新科技有限公司」" in text
    people.sign_in(client, people.LEADER)
    assert "/firms/new" not in asked(client, "温州全新科技有限公司")


def test_what_is_meant_by_its_whole_name_stands_first(client: FlaskClient, firm_ids: list[int]) -> None:
    people.sign_in(client, people.INVESTMENT)
    first = re.findall(r'id="palette-1"[^>]*href="([^"]*)"', asked(client, "djqy"))
    assert first == ["/firms/new"]
    assert re.findall(r'id="palette-1"[^>]*href="([^"]*)"', asked(client, "拓屿"))[0].startswith("/firms/")


def test_the_palette_asks_as_often_with_more_firms(
    app: Flask, client: FlaskClient, firm_ids: list[int]
) -> None:
    people.sign_in(client, people.SCIENCE)
    asked(client, "拓屿")
    with statements(app) as first:
        asked(client, "拓屿")
    with app.app_context():
        writing()
        session = db.session()
        for n in range(12):
            actions.register(session, actor=ROBOT, today=TODAY, name=f"温州拓屿{n}号有限公司")
        commit(session)
        db.session.remove()
    with statements(app) as second:
        asked(client, "拓屿")
    assert len(second) == len(first)
