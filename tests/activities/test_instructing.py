"""An instruction is given in one short form; who waits for what is a list anybody may read who may see the records."""

from __future__ import annotations

import datetime as dt
import re

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from crm.activities import actions, queries
from crm.activities.actions import Planned
from crm.activities.models import Activity, InboxItem, NextStep
from crm.activities.rules.steps import asked_of
from crm.activities.rules.words import ActivityKind, StepState
from crm.core import audit
from crm.core.clock import now, today
from crm.core.transaction import commit
from crm.firms import actions as registry
from crm.firms.models import Firm
from tests import people


def a_firm(
    session: Session, name: str = "温州岚屿泵阀有限公司", officer: people.Person | None = None
) -> Firm:
    made = registry.register(
        session, actor=people.actor(session, people.SCIENCE), today=today(), name=name,
        officer_id=people.id_of(session, officer) if officer else None,
    )  # fmt: skip
    commit(session)
    return made


def a_step(
    session: Session, firm: Firm, owner: people.Person, due_in: int = 3, giver: people.Person = people.SCIENCE,
    kind: ActivityKind = ActivityKind.VISIT, text: str = "送政策",
) -> NextStep:  # fmt: skip
    entry = actions.log(
        session, actor=people.actor(session, giver), at=now(), today=today(), kind=kind, on=today(), summary="经过",
        subjects=[("firm", firm.id)],
        step=Planned(text, today() + dt.timedelta(max(due_in, 0)), people.id_of(session, owner)),
    )  # fmt: skip
    step = session.scalars(sa.select(NextStep).where(NextStep.activity_id == entry.id)).one()
    step.due_on = today() + dt.timedelta(due_in)  # within the operation: a step is late by getting old
    commit(session)
    return step


def test_a_leader_instructs_from_a_firm_in_two_taps(client: FlaskClient, session: Session) -> None:
    """A tap on 批示, the words, a tap on 发出: who answers and by when are chosen already."""
    firm = a_firm(session, officer=people.FINANCE)
    people.sign_in(client, people.LEADER)
    page = client.get(f"/firms/{firm.id}").text
    link = re.search(r'href="(/records/[^"]*/instruct[^"]*)"', page)
    assert link is not None
    form = client.get(link[1].replace("&amp;", "&")).text
    owner = re.search(r'<option selected value="(\d+)">金书瑶', form)
    due = re.search(r'name="due_on"[^>]*value="([^"]*)"', form)
    assert owner is not None and due is not None and due[1] == (today() + dt.timedelta(7)).isoformat()
    answer = people.post(
        client, f"/records/firm/{firm.id}/instruct",
        {"summary": "本周内拿出方案\n不要让企业等", "owner": owner[1], "due_on": due[1]},
    )  # fmt: skip
    assert (answer.status_code, answer.location) == (303, f"/firms/{firm.id}")
    step = session.scalars(sa.select(NextStep)).one()
    assert (step.text, step.is_instruction, step.given_by_id) == (
        "本周内拿出方案", True, people.id_of(session, people.LEADER),
    )  # fmt: skip
    assert session.scalars(sa.select(Activity.summary)).one() == "本周内拿出方案\n不要让企业等"
    told = session.scalars(sa.select(InboxItem)).one()
    assert (told.user_id, told.code) == (people.id_of(session, people.FINANCE), "instruction")
    assert "本周内拿出方案" in client.get("/").text


def test_a_refused_instruction_comes_back_filled(client: FlaskClient, session: Session) -> None:
    firm, science = a_firm(session), people.id_of(session, people.SCIENCE)
    people.sign_in(client, people.LEADER)
    good = {"summary": "请拿出一个很具体的方案", "owner": str(science), "due_on": "下周三"}
    for fields, said in (
        ({"summary": " "}, "批示"),
        ({"owner": ""}, "由谁答复"),
        ({"owner": "99999999"}, "选项"),
        ({"due_on": "改天"}, "看不懂"),
        ({"due_on": "昨天"}, "不能早于今天"),
        ({"summary": "请 @不存在的人 看看这件事"}, "没有叫"),
        ({"summary": "长" * 5000}, "最多"),
    ):
        sent = {**good, **fields}
        answer = people.post(client, f"/records/firm/{firm.id}/instruct", sent)
        assert answer.status_code == 422, fields
        assert said in answer.text and sent["summary"].strip() in answer.text, fields
    assert session.scalar(sa.select(sa.func.count()).select_from(Activity)) == 0


@pytest.mark.parametrize("who", [people.SCIENCE, people.REPORTER, people.READ_ONLY, people.AUDITOR])
def test_who_may_not_instruct_is_not_offered_it(
    client: FlaskClient, session: Session, who: people.Person
) -> None:
    firm = a_firm(session)
    people.sign_in(client, who)
    assert "/instruct" not in client.get(f"/firms/{firm.id}").text
    assert client.get("/instructions").status_code == 403
    sent = {"summary": "试试", "owner": "1", "due_on": "明天"}
    assert people.post(client, f"/records/firm/{firm.id}/instruct", sent).status_code == 403


def test_a_record_that_is_not_there_takes_no_instruction(client: FlaskClient) -> None:
    people.sign_in(client, people.LEADER)
    for path in ("/records/firm/999999/instruct", "/records/nothing/1/instruct"):
        assert client.get(path).status_code == 404
        assert people.post(client, path, {"summary": "x"}).status_code == 404


def test_the_step_of_a_long_instruction_is_its_first_line() -> None:
    assert asked_of("\n  先办 这件 \n再说") == "先办 这件"
    assert len(asked_of("长" * 300)) == 200 and asked_of("长" * 300).endswith("…")
    assert asked_of("长" * 200) == "长" * 200


def found(client: FlaskClient, query: str, path: str = "/steps/all") -> set[str]:
    page = client.get(f"{path}?{query}").text
    body = re.search(r"<tbody>(.*)</tbody>", page, re.S)
    return set(re.findall(r'class="td-name"[^>]*>([^<]*)<', body[1])) if body else set()


def test_the_list_finds_whose_steps_how_near_and_of_which_unit(client: FlaskClient, session: Session) -> None:
    firm = a_firm(session)
    a_step(session, firm, people.SCIENCE, text="自己的")
    a_step(session, firm, people.FINANCE, -2, text="晚了的")
    late = a_step(
        session, firm, people.REPORTER, -1, people.LEADER, ActivityKind.INSTRUCTION, text="批示晚了"
    )
    done = a_step(session, firm, people.FINANCE, text="办完的")
    audit.begin(session, actor=people.actor(session, people.FINANCE), action="tests.done")
    done.state, done.closed_on = StepState.DONE, today()
    commit(session)
    people.sign_in(client, people.SCIENCE)
    unit = people.unit_id(session, "金融办")
    assert found(client, "") == {"自己的", "晚了的", "批示晚了"}
    assert found(client, "whose=mine") == {"自己的"}
    assert found(client, "whose=given") == {"晚了的"}
    assert found(client, "near=overdue") == {"晚了的", "批示晚了"}
    assert found(client, f"near=overdue&unit={unit}") == {"晚了的"}
    assert found(client, "what=instruction") == {"批示晚了"}
    assert found(client, "state=done") == {"办完的"} == found(client, f"state=any&closed={today()}")
    assert found(client, f"state=done&closed={today() + dt.timedelta(1)}") == set()
    assert found(client, "q=晚了") == {"晚了的", "批示晚了"}
    assert found(client, f"owner={people.id_of(session, people.FINANCE)}") == {"晚了的"}
    for strange in (
        "whose=x&near=x&state=x&unit=x&owner=x&closed=x",
        "unit=99999999999999999999",
        "near=%00",
    ):
        assert found(client, strange) == {"自己的", "晚了的", "批示晚了"}, strange
    people.sign_in(client, people.LEADER)
    assert found(client, "", "/instructions") == {"批示晚了"} == found(client, "whose=given", "/instructions")
    units = queries.late_by_unit(session, people.actor(session, people.LEADER), today=today())
    assert {(item.name, item.steps, item.instructions) for item in units} == {
        ("金融办", 1, 0),
        ("海城", 1, 1),
    }
    assert late.due_on == today() - dt.timedelta(1)


def test_who_may_not_see_a_record_sees_no_step_of_it(client: FlaskClient, session: Session) -> None:
    a_step(session, a_firm(session), people.FINANCE, -2, text="看不到的")
    for who in (people.SYSTEM_ADMIN, people.AUDITOR, people.STRANGER):
        viewer = people.actor(session, who)
        assert queries.late_by_unit(session, viewer, today=today()) == []
        waiting = queries.instructions(session, viewer, own=False, today=today(), since=today())
        assert (waiting.waiting, waiting.answered) == (0, 0)
        people.sign_in(client, who)
        assert client.get("/steps/all").status_code == 403
