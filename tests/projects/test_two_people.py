"""Two people over one project: the second saver gets both sides, nothing typed is lost, choosing saves."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from crm.core.clock import today
from crm.core.db import db
from crm.core.transaction import commit
from crm.projects import actions
from crm.projects.models import Project
from crm.projects.rules.words import Stage, State
from tests import people
from tests.projects.cast import ROBOT, TODAY, a_lead, a_team, bring

FORMS: dict[str, tuple[str, dict[str, str], str]] = {
    "save": ("edit/project", {"name": "我写的项目名", "investor": "我写的投资方", "confidentiality": "zone"}, "我写的项目名"),
    "move": ("move", {"stage": "site-visit", "reason": "我写的原因"}, "考察"),
    "aside": ("aside", {"state": "lost", "reason": "我写的原因"}, "流失"),
    "charge": ("charge", {"reason": "我写的原因"}, "我写的原因"),
    "firm": ("firm", {"firm": ""}, ""),
    "archive": ("archive", {"reason": "我写的原因"}, "我写的原因"),
}  # fmt: skip


def version_of(page: str) -> str:
    found = re.search(r'name="version"[^>]*value="(\d+)"', page) or re.search(
        r'value="(\d+)"[^>]*name="version"', page
    )
    assert found is not None
    return found[1]


@pytest.mark.parametrize("name", FORMS)
def test_the_second_saver_sees_both(client: FlaskClient, session: Session, name: str) -> None:
    project = bring(session, a_lead(session), Stage.NEGOTIATION)
    number = project.id
    team = a_team(session, liaison=people.INVESTMENT_2)
    session.rollback()
    person = people.BUREAU_HEAD
    people.sign_in(client, person)
    place, sent, typed = FORMS[name]
    address = f"/projects/{number}/{place}"
    page = client.get(address).text
    version = str(project.version) if name == "firm" else version_of(page)
    # somebody else saves in between
    project = db.session().get_one(Project, number, populate_existing=True)
    if name == "charge":
        actions.appoint(db.session(), project, actor=ROBOT, today=TODAY, team=team, on=TODAY, reason="轮岗")
    elif name in ("move", "aside"):
        actions.set_aside(
            db.session(), project, actor=ROBOT, today=TODAY, state=State.PAUSED, on=TODAY, reason="等批复"
        )
    else:
        actions.edit(db.session(), project, actor=ROBOT, today=TODAY, product="对方写的产品")
    commit(db.session())
    data: dict[str, Any] = {"version": version, "on": today().isoformat(), **sent}
    if name == "charge":
        data |= {
            "leader": str(team.leader_id), "lead_unit": str(team.lead_unit_id), "liaison": str(team.agent_id),
            "agent": str(team.agent_id),
        }  # fmt: skip
    answer = people.post(client, address, data)
    assert answer.status_code == 409, answer.text[:200]
    text = unescape(answer.text)
    assert "两份都在，由您选" in text
    if typed:
        assert typed in text
    if name == "save":
        assert "对方写的产品" in text
    db.session().rollback()
    project = db.session().get_one(Project, number, populate_existing=True)
    assert project.name != "我写的项目名" and project.archived_on is None


def test_choosing_saves(client: FlaskClient, session: Session) -> None:
    project = a_lead(session)
    number = project.id
    session.rollback()
    people.sign_in(client, people.INVESTMENT)
    address = f"/projects/{number}/edit/project"
    version = version_of(client.get(address).text)
    project = db.session().get_one(Project, number, populate_existing=True)
    actions.edit(db.session(), project, actor=ROBOT, today=TODAY, product="对方写的产品")
    commit(db.session())
    sent = {
        "version": version,
        "name": "我写的项目名",
        "investor": "我写的投资方",
        "confidentiality": "zone",
        "product": "我写的产品",
    }
    page = people.post(client, address, sent).text
    newer = version_of(page)
    picks = dict(re.findall(r'name="(mine-[a-z_]+)" value="([^"]*)"', page))
    answer = people.post(
        client, address,
        {"version": newer, "pick-": "", **{key: unescape(text) for key, text in picks.items()},
         **{key.replace("mine-", "pick-"): "mine" for key in picks if key != "mine-product"}, "pick-product": "theirs"},
    )  # fmt: skip
    assert answer.status_code == 303, answer.text[:300]
    db.session().rollback()
    project = db.session().get_one(Project, number, populate_existing=True)
    assert (project.name, project.product) == ("我写的项目名", "对方写的产品")


def test_a_double_click_on_the_lead_form_makes_one(client: FlaskClient, session: Session) -> None:
    people.sign_in(client, people.INVESTMENT)
    sent = {"investor": "翎图视觉", "name": "检测产线", "source": "fair", "step": "电话", "due_on": "明天"}
    assert people.post(client, "/projects/new", sent).status_code == 303
    again = people.post(client, "/projects/new", sent)
    assert again.status_code == 422 and "已经首报" in again.text
    assert db.session().query(Project).count() == 1
