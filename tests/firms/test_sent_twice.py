"""A form sent twice makes one record; one sent without its version overwrites nothing."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from crm.core import audit
from crm.core.db import db, writing
from crm.core.permissions import system
from crm.core.transaction import commit
from crm.firms import actions
from crm.firms.models import Firm
from tests import people

ROBOT = system("tests")
TODAY = dt.date(2026, 11, 23)


@pytest.fixture
def firm_id(app: Flask) -> int:
    with app.app_context():
        writing()
        session = db.session()
        audit.begin(session, actor=ROBOT, action="tests.firm")
        firm = actions.register(session, actor=ROBOT, today=TODAY, name="温州海诚智能装备有限公司")
        commit(session)
        made = firm.id
        db.session.remove()
    return made


@pytest.mark.parametrize(
    ("part", "data"),
    [
        ("contacts", {"name": "林知远", "phone": "13857700123"}),
        ("equity", {"on": "2025-01-02", "investor": "浙南创投", "kind": "venture", "paid_in_yuan": "100"}),
        ("institutions", {"name": "智能装备研究院", "level": "city", "recognised_on": "2024-01-02"}),
    ],
)
def test_a_form_sent_twice_makes_one_row(
    app: Flask, client: FlaskClient, firm_id: int, part: str, data: dict[str, str]
) -> None:
    people.sign_in(client, people.SCIENCE)
    first = people.post(client, f"/firms/{firm_id}/{part}/new", data)
    second = people.post(client, f"/firms/{firm_id}/{part}/new", data)
    assert (first.status_code, second.status_code) == (303, 422)
    table = {"contacts": "contacts", "equity": "equity_rounds", "institutions": "rd_institutions"}[part]
    with app.app_context():
        assert db.session.scalar(sa.select(sa.func.count()).select_from(sa.table(table))) == 1


def test_a_form_without_its_version_overwrites_nothing(app: Flask, client: FlaskClient, firm_id: int) -> None:
    people.sign_in(client, people.SCIENCE)
    sent = people.post(client, f"/firms/{firm_id}/rename", {"name": "温州另名有限公司", "on": "2026-01-02"})
    assert sent.status_code == 409
    with app.app_context():
        assert db.session.get_one(Firm, firm_id).name == "温州海诚智能装备有限公司"


def test_an_import_written_by_many_at_once_is_written_once(app: Flask, client: FlaskClient) -> None:
    people.sign_in(client, people.SCIENCE)
    lines = "".join(f"温州同写{number}有限公司\t甲路\n" for number in range(40))
    sent = people.post(
        client, "/firms/import", {"sheet": "registry", "mode": "both", "pasted": "企业名称\t地址\n" + lines}
    )
    browsers = [people.sign_in(app.test_client(), people.SCIENCE) for _ in range(4)]
    tokens = [people.csrf(browser) for browser in browsers]
    with ThreadPoolExecutor(4) as pool:
        answers = list(
            pool.map(
                lambda pair: pair[0].post(sent.headers["Location"] + "/write", data={"csrf_token": pair[1]}),
                zip(browsers, tokens, strict=True),
            )
        )
    assert [answer.status_code for answer in answers] == [303] * 4
    with app.app_context():
        assert db.session.scalar(sa.select(sa.func.count()).select_from(Firm)) == 40
