"""What is typed is kept on the server, for the person alone, until it is saved."""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from crm.accounts.models import User, UserSession
from crm.core import audit, drafts, jobs
from crm.core.clock import now
from crm.core.db import db, writing
from crm.core.drafts import Draft
from crm.core.permissions import system
from crm.core.transaction import commit
from crm.firms import actions
from crm.firms.models import Firm
from crm.ops.jobs import work_once
from tests import people

ROBOT = system("tests")


def text(response: Any) -> str:
    return str(response.get_data(as_text=True))


@pytest.fixture
def firm_id(app: Flask) -> int:
    with app.app_context():
        writing()
        session = db.session()
        firm = actions.register(
            session, actor=ROBOT, today=dt.date(2026, 11, 23), name="温州拓屿机械有限公司"
        )
        commit(session)
        found = firm.id
        db.session.remove()
    return found


def keep(client: FlaskClient, form: str, *pairs: tuple[str, str], version: str = "1") -> Any:
    typed = json.dumps([list(pair) for pair in pairs])
    return people.post(client, "/drafts", {"form": form, "typed": typed, "version": version})


def count(app: Flask) -> int:
    with app.app_context():
        found = db.session.scalar(sa.select(sa.func.count()).select_from(Draft))
        db.session.remove()
    return found or 0


def test_a_draft_is_offered_when_the_form_is_opened_again(client: FlaskClient, firm_id: int) -> None:
    people.sign_in(client, people.SCIENCE)
    form = f"/firms/{firm_id}/rename"
    sent = keep(client, form, ("name", "温州新名<b>有限公司"), ("on", "2026-11-02"))
    assert sent.status_code == 200 and "已暂存" in sent.json["told"]
    assert keep(client, form, ("name", "温州后来的<b>有限公司")).status_code == 200
    page = text(client.get(form))
    offered = re.search(r"data-draft-values>(.*?)</script>", page)
    assert "留下了未保存的内容" in page and offered and "<b>" not in page
    assert json.loads(offered[1]) == {"values": [["name", "温州后来的<b>有限公司"]], "version": "1"}
    assert "data-draft-offer" not in text(client.get(f"/firms/{firm_id}/move")), "another form has none"


def test_a_draft_is_nobody_elses(app: Flask, client: FlaskClient, firm_id: int) -> None:
    people.sign_in(client, people.SCIENCE)
    keep(client, f"/firms/{firm_id}/rename", ("name", "温州私密有限公司"))
    other = people.sign_in(app.test_client(), people.SCIENCE_2)
    assert "data-draft-offer" not in text(other.get(f"/firms/{firm_id}/rename"))
    people.post(other, "/drafts/drop", {"form": f"/firms/{firm_id}/rename"})
    assert count(app) == 1


def test_saving_drops_the_draft_and_a_refusal_keeps_it(app: Flask, client: FlaskClient, firm_id: int) -> None:
    people.sign_in(client, people.SCIENCE)
    form = f"/firms/{firm_id}/rename"
    keep(client, form, ("name", "温州新名有限公司"))
    refused = people.post(client, form, {"version": "1", "name": "", "on": "2026-11-02"})
    assert refused.status_code == 422 and "data-draft-offer" not in text(refused), "it came back filled"
    assert count(app) == 1
    saved = people.post(client, form, {"version": "1", "name": "温州新名有限公司", "on": "2026-11-02"})
    assert saved.status_code == 303 and count(app) == 0


def test_a_draft_can_be_thrown_away(app: Flask, client: FlaskClient, firm_id: int) -> None:
    people.sign_in(client, people.SCIENCE)
    keep(client, "/firms/new", ("name", "温州草稿有限公司"))
    assert people.post(client, "/drafts/drop", {"form": "/firms/new"}).status_code == 204
    assert count(app) == 0


@pytest.mark.parametrize(
    "form",
    [
        "/account/password",
        "/sign-in",
        "/second-factor",
        "/nowhere",
        "/roles",
        "//evil",
        "",
        "/drafts",
        "x" * 300,
    ],
)
def test_passwords_codes_and_what_is_no_form_have_no_drafts(
    app: Flask, client: FlaskClient, form: str
) -> None:
    people.sign_in(client, people.SYSTEM_ADMIN)
    assert keep(client, form, ("password", "secret")).status_code == 404
    assert count(app) == 0


def test_a_form_one_may_not_send_has_no_draft(client: FlaskClient, firm_id: int) -> None:
    people.sign_in(client, people.READ_ONLY)
    assert keep(client, f"/firms/{firm_id}/rename", ("name", "x")).status_code == 404


@pytest.mark.parametrize("typed", ["{", "[1]", "[[1]]", "[" * 100_000, "null", '"x"', '[["a","b","c"]]'])
def test_an_unreadable_draft_is_refused(app: Flask, client: FlaskClient, typed: str) -> None:
    people.sign_in(client, people.SCIENCE)
    sent = people.post(client, "/drafts", {"form": "/firms/new", "typed": typed})
    assert sent.status_code in (200, 400, 422)
    assert sent.status_code != 200 or typed == "null"


def test_a_draft_has_a_size(app: Flask, client: FlaskClient) -> None:
    people.sign_in(client, people.SCIENCE)
    refused = keep(client, "/firms/new", ("business", "长" * 70_000))
    assert refused.status_code == 422 and "没有暂存" in text(refused)
    assert keep(client, "/firms/new", ("business", "𠮷\0㐂" * 100)).status_code == 200
    assert count(app) == 1


def test_one_persons_drafts_have_a_number(app: Flask) -> None:
    with app.app_context():
        writing()
        session = db.session()
        for place in range(drafts.MOST_DRAFTS + 5):
            at = now() + dt.timedelta(seconds=place)
            drafts.keep(session, 1, f"/firms/{place}/rename", [("name", "x")], version="1", at=at)
        commit(session)
        kept = set(session.scalars(sa.select(Draft.form)))
        db.session.remove()
    assert len(kept) == drafts.MOST_DRAFTS and "/firms/0/rename" not in kept


def test_a_form_after_the_session_is_over_is_kept_and_leads_back(
    app: Flask, client: FlaskClient, firm_id: int
) -> None:
    people.sign_in(client, people.SCIENCE)
    form = f"/firms/{firm_id}/rename"
    with client.session_transaction() as cookie:
        cookie["seen"] = cookie["seen"] - 3 * 3600
    sent = people.post(client, form, {"version": "1", "name": "温州超时有限公司", "on": "2026-11-02"})
    assert sent.status_code == 303 and sent.headers["Location"].endswith(f"/sign-in?next={form}")
    with app.app_context():
        assert db.session.get_one(Firm, firm_id).name == "温州拓屿机械有限公司"
        owner = people.id_of(db.session(), people.SCIENCE)
        draft = db.session.scalars(sa.select(Draft)).one()
        assert (draft.user_id, draft.form, draft.version_seen) == (owner, form, "1")
        assert draft.values == [["name", "温州超时有限公司"], ["on", "2026-11-02"]]
        db.session.remove()
    people.sign_in(client, people.SCIENCE)
    assert "data-draft-offer" in text(client.get(form))


@pytest.mark.parametrize("how", ["ended", "closed", "nobody"])
def test_a_form_of_an_ended_session_or_a_stranger_is_not_kept(
    app: Flask, client: FlaskClient, firm_id: int, how: str
) -> None:
    people.sign_in(client, people.SCIENCE)
    with app.app_context():
        writing()
        session = db.session()
        audit.begin(session, actor=ROBOT, action="person.edit")
        if how == "ended":
            session.scalars(sa.select(UserSession)).one().ended_at = now()
        elif how == "closed":
            session.get_one(User, people.id_of(session, people.SCIENCE)).is_active = False
        commit(session)
        db.session.remove()
    if how == "nobody":
        with client.session_transaction() as cookie:
            cookie.clear()
    sent = people.post(client, f"/firms/{firm_id}/rename", {"name": "x"})
    assert sent.status_code == 303 and "/sign-in" in sent.headers["Location"]
    assert count(app) == 0


def test_drafts_go_after_two_weeks(app: Flask) -> None:
    with app.app_context():
        writing()
        session = db.session()
        for days in (1, 13, 15):
            at = now() - dt.timedelta(days=days)
            drafts.keep(session, 1, f"/firms/{days}/rename", [("name", "x")], version="1", at=at)
        commit(session)
        db.session.remove()
    with app.app_context():
        jobs.enqueue(db.session(), "ops.tidy", actor=system("tests"))
        commit()
        db.session.remove()
    assert work_once(app) == 1
    assert count(app) == 2


def test_drafts_leave_no_trace_in_the_audit(app: Flask, client: FlaskClient) -> None:
    people.sign_in(client, people.SCIENCE)
    with app.app_context():
        before = db.session.scalar(sa.select(audit.AuditHead.seq))
        db.session.remove()
    keep(client, "/firms/new", ("name", "温州草稿有限公司"))
    with app.app_context():
        assert db.session.scalar(sa.select(audit.AuditHead.seq)) == before
        db.session.remove()
