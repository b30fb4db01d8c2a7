"""Many next steps go to somebody else at once: each row has its result, and all of it is taken back as one."""

from __future__ import annotations

import datetime as dt
import re

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from crm.accounts.models import User
from crm.activities import actions
from crm.activities.actions import Planned
from crm.activities.models import InboxItem, NextStep, StepMove
from crm.activities.rules.words import ActivityKind
from crm.core import audit
from crm.core.audit import AuditEnvelope
from crm.core.clock import now, today
from crm.core.permissions import system
from crm.core.transaction import commit
from crm.overview.models import BulkRow, BulkRun
from crm.overview.rules.bulk import BulkResult
from crm.projects.rules.words import Confidentiality, Stage
from tests import people
from tests.activities.test_pages import a_firm, entry, statements
from tests.projects.cast import a_lead, bring

DAY = dt.timedelta(1)


def a_step(session: Session, firm_id: int, text: str, owner: people.Person = people.SCIENCE,
           giver: people.Person = people.SCIENCE) -> NextStep:  # fmt: skip
    made = entry(session, firm_id, giver, step=Planned(text, today(), people.id_of(session, owner)))
    return session.scalars(sa.select(NextStep).where(NextStep.activity_id == made.id)).one()


def ask(client: FlaskClient, ids: list[int], to: int, key: str = "steps") -> str:
    """Choose steps and whom they go to; the address of the question."""
    sent = people.post(client, f"/lists/{key}/bulk", {"ids": ids, "set": f"owner_id:{to}"})
    assert sent.status_code == 303, sent.text
    return str(sent.headers["Location"])


def hand(client: FlaskClient, ids: list[int], to: int, reason: str = "轮岗") -> str:
    """Hand over, and the page of the result."""
    done = people.post(client, ask(client, ids, to), {"reason": reason})
    assert done.status_code == 303, done.text
    return client.get(done.headers["Location"]).text


def owners(session: Session, steps: list[NextStep]) -> list[int]:
    session.expire_all()
    return [
        session.get_one(NextStep, key).owner_id for key in [sa.inspect(step).identity[0] for step in steps]
    ]


def last(session: Session, action: str) -> AuditEnvelope:
    session.rollback()
    return session.scalars(
        sa.select(AuditEnvelope).where(AuditEnvelope.action == action).order_by(AuditEnvelope.seq.desc())
    ).first()  # type: ignore[return-value]


def test_those_chosen_go_over_with_the_reason_and_the_receiver_is_told(
    client: FlaskClient, session: Session
) -> None:
    firm, me, to = (
        a_firm(session),
        people.id_of(session, people.SCIENCE),
        people.id_of(session, people.FINANCE),
    )
    steps = [a_step(session, firm, f"第{n}件") for n in range(3)]
    ids = [step.id for step in steps]
    people.sign_in(client, people.SCIENCE)
    assert "转交给" in client.get("/steps/all").text
    question = client.get(ask(client, ids[:2], to)).text
    assert (
        "第0件（温州岚屿泵阀有限公司）" in question
        and "第2件" not in question
        and "转交给 → 金书瑶" in question
    )
    assert owners(session, steps) == [me] * 3, "asking moves nothing"
    page = hand(client, ids[:2], to)
    assert "已完成 2 行，共选 2 行" in page and f"/steps/{ids[0]}" in page and "温州岚屿泵阀" in page
    run = session.scalar(sa.select(sa.func.max(BulkRun.id)))
    session.rollback()
    assert "第1件（温州岚屿泵阀有限公司）,完成" in client.get(f"/bulk/{run}/result.csv").data.decode(
        "utf-8-sig"
    )
    assert owners(session, steps) == [to, to, me]
    moves = session.scalars(sa.select(StepMove).order_by(StepMove.step_id)).all()
    assert [(move.step_id, move.from_owner_id, move.to_owner_id, move.reason) for move in moves] == [
        (key, me, to, "轮岗") for key in ids[:2]
    ]
    told = session.scalars(sa.select(InboxItem).where(InboxItem.user_id == to)).all()
    assert {item.step_id for item in told} == set(ids[:2])
    assert session.get_one(NextStep, ids[0]).given_by_id == me, "seen among those given to others"


def test_a_great_many_are_one_line_in_the_inbox(client: FlaskClient, session: Session) -> None:
    firm, to = a_firm(session), people.id_of(session, people.FINANCE)
    steps = [a_step(session, firm, f"第{n}件").id for n in range(11)]
    people.sign_in(client, people.SCIENCE)
    hand(client, steps, to)
    told = session.scalars(sa.select(InboxItem).where(InboxItem.user_id == to)).one()
    assert told.code == "steps-handed-over"
    people.sign_in(client, people.FINANCE)
    page = client.get("/inbox").text
    assert "叶知秋 转给您 11 件下一步" in page and "/steps/all?whose=mine" in page


def test_one_handed_over_to_who_gave_it_has_no_giver_any_more(client: FlaskClient, session: Session) -> None:
    step = a_step(session, a_firm(session), "还给他", people.SCIENCE, people.LEADER)
    to = people.id_of(session, people.LEADER)
    people.sign_in(client, people.SCIENCE)
    hand(client, [step.id], to)
    assert owners(session, [step]) == [to] and session.get_one(NextStep, step.id).given_by_id is None


def test_to_nobody_who_is_not_in_use_any_more(client: FlaskClient, session: Session) -> None:
    step = a_step(session, a_firm(session), "送政策")
    me, to = people.id_of(session, people.SCIENCE), people.id_of(session, people.FINANCE)
    people.sign_in(client, people.SCIENCE)
    question = ask(client, [step.id], to)
    audit.begin(session, actor=system("tests"), action="person.edit", name="-")
    session.get_one(User, to).is_active = False
    commit(session)
    answer = people.post(client, question, {"reason": "轮岗"})
    assert answer.status_code == 422 and "轮岗" in answer.text
    assert owners(session, [step]) == [me]


def test_every_row_says_what_became_of_it(client: FlaskClient, session: Session) -> None:
    firm = a_firm(session)
    to = people.id_of(session, people.FINANCE)
    texts = ("转得走", "别人改过", "别人的", "已办", "他自己的")
    good, late, foreign, closed, his = (
        a_step(session, firm, text, people.REPORTER if text == "别人的" else people.FINANCE if text == "他自己的" else people.SCIENCE,
               people.REPORTER if text == "别人的" else people.SCIENCE)
        for text in texts
    )  # fmt: skip
    science = people.actor(session, people.SCIENCE)
    actions.finish(session, closed, actor=science, at=now(), today=today())
    commit(session)
    ids = [step.id for step in (good, late, foreign, closed, his)]
    people.sign_in(client, people.SCIENCE)
    question = ask(client, ids, to)
    assert "1 行，会跳过并说明" in client.get(question).text
    actions.put_off(
        session, session.get_one(NextStep, ids[1]), actor=science, today=today(), due_on=today() + 2 * DAY
    )
    commit(session)
    page = people.post(client, question, {"reason": "轮岗"})
    page = client.get(page.headers["Location"]).text
    session.rollback()
    found = session.execute(sa.select(BulkRow.row_id, BulkRow.result))
    assert dict(iter(found)) == dict(zip(ids, (
        BulkResult.DONE, BulkResult.CHANGED, BulkResult.REFUSED, BulkResult.REFUSED, BulkResult.UNCHANGED,
    ), strict=True))  # fmt: skip
    for text in (*texts, "叶知秋 于", "只有经办人和交办人可以改这一步", "这一步已经办结", "本来就是这样"):
        assert text in page, text
    session.expire_all()
    assert session.get_one(NextStep, ids[1]).owner_id == science.user_id, (
        "what changed since is not overwritten"
    )
    left = session.scalars(sa.select(InboxItem).where(InboxItem.user_id == science.user_id)).all()
    assert [item.code for item in left] == ["bulk-left"]


def test_it_is_one_operation_with_what_it_changed_and_its_way_back(
    client: FlaskClient, session: Session
) -> None:
    firm, me, to = (
        a_firm(session),
        people.id_of(session, people.SCIENCE),
        people.id_of(session, people.FINANCE),
    )
    own = a_step(session, firm, "自己的")
    given = a_step(session, firm, "领导交办的", people.SCIENCE, people.LEADER)
    people.sign_in(client, people.SCIENCE)
    hand(client, [own.id, given.id], to)
    envelope = last(session, "step.hand-over-many")
    page = client.get("/operations").text
    assert "批量转交下一步" in page and "下一步 2" in page and "下一步变动 2" in page
    assert "批量转交下一步" in client.get("/operations?kind=step").text.split("<tbody>")[1]
    shown = client.get(f"/operations/{envelope.operation}").text
    for text in ("自己的", "领导交办的", "经办人", "叶知秋", "金书瑶", "轮岗", "打开它的结果页"):
        assert text in shown, text
    assert "owner_id" not in shown and "from_owner_id" not in shown and "不显示" not in shown
    assert people.post(client, f"/operations/{envelope.operation}/undo").status_code == 303
    assert owners(session, [own, given]) == [me, me]
    assert session.scalars(sa.select(StepMove)).all() == []
    assert session.get_one(NextStep, own.id).given_by_id is None
    assert (
        people.post(client, f"/operations/{last(session, 'operation.undone').operation}/undo").status_code
        == 303
    )
    assert owners(session, [own, given]) == [to, to]


def test_a_single_handover_stands_there_too_and_comes_back(client: FlaskClient, session: Session) -> None:
    step = a_step(session, a_firm(session), "送政策", people.SCIENCE, people.LEADER)
    me, to = people.id_of(session, people.SCIENCE), people.id_of(session, people.FINANCE)
    people.sign_in(client, people.SCIENCE)
    sent = people.post(client, f"/steps/{step.id}/hand-over", {"version": step.version, "owner": str(to)})
    undo = re.search(r'action="(/operations/[0-9a-f]{32}/undo)"', client.get(sent.headers["Location"]).text)
    assert undo is not None, "the toast offers the way back"
    assert "转交下一步" in client.get("/operations?work=edit").text.split("<tbody>")[1]
    assert owners(session, [step]) == [to]
    assert people.post(client, undo[1]).status_code == 303
    assert owners(session, [step]) == [me]


def test_it_is_not_taken_back_over_what_was_done_since(client: FlaskClient, session: Session) -> None:
    firm, to = a_firm(session), people.id_of(session, people.FINANCE)
    steps = [a_step(session, firm, text) for text in ("办了的", "又转走的")]
    people.sign_in(client, people.SCIENCE)
    hand(client, [step.id for step in steps], to)
    operation = last(session, "step.hand-over-many").operation
    finance = people.actor(session, people.FINANCE)
    session.expire_all()
    actions.finish(session, steps[0], actor=finance, at=now(), today=today())
    commit(session)
    assert "已经办结" in client.get(f"/operations/{operation}").text, "said before anybody presses"
    answer = people.post(client, f"/operations/{operation}/undo")
    assert answer.status_code == 422 and "办了的" in answer.text and "已经办结" in answer.text
    actions.reopen(session, steps[0], actor=finance)
    commit(session)
    other = people.id_of(session, people.REPORTER)
    actions.hand_over(session, steps[1], actor=finance, at=now(), today=today(), owner_id=other)
    commit(session)
    answer = people.post(client, f"/operations/{operation}/undo")
    assert answer.status_code == 422 and "转交下一步" in answer.text and "金书瑶" in answer.text
    assert owners(session, steps) == [to, other]


@pytest.mark.parametrize(
    ("person", "status"),
    [(people.SCIENCE, 303), (people.FINANCE, 303), (people.SUPERVISOR, 403), (people.READ_ONLY, 403)],
    ids=lambda value: value.username if isinstance(value, people.Person) else str(value),
)
def test_who_did_it_or_has_the_steps_now_takes_it_back(
    client: FlaskClient, session: Session, person: people.Person, status: int
) -> None:
    step = a_step(session, a_firm(session), "领导交办的", people.SCIENCE, people.LEADER)
    people.sign_in(client, people.SCIENCE)
    hand(client, [step.id], people.id_of(session, people.FINANCE))
    operation = last(session, "step.hand-over-many").operation
    people.sign_in(client, person)
    assert people.post(client, f"/operations/{operation}/undo").status_code == status
    assert owners(session, [step]) == [
        people.id_of(session, people.SCIENCE if status == 303 else people.FINANCE)
    ]


def test_who_may_not_see_the_record_sees_neither_step_nor_reason(
    client: FlaskClient, session: Session
) -> None:
    project = bring(session, a_lead(session, confidentiality=Confidentiality.TEAM), Stage.NEGOTIATION)
    step = session.scalars(sa.select(NextStep).where(NextStep.subject_id == project.id)).first()
    assert step is not None
    text, ids = step.text, [step.id]
    people.sign_in(client, people.INVESTMENT)
    page = hand(client, ids, people.id_of(session, people.FINANCE), "澄观项目换人")
    assert "这位人员不能查看这条记录" in page, "who could not open it is not given it"
    hand(client, ids, people.id_of(session, people.LEADER), "澄观项目换人")
    operation = last(session, "step.hand-over-many").operation
    assert "澄观项目换人" in client.get(f"/operations/{operation}").text
    people.sign_in(client, people.FINANCE)
    assert "批量转交下一步" in client.get("/operations").text
    shown = client.get(f"/operations/{operation}").text
    assert text not in shown and "澄观项目换人" not in shown and "2 处：不在您可以查看的范围内" in shown
    assert people.post(client, f"/operations/{operation}/undo").status_code == 403
    sent = people.post(client, ask_any(client, ids), {"reason": ""}) if ask_any(client, ids) else None
    assert sent is None, "steps one may not see are not chosen"


def ask_any(client: FlaskClient, ids: list[int]) -> str:
    """The address of the question, or nothing when there was none to choose."""
    sent = people.post(client, "/lists/steps/bulk", {"ids": ids, "set": "owner_id:1"})
    place = str(sent.headers.get("Location", ""))
    return place if "/bulk/" in place else ""


def test_instructions_are_handed_over_from_their_list(client: FlaskClient, session: Session) -> None:
    made = entry(session, a_firm(session), people.LEADER, kind=ActivityKind.INSTRUCTION,
                 step=Planned("请答复", today(), people.id_of(session, people.SCIENCE)))  # fmt: skip
    step = session.scalars(sa.select(NextStep).where(NextStep.activity_id == made.id)).one()
    people.sign_in(client, people.LEADER)
    assert "转交给" in client.get("/instructions").text
    to = people.id_of(session, people.FINANCE)
    done = people.post(client, ask(client, [step.id], to, "instructions"), {"reason": ""})
    assert done.status_code == 303 and owners(session, [step]) == [to]


def test_those_who_keep_no_steps_have_nothing_to_choose(client: FlaskClient, session: Session) -> None:
    step = a_step(session, a_firm(session), "送政策")
    for person, status in ((people.READ_ONLY, 403), (people.SYSTEM_ADMIN, 404)):
        people.sign_in(client, person)
        assert (
            people.post(client, "/lists/steps/bulk", {"ids": [step.id], "set": "owner_id:1"}).status_code
            == status
        )
    people.sign_in(client, people.LEADER)
    assert (
        people.post(
            client, "/lists/firms/bulk", {"ids": [1], "set": "leading_industry:life-health"}
        ).status_code
        == 403
    )
    session.rollback()
    assert session.scalars(sa.select(BulkRun)).all() == []


def test_twice_the_steps_take_no_more_statements_to_show(
    app: Flask, client: FlaskClient, session: Session
) -> None:
    firm, to = a_firm(session), people.id_of(session, people.FINANCE)
    people.sign_in(client, people.SCIENCE)
    counts = []
    for n, owner in ((2, people.SCIENCE), (4, people.SCIENCE)):
        ids = [a_step(session, firm, f"{n}-{i}", owner).id for i in range(n)]
        hand(client, ids, to)
        operation = last(session, "step.hand-over-many").operation
        run = session.scalar(sa.select(sa.func.max(BulkRun.id)))
        session.rollback()
        with statements(app) as seen:
            assert client.get(f"/operations/{operation}").status_code == 200
            assert client.get(f"/bulk/{run}").status_code == 200
            assert client.get("/steps/all").status_code == 200
        counts.append(len(seen))
    assert counts[0] == counts[1]
