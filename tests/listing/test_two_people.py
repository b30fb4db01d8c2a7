"""Two people over one candidate: the second saver gets both sides, nothing typed is lost, choosing saves."""

from __future__ import annotations

import datetime as dt
import re
from html import unescape

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from crm.core.clock import today
from crm.core.db import db
from crm.core.permissions import system
from crm.core.transaction import commit
from crm.listing import actions, queries
from crm.listing.models import Candidate, Obstacle
from crm.listing.rules.words import Board, HolderKind, Stage, State
from tests import people
from tests.listing.cast import ROBOT, TODAY, a_candidate, bring

# what is sent, and what of it stands on the page with both sides
FORMS: dict[str, tuple[dict[str, str], str]] = {
    "edit": ({"note": "我写的备注", "officer": "", "stock_code": "", "priority": ""}, "我写的备注"),
    "move": ({"stage": "tutoring", "reason": "我写的原因"}, "辅导备案"),
    "aside": ({"state": "ended", "reason": "我写的原因"}, "终止"),
    "resume": ({"reason": "我写的原因"}, "我写的原因"),
    "board": ({"board": "bse", "reason": "我写的原因"}, "北交所"),
    "archive": ({"reason": "我写的原因"}, "我写的原因"),
}


@pytest.mark.parametrize("name", FORMS)
def test_the_second_saver_sees_both_and_chooses(client: FlaskClient, session: Session, name: str) -> None:
    candidate = bring(session, a_candidate(session), Stage.REFORM)
    if name == "resume":
        actions.set_aside(
            session, candidate, actor=ROBOT, today=TODAY, state=State.SUSPENDED, on=TODAY, reason="等资料"
        )
        commit(session)
    number = candidate.id
    session.rollback()
    people.sign_in(client, people.FINANCE)
    address = f"/listing/{number}/{name}"
    version = re.search(r'name="version"[^>]*value="(\d+)"', client.get(address).text)
    assert version is not None
    # somebody else saves in between
    candidate = db.session().get_one(Candidate, number, populate_existing=True)
    common = {"actor": ROBOT, "today": TODAY, "on": TODAY, "reason": "对方写的原因"}
    if name == "resume":
        actions.resume(db.session(), candidate, **common)
    elif name in ("move", "aside"):
        actions.set_aside(db.session(), candidate, state=State.SUSPENDED, **common)
    elif name == "board":
        actions.change_board(db.session(), candidate, board=Board.MAIN, **common)
    else:
        actions.edit(db.session(), candidate, actor=ROBOT, today=TODAY, values={"note": "对方写的备注"})
    commit(db.session())
    sent, typed = FORMS[name]
    answer = people.post(client, address, {"version": version[1], "on": today().isoformat(), **sent})
    text = unescape(answer.text)
    assert answer.status_code == 409, text[:300]
    assert "两份都在，由您选" in text and typed in text
    if name == "edit":
        assert "对方写的备注" in text
    db.session().rollback()
    candidate = db.session().get_one(Candidate, number, populate_existing=True)
    assert (candidate.stage, candidate.archived_on) == (Stage.REFORM, None)
    assert candidate.note != "我写的备注" and candidate.board is not Board.BSE
    if name in ("edit", "board", "archive"):
        chosen = {
            field: "mine" if field.startswith("pick-") else unescape(value)
            for field, value in re.findall(
                r'name="((?:pick-|mine-|version|on|reason)[^"]*)" value="([^"]*)"', answer.text
            )
        }
        assert people.post(client, address, chosen).status_code == 303, name
        db.session().rollback()
        again = db.session().get_one(Candidate, number, populate_existing=True)
        assert (again.note == "我写的备注") is (name == "edit")
        assert (again.board is Board.BSE) is (name == "board")
        assert (again.archived_on is not None) is (name == "archive")


@pytest.mark.parametrize("name", ["plan", "shareholders"])
def test_a_plan_and_a_list_of_shareholders_are_not_overwritten_unseen(
    client: FlaskClient, session: Session, name: str
) -> None:
    candidate = a_candidate(session)
    day = dt.date(2027, 3, 1)
    actions.plan(session, candidate, actor=ROBOT, stage=Stage.REFORM, on=day)
    holding = [("张三", HolderKind.FOUNDER, 6000)]
    actions.set_holders(session, candidate, actor=ROBOT, today=today(), on=today(), holders=holding)
    commit(session)
    number = candidate.id
    session.rollback()
    people.sign_in(client, people.FINANCE)
    address = f"/listing/{number}/{name}"
    page = unescape(client.get(f"{address}?stage=reform").text)
    sent = dict(re.findall(r'name="(version|was_on|was_holders)"[^>]*value="([^"]*)"', page))
    assert sent.get("was_on", "2027-03-01") == "2027-03-01" and "version" in sent, sent
    colleague = system("colleague")
    candidate = db.session().get_one(Candidate, number, populate_existing=True)
    actions.plan(db.session(), candidate, actor=colleague, stage=Stage.REFORM, on=dt.date(2027, 4, 2))
    holding = [("张三", HolderKind.FOUNDER, 5500), ("对方创投", HolderKind.OUTSIDE, 1000)]
    actions.set_holders(db.session(), candidate, actor=colleague, today=today(), on=today(), holders=holding)
    commit(db.session())
    mine = {
        "plan": {"stage": "reform", "on": "2027-05-03"},
        "shareholders": {"on": today().isoformat(), "holders": "张三 50 创始人\nOak Hill 12 outside"},
    }[name]
    answer = people.post(client, address, {**sent, **mine})
    text = unescape(answer.text)
    assert answer.status_code == 409, text[:300]
    assert "system:colleague" in text  # who saved in between, though not one column of the candidate changed
    assert name == "plan" or "张三 55 创始人与实际控制人；对方创投 10 外部投资方" in text
    for told in {
        "plan": ("2027-03-01", "2027-04-02", "2027-05-03"),
        "shareholders": ("60", "对方创投", "Oak Hill"),
    }[name]:
        assert told in text, told
    chosen = {
        field: "mine" if field.startswith("pick-") else unescape(value)
        for field, value in re.findall(r'name="((?:pick-|mine-|version)[^"]*)" value="([^"]*)"', answer.text)
    }
    assert people.post(client, address, chosen).status_code == 303
    db.session().rollback()
    plans, owners = queries.plans_of(db.session(), number), queries.shareholders_of(db.session(), number)
    assert plans[Stage.REFORM] == (dt.date(2027, 5, 3) if name == "plan" else dt.date(2027, 4, 2))
    assert ("Oak Hill" in [row.name for row in owners]) is (name == "shareholders")
    history = unescape(client.get(f"/records/candidate/{number}/history").text)
    assert ("2027-04-02" in history) and ("2027-03-01" in history) and "55%" in history


def test_the_same_plan_again_changes_nothing(session: Session) -> None:
    candidate = a_candidate(session)
    for on in (dt.date(2027, 3, 1), dt.date(2027, 3, 1), None, None):
        actions.plan(session, candidate, actor=ROBOT, stage=Stage.REFORM, on=on)
        commit(session)
    assert candidate.version == 3  # as it was made, planned, and the plan taken away


def test_an_obstacle_is_settled_once_and_restoring_twice_is_said(
    client: FlaskClient, session: Session
) -> None:
    candidate = a_candidate(session)
    row = actions.raise_obstacle(
        session, candidate, actor=ROBOT, today=TODAY, text="土地证未办", due_on=TODAY,
        owner_id=people.id_of(session, people.FINANCE), unit_id=people.unit_id(session, "金融办"),
    )  # fmt: skip
    commit(session)
    number, key, version = candidate.id, row.id, str(row.version)
    session.rollback()
    people.sign_in(client, people.FINANCE)
    address = f"/listing/{number}/obstacles/{key}/settle"
    sent = {"version": version, "on": today().isoformat(), "outcome": "对方办妥"}
    assert people.post(client, address, sent).status_code == 303
    answer = people.post(client, address, {**sent, "outcome": "我写的结果"})
    assert answer.status_code in (409, 422), answer.status_code
    db.session().rollback()
    assert db.session().get_one(Obstacle, key, populate_existing=True).outcome == "对方办妥"
    assert people.post(client, f"/listing/{number}/restore", {"version": "1"}).status_code in (409, 422)
