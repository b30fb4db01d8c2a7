"""Bulk changes: what was confirmed is what is changed, row by row, and it can be taken back whole."""

from __future__ import annotations

import re
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from crm.core import audit
from crm.core.db import db, writing
from crm.core.transaction import commit
from crm.firms import actions
from crm.firms.models import Firm
from crm.firms.rules.words import LeadingIndustry
from crm.ops.jobs import work_once
from crm.overview.models import BulkRow, BulkRun
from crm.overview.rules import bulk as rules
from crm.overview.rules.bulk import BulkResult
from crm.overview.views import bulk as views
from tests import people
from tests.overview.conftest import ROBOT, TODAY, Enter

LIFE = "leading_industry:life-health"


@pytest.fixture
def science(client: FlaskClient) -> FlaskClient:
    return people.sign_in(client, people.SCIENCE)


def ask(client: FlaskClient, ids: list[int] | None, **more: Any) -> str:
    """Choose rows (None: all the filter finds); returns the address of the question."""
    data = {"set": LIFE, **({"all": "1", "filter": ""} if ids is None else {"ids": ids}), **more}
    sent = people.post(client, "/lists/firms/bulk", data)
    assert sent.status_code == 303
    return str(sent.headers["Location"])


def edit(app: Flask, firm_id: int, **values: Any) -> None:
    with app.app_context():
        writing()
        session = db.session()
        actions.edit(session, session.get_one(Firm, firm_id), actor=ROBOT, today=TODAY, **values)
        commit(session)
        db.session.remove()


def industries(app: Flask) -> list[LeadingIndustry]:
    with app.app_context():
        found = list(db.session.scalars(sa.select(Firm.leading_industry).order_by(Firm.id)))
        db.session.remove()
    return found


def results(app: Flask) -> list[BulkResult | None]:
    with app.app_context():
        found = list(db.session.scalars(sa.select(BulkRow.result).order_by(BulkRow.run_id, BulkRow.row_id)))
        db.session.remove()
    return found


def test_ticked_rows_are_asked_about_changed_shown_and_undone(
    science: FlaskClient, app: Flask, enter: Enter
) -> None:
    ids = enter(0, 3)
    question = ask(science, ids[:2])
    page = science.get(question).text
    assert "温州第000精密机械有限公司" in page and "2 行" in page and "主导产业 → 生命健康" in page
    assert LeadingIndustry.LIFE_HEALTH not in industries(app)
    done = people.post(science, question)
    result = science.get(done.headers["Location"]).text
    assert "已完成 2 行，共选 2 行" in result
    assert industries(app) == [LeadingIndustry.LIFE_HEALTH] * 2 + [LeadingIndustry.OTHER]
    undo = re.search(r'action="(/operations/[0-9a-f]{32}/undo)"', result)
    assert undo is not None
    back = people.post(science, undo[1])
    assert back.status_code == 303
    assert industries(app) == [LeadingIndustry.OTHER] * 3
    again = science.get(back.headers["Location"]).text
    assert "这次操作已经撤销" in again


def test_a_row_changed_since_it_was_chosen_is_reported_and_not_overwritten(
    science: FlaskClient, app: Flask, enter: Enter
) -> None:
    ids = enter(0, 3)
    question = ask(science, ids)
    edit(app, ids[1], address="新地址")
    result = science.get(people.post(science, question).headers["Location"]).text
    assert results(app) == [BulkResult.DONE, BulkResult.CHANGED, BulkResult.DONE]
    assert industries(app)[1] is LeadingIndustry.OTHER
    assert "改过，这一行没有动" in result


def test_all_of_the_filter_is_frozen_when_it_is_asked(science: FlaskClient, app: Flask, enter: Enter) -> None:
    enter(0, 3)
    question = ask(science, None, filter="q=精密")
    enter(3, 2)
    people.post(science, question)
    assert len(results(app)) == 3
    assert industries(app).count(LeadingIndustry.LIFE_HEALTH) == 3


def test_every_row_says_what_became_of_it(client: FlaskClient, app: Flask, enter: Enter) -> None:
    ids = enter(0, 2)
    with app.app_context():
        street = people.unit_id(db.session(), "海城")
        db.session.remove()
    edit(app, ids[0], street_id=street)
    people.sign_in(client, people.REPORTER)
    question = ask(client, ids)
    assert "1 行，会跳过并说明" in client.get(question).text
    shown = people.post(client, question).headers["Location"]
    assert results(app) == [BulkResult.DONE, BulkResult.REFUSED]
    page = client.get(shown).text
    assert "只能改本街道" in page and "不能修改" in page
    only = client.get(f"{shown}?result=refused").text
    assert "第001" in only and "第000" not in only
    file = client.get(f"{shown}/result.csv").data.decode("utf-8-sig")
    assert file.splitlines()[0] == "编号,名称,结果,说明" and len(file.splitlines()) == 3
    again = people.post(client, ask(client, ids[:1])).headers["Location"]
    assert "本来就是这样" in client.get(again).text


def test_sent_twice_it_is_done_once(science: FlaskClient, app: Flask, enter: Enter) -> None:
    question = ask(science, enter(0, 2))
    first = people.post(science, question)
    second = people.post(science, question)
    assert first.headers["Location"] == second.headers["Location"]
    with app.app_context():
        count = db.session.scalar(sa.select(sa.func.count()).where(audit.AuditEnvelope.action == "bulk.set"))
        assert count == 1
        db.session.remove()


def test_archive_wants_a_reason_and_restore_takes_it_back(
    science: FlaskClient, app: Flask, enter: Enter
) -> None:
    ids = enter(0, 2)
    question = ask(science, ids, verb="archive", set="")
    refused = people.post(science, question, {"reason": " "})
    assert refused.status_code == 422 and "请写明理由" in refused.text
    people.post(science, question, {"reason": "重复登记"})
    with app.app_context():
        assert set(db.session.scalars(sa.select(Firm.archive_reason))) == {"重复登记"}
        db.session.remove()
    assert "温州第000" not in science.get("/firms").text
    people.post(science, ask(science, ids, verb="restore", set="", filter="archived=yes"))
    assert "温州第000" in science.get("/firms").text


@pytest.mark.parametrize(
    "data",
    [
        {"set": "name:x"},
        {"set": "leading_industry:none"},
        {"set": "officer_id:999999"},
        {"set": "officer_id:\x00"},
        {"set": ""},
        {"ids": []},
        {"ids": ["1" * 30, "-1", "x"]},
        {"verb": "drop", "set": "code:1"},
    ],
)
def test_what_is_not_offered_is_refused_in_words(
    science: FlaskClient, app: Flask, enter: Enter, data: dict[str, Any]
) -> None:
    ids = enter(0, 1)
    sent = people.post(science, "/lists/firms/bulk", {"ids": ids, "set": LIFE, **data})
    assert sent.status_code == 303 and sent.headers["Location"].startswith("/firms")
    assert re.search("请选择要改成什么|请先选择要改的行", science.get("/firms").text)
    with app.app_context():
        assert db.session.scalar(sa.select(sa.func.count()).select_from(BulkRun)) == 0
        db.session.remove()


def test_somebody_elses_bulk_change_is_not_there(science: FlaskClient, enter: Enter) -> None:
    question = ask(science, enter(0, 1))
    people.sign_in(science, people.FINANCE)
    assert science.get(question).status_code == 404
    assert people.post(science, question).status_code == 404
    assert science.get(f"{question}/result.csv").status_code == 404


def test_a_long_one_goes_on_in_the_background_and_is_undone_whole(
    science: FlaskClient, app: Flask, enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "AT_ONCE", 3)
    ids = enter(0, 5)
    question = ask(science, ids)
    sent = people.post(science, question)
    assert "/jobs/" in sent.headers["Location"]
    edit(app, ids[4], address="中间改的")
    assert work_once(app) == 1
    assert results(app).count(BulkResult.DONE) == 4
    page = science.get(question).text
    undo = re.search(r'action="(/operations/[0-9a-f]{32}/undo)"', page)
    assert undo is not None
    people.post(science, undo[1])
    assert set(industries(app)) == {LeadingIndustry.OTHER}


def test_too_many_rows_are_refused(
    science: FlaskClient, enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    from crm.overview.actions import bulk

    monkeypatch.setattr(bulk, "MOST", 2)
    assert rules.MOST >= rules.AT_ONCE
    sent = people.post(science, "/lists/firms/bulk", {"ids": enter(0, 3), "set": LIFE})
    assert sent.headers["Location"].startswith("/firms")
    assert "一次最多 2 行" in science.get("/firms").text


def test_the_result_asks_as_often_for_twice_the_rows(science: FlaskClient, app: Flask, enter: Enter) -> None:
    from tests.firms.test_listing import statements

    few = people.post(science, ask(science, enter(0, 4))).headers["Location"]
    many = people.post(science, ask(science, enter(4, 8))).headers["Location"]
    science.get(few), science.get(many)
    with statements(app) as one:
        science.get(few)
    with statements(app) as two:
        science.get(many)
    assert len(one) == len(two)


def test_the_list_of_the_ladder_sets_and_archives_as_that_of_firms_does(
    science: FlaskClient, app: Flask, enter: Enter
) -> None:
    ids = enter(0, 2)
    for firm in ids:
        granted = {
            "kind": "high-tech",
            "granted_on": "2025-12-01",
            "expires_on": "",
            "number": "",
            "document": "",
        }
        people.post(science, f"/ladder/firms/{firm}/certifications/new", granted)
    page = science.get("/ladder/list").text
    assert LIFE in page and 'value="archive"' in page
    query = "sort=name"
    sent = people.post(science, "/lists/ladder/bulk", {"set": LIFE, "all": "1", "filter": query})
    done = people.post(science, sent.headers["Location"])
    result = science.get(done.headers["Location"]).text
    assert "已完成 2 行，共选 2 行" in result and "/ladder/list" in result
    assert industries(app) == [LeadingIndustry.LIFE_HEALTH] * 2
    undo = re.search(r'action="(/operations/[0-9a-f]{32}/undo)"', result)
    assert undo is not None
    people.post(science, undo[1])
    assert industries(app) == [LeadingIndustry.OTHER] * 2
    leader = people.sign_in(app.test_client(), people.LEADER)
    assert 'value="archive"' not in leader.get("/ladder/list").text
