"""One step on its page, changed by two at once; steps as a list that is taken away."""

from __future__ import annotations

import datetime as dt
import re
from html import unescape

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from crm.activities import actions
from crm.activities.actions import Planned
from crm.activities.models import NextStep
from crm.activities.rules.words import ActivityKind, StepState
from crm.core.clock import now, today
from crm.core.transaction import commit
from tests import people
from tests.activities.test_pages import a_firm, entry

DAY = dt.timedelta(1)


def a_step(session: Session, owner: people.Person, **more: object) -> NextStep:
    """A step given to `owner` by the science officer (an instruction by the leader)."""
    kind = more.pop("kind", ActivityKind.VISIT)
    giver = people.LEADER if kind is ActivityKind.INSTRUCTION else people.SCIENCE
    planned = Planned("送政策", today(), people.id_of(session, owner))
    made = entry(session, a_firm(session), giver, kind=kind, step=planned)
    return session.scalars(sa.select(NextStep).where(NextStep.activity_id == made.id)).one()


def put_off_by_giver(session: Session, step: NextStep) -> None:
    giver = people.actor(session, people.SCIENCE)
    actions.put_off(session, step, actor=giver, today=today(), due_on=today() + 3 * DAY, reason="对方出差")
    commit(session)


def chosen(page: str) -> dict[str, str]:
    return {
        name: "mine" if name.startswith("pick-") else value
        for name, value in re.findall(r'name="((?:pick-|mine-|version)[^"]*)" value="([^"]*)"', page)
    }


def test_two_who_put_a_step_off_see_both_days_and_choose(client: FlaskClient, session: Session) -> None:
    step = a_step(session, people.FINANCE)
    seen = step.version
    put_off_by_giver(session, step)
    people.sign_in(client, people.FINANCE)
    mine = {"version": seen, "due_on": (today() + 5 * DAY).isoformat(), "reason": "我的原因"}
    answer = people.post(client, f"/steps/{step.id}/put-off", mine)
    page = unescape(answer.text)
    assert answer.status_code == 409 and "两份都在，由您选" in page
    for day in (today(), today() + 3 * DAY, today() + 5 * DAY):
        assert day.isoformat() in page
    assert "我的原因" in page
    session.expire_all()
    assert session.get_one(NextStep, step.id).due_on == today() + 3 * DAY
    assert people.post(client, f"/steps/{step.id}/put-off", chosen(page)).status_code == 303
    session.expire_all()
    assert session.get_one(NextStep, step.id).due_on == today() + 5 * DAY


def test_who_hands_over_what_was_put_off_meanwhile_sees_the_new_day(
    client: FlaskClient, session: Session
) -> None:
    step = a_step(session, people.FINANCE)
    seen, other = step.version, people.id_of(session, people.INVESTMENT)
    put_off_by_giver(session, step)
    people.sign_in(client, people.FINANCE)
    answer = people.post(client, f"/steps/{step.id}/hand-over", {"version": seen, "owner": str(other)})
    page = unescape(answer.text)
    assert answer.status_code == 409
    for text in ("金书瑶", "林晓雯", (today() + 3 * DAY).isoformat()):
        assert text in page, text
    assert people.post(client, f"/steps/{step.id}/hand-over", chosen(page)).status_code == 303
    session.expire_all()
    assert session.get_one(NextStep, step.id).owner_id == other


@pytest.mark.parametrize(("verb", "typed"), [("done", "outcome"), ("drop", "reason")])
def test_what_ends_a_step_is_asked_again_on_the_page_as_it_is_now(
    client: FlaskClient, session: Session, verb: str, typed: str
) -> None:
    step = a_step(session, people.FINANCE)
    seen = step.version
    put_off_by_giver(session, step)
    people.sign_in(client, people.FINANCE)
    sent = {"version": seen, typed: "我写的话"}
    answer = people.post(client, f"/steps/{step.id}/{verb}", sent)
    assert answer.status_code == 409 and "刚刚被别人改过" in answer.text
    assert "我写的话" in answer.text and (today() + 3 * DAY).isoformat() in answer.text
    session.expire_all()
    assert session.get_one(NextStep, step.id).state is StepState.OPEN
    form = re.search(
        rf'action="/steps/{step.id}/{verb}".*?name="version" value="(\d+)"', answer.text, re.S
    ) or (re.search(rf'/steps/{step.id}/{verb}".*?value="(\d+)"', answer.text, re.S))
    assert form is not None
    again = people.post(client, f"/steps/{step.id}/{verb}", {**sent, "version": form[1]})
    assert again.status_code == 303, "pressed again, it goes through"


def test_a_step_that_was_ended_meanwhile_is_not_put_off(client: FlaskClient, session: Session) -> None:
    step = a_step(session, people.FINANCE)
    seen = step.version
    giver = people.actor(session, people.SCIENCE)
    actions.drop(session, step, actor=giver, at=now(), today=today(), reason="不需要了")
    commit(session)
    people.sign_in(client, people.FINANCE)
    answer = people.post(client, f"/steps/{step.id}/put-off", {"version": seen, "due_on": "明天"})
    assert answer.status_code == 409 and "不需要了" in answer.text


def test_only_who_may_give_an_instruction_up_is_offered_to(client: FlaskClient, session: Session) -> None:
    step = a_step(session, people.FINANCE, kind=ActivityKind.INSTRUCTION)
    people.sign_in(client, people.FINANCE)
    assert f"/steps/{step.id}/drop" not in client.get(f"/steps/{step.id}").text
    people.sign_in(client, people.LEADER)
    assert f"/steps/{step.id}/drop" in client.get(f"/steps/{step.id}").text


def test_steps_are_exported_as_far_as_exports_reach(client: FlaskClient, session: Session) -> None:
    a_step(session, people.REPORTER)
    own = entry(session, a_firm(session, "温州第二有限公司"), step=Planned("别人的事", today()))
    assert own.id
    asked = {"all": "1", "filter": "columns=due,subject,owner", "format": "csv"}
    people.sign_in(client, people.LEADER)
    lines = people.post(client, "/lists/steps/export", asked).data.decode("utf-8-sig").splitlines()
    assert lines[0] == "做什么,期限,对象,经办人"
    assert sorted(line.partition(",")[0] for line in lines[1:]) == ["别人的事", "送政策"]
    people.sign_in(client, people.REPORTER)
    lines = people.post(client, "/lists/steps/export", asked).data.decode("utf-8-sig").splitlines()
    assert [line.partition(",")[0] for line in lines[1:]] == ["送政策"]
    people.sign_in(client, people.READ_ONLY)
    assert people.post(client, "/lists/steps/export", asked).status_code in (403, 404)
