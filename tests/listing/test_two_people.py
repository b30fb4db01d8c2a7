"""Two people over one candidate: the second saver gets both sides, nothing typed is lost, choosing saves."""

from __future__ import annotations

import re
from html import unescape

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from crm.core.clock import today
from crm.core.db import db
from crm.core.transaction import commit
from crm.listing import actions
from crm.listing.models import Candidate, Obstacle
from crm.listing.rules.words import Board, Stage, State
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
