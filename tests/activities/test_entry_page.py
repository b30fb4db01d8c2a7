"""The page of an entry: all that belongs to it, and what it said before."""

from __future__ import annotations

import datetime as dt
import io

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from crm.activities import actions
from crm.activities.actions import Planned
from crm.activities.models import Activity, InboxItem, NextStep
from crm.activities.rules.entries import mentioned
from crm.core.clock import now, today
from crm.core.transaction import commit
from tests import people
from tests.activities import contents
from tests.activities.test_pages import a_firm, entry


def test_an_entry_shows_its_files_its_step_and_its_firms(client: FlaskClient, session: Session) -> None:
    firm_id = a_firm(session)
    people.sign_in(client, people.SCIENCE)
    sent = {
        "kind": "visit", "on": "今天", "summary": "看了车间", "step": "送用地政策", "due_on": "明天",
        "files": (io.BytesIO(contents.PDF), "方案.pdf"),
    }  # fmt: skip
    assert people.post(client, f"/records/firm/{firm_id}/log", sent).status_code == 303
    made, step = session.scalars(sa.select(Activity)).one(), session.scalars(sa.select(NextStep)).one()
    page = client.get(f"/activities/{made.id}").text
    for text in ("方案.pdf", "送用地政策", f"/steps/{step.id}", f'href="/firms/{firm_id}"'):
        assert text in page, text


def test_one_visit_to_several_firms_stands_on_the_timeline_of_each(
    client: FlaskClient, session: Session
) -> None:
    first, second = a_firm(session), a_firm(session, "温州拓屿精密机械有限公司")
    third = a_firm(session, "温州拓屿电子有限公司")
    people.sign_in(client, people.SCIENCE)
    sent = {"kind": "visit", "on": "今天", "summary": "一起看了三家的车间"}
    for also, said in (("拓屿", "请写全"), ("查无此家", "没有找到「查无此家」")):
        answer = people.post(client, f"/records/firm/{first}/log", {**sent, "also": also})
        assert answer.status_code == 422 and said in answer.text and f'value="{also}"' in answer.text
        assert '<details class="td-aside" open>' in answer.text, "what is wrong is in sight"
    names = "拓屿精密、 温州拓屿电子有限公司、岚屿"
    assert people.post(client, f"/records/firm/{first}/log", {**sent, "also": names}).status_code == 303
    made = session.scalars(sa.select(Activity)).one()
    for firm_id in (first, second, third):
        assert "一起看了三家的车间" in client.get(f"/records/firm/{firm_id}/timeline").text
        assert f'href="/firms/{firm_id}"' in client.get(f"/activities/{made.id}").text


def test_names_that_fit_are_listed_in_the_readers_language(client: FlaskClient, session: Session) -> None:
    first = a_firm(session)
    a_firm(session, "温州拓屿精密机械有限公司"), a_firm(session, "温州拓屿电子有限公司")
    people.sign_in(client, people.SCIENCE)
    people.post(client, "/language", {"language": "en"})
    sent = {"kind": "visit", "on": "today", "summary": "看了车间", "also": "拓屿"}
    page = people.post(client, f"/records/firm/{first}/log", sent).text
    assert "有限公司, 温州拓屿" in page and "有限公司、" not in page


def test_what_an_entry_said_before_is_read_by_all_who_may_read_it(
    client: FlaskClient, session: Session
) -> None:
    made = entry(session, a_firm(session), summary="原来写的话", their_people="叶总")
    people.sign_in(client, people.SCIENCE)
    assert "修改过" not in client.get(f"/activities/{made.id}").text
    sent = {"kind": "call", "on": "昨天", "summary": "后来写的话", "their_people": "李总", "version": "1"}
    assert people.post(client, f"/activities/{made.id}/edit", sent).status_code == 303
    people.sign_in(client, people.READ_ONLY)
    page = client.get(f"/activities/{made.id}").text
    for text in ("修改过", "<del>原来写的话</del>", "<del>走访</del>", f"<del>{today()}</del>", "叶知秋"):
        assert text in page, text
    assert "叶总" not in page, "a person of the firm is no part of a history"


def test_a_withdrawn_entry_is_not_changed(client: FlaskClient, session: Session) -> None:
    made = entry(session, a_firm(session))
    me = people.actor(session, people.SCIENCE)
    actions.withdraw(session, made, actor=me, today=today(), version=None, reason="记错了企业")
    commit(session)
    people.sign_in(client, people.SCIENCE)
    sent = {"kind": "call", "on": "今天", "summary": "偷偷改", "version": str(made.version)}
    answer = people.post(client, f"/activities/{made.id}/edit", sent)
    assert answer.status_code == 422 and "已经收回" in answer.text


def test_the_inbox_says_what_was_written_and_not_what_was_taken_back(
    client: FlaskClient, session: Session
) -> None:
    firm_id, me = a_firm(session), people.id_of(session, people.SCIENCE)
    made = entry(
        session, firm_id, people.FINANCE, summary="二期想扩产\n细节很长", mentions=[me],
        step=Planned("陪同去供电局", today() + dt.timedelta(1), me),
    )  # fmt: skip
    people.sign_in(client, people.SCIENCE)
    for url in ("/inbox", "/"):
        page = client.get(url).text
        assert "二期想扩产" in page and "陪同去供电局" in page, url
        assert "细节很长" not in page
    giver = people.actor(session, people.FINANCE)
    actions.withdraw(session, made, actor=giver, today=today(), version=None, reason="写错了人")
    commit(session)
    page = client.get("/inbox").text
    assert "二期想扩产" not in page and "陪同去供电局" in page


def test_the_inbox_on_the_workbench_counts_all_and_shows_five(client: FlaskClient, session: Session) -> None:
    firm_id, me = a_firm(session), people.id_of(session, people.SCIENCE)
    for number in range(7):
        entry(session, firm_id, people.FINANCE, summary=f"第 {number} 次", mentions=[me])
    assert session.scalar(sa.select(sa.func.count()).select_from(InboxItem)) == 7
    people.sign_in(client, people.SCIENCE)
    panel = client.get("/").text.partition('aria-labelledby="told-h"')[2].partition("</section>")[0]
    assert ">7</a>" in panel
    assert panel.count("提到了您") == 5


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("请 @叶知秋 看", ["叶知秋"]),
        ("请看@叶知秋", ["叶知秋"]),
        ("＠叶知秋 和 @吴思远", ["叶知秋", "吴思远"]),
        ("资料发 wang.wei@corp.com", []),
        ("资料发到邮箱wang_1@corp.com.cn，抄 @叶知秋", ["叶知秋"]),
    ],
)
def test_an_address_of_electronic_mail_mentions_nobody(text: str, names: list[str]) -> None:
    assert mentioned(text) == names


def test_nobody_is_told_of_his_own_step(session: Session) -> None:
    me = people.actor(session, people.SCIENCE)
    actions.plan(
        session, actor=me, at=now(), today=today(), subject=("firm", a_firm(session)), text="@叶知秋 自己去",
        due_on=today(), owner_id=me.user_id, mentions=[me.user_id or 0],
    )  # fmt: skip
    assert session.scalar(sa.select(sa.func.count()).select_from(InboxItem)) == 0
