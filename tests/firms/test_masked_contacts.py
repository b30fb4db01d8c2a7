"""A phone number somebody may not reveal does not show by another way either."""

from __future__ import annotations

import datetime as dt

from flask import Flask
from flask.testing import FlaskClient

from crm.core import audit
from crm.core.db import db, writing
from crm.core.permissions import system
from crm.core.transaction import commit
from crm.firms import actions
from tests import people

ROBOT = system("tests")
TODAY = dt.date(2026, 11, 23)


def test_the_preview_of_an_import_masks_the_number_it_would_replace(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        writing()
        session = db.session()
        audit.begin(session, actor=ROBOT, action="tests.contact")
        firm = actions.register(session, actor=ROBOT, today=TODAY, name="温州海诚智能装备有限公司")
        actions.save_contact(
            session, firm, actor=ROBOT, name="林知远", phone="13857700123", email="zhiyuan@example.com"
        )
        commit(session)
        db.session.remove()
    people.sign_in(client, people.SCIENCE)
    sheet = "企业名称\t姓名\t电话\t邮箱\n温州海诚智能装备有限公司\t林知远\t13900000001\tnew@example.com\n"
    sent = people.post(client, "/firms/import", {"sheet": "contacts", "mode": "both", "pasted": sheet})
    page = client.get(sent.headers["Location"] + "?outcome=changed").text
    assert "13900000001" in page and "138****0123" in page
    assert "13857700123" not in page and "zhiyuan@example.com" not in page
