"""The pages of follow-up: logging in place, the day's list, the inbox, the week and its calendar; who sees what."""

from __future__ import annotations

import dataclasses
import datetime as dt
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event
from sqlalchemy.orm import Session

from crm.activities import actions
from crm.activities.actions import Planned
from crm.activities.models import Activity, Attachment, CalendarFeed, InboxItem, NextStep
from crm.activities.rules.words import ActivityKind, StepState
from crm.core.clock import now, today
from crm.core.db import db
from crm.core.transaction import commit
from crm.firms import actions as registry
from tests import people
from tests.activities import contents


def a_firm(session: Session, name: str = "温州岚屿泵阀有限公司") -> int:
    made = registry.register(session, actor=people.actor(session, people.SCIENCE), today=today(), name=name)
    commit(session)
    return made.id


def entry(session: Session, firm_id: int, who: people.Person = people.SCIENCE, **more: Any) -> Activity:
    values: dict[str, Any] = {"kind": ActivityKind.VISIT, "on": today(), "summary": "看了车间"}
    made = actions.log(
        session, actor=people.actor(session, who), at=now(), today=today(), subjects=[("firm", firm_id)],
        **{**values, **more},
    )  # fmt: skip
    commit(session)
    return made


@contextmanager
def statements(app: Flask) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith(("BEGIN", "SAVEPOINT", "RELEASE", "PRAGMA")):
            seen.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


def test_a_visit_with_its_next_step_is_logged_in_one_form(client: FlaskClient, session: Session) -> None:
    firm_id = a_firm(session)
    people.sign_in(client, people.SCIENCE)
    assert client.get(f"/records/firm/{firm_id}/log").status_code == 200
    answer = people.post(
        client, f"/records/firm/{firm_id}/log",
        {"kind": "visit", "on": "今天", "summary": "想扩产 @金书瑶请看", "step": "送用地政策", "due_on": "明天"},
    )  # fmt: skip
    assert answer.status_code == 303, answer.text
    step = session.scalars(sa.select(NextStep)).one()
    assert (step.text, step.due_on) == ("送用地政策", today() + dt.timedelta(1))
    told = session.scalars(sa.select(InboxItem)).one()
    assert (told.user_id, told.code) == (people.id_of(session, people.FINANCE), "mention")
    page = client.get(f"/records/firm/{firm_id}/timeline").text
    assert "想扩产" in page and "送用地政策" in page


def told(session: Session, who: people.Person) -> list[str]:
    session.expire_all()
    mine = sa.select(InboxItem.code).where(InboxItem.user_id == people.id_of(session, who))
    return list(session.scalars(mine.order_by(InboxItem.id)))


def test_who_is_mentioned_only_when_an_entry_is_put_right_is_told_then_and_once(
    client: FlaskClient, session: Session
) -> None:
    made = entry(
        session, a_firm(session), summary="问 @金书瑶", mentions=[people.id_of(session, people.FINANCE)]
    )
    people.sign_in(client, people.SCIENCE)
    sent = {"kind": "visit", "on": "今天", "version": "1"}
    both = {**sent, "summary": "问 @金书瑶 和＠林晓雯，资料发 wang@corp.com"}
    assert people.post(client, f"/activities/{made.id}/edit", both).status_code == 303
    assert told(session, people.INVESTMENT) == ["mention"] and told(session, people.FINANCE) == ["mention"]
    nobody = {**sent, "version": "2", "summary": "问 @金书瑶 和 @没有这个人"}
    answer = people.post(client, f"/activities/{made.id}/edit", nobody)
    assert answer.status_code == 422 and "没有叫「没有这个人」" in answer.text
    assert people.post(client, f"/activities/{made.id}/edit", {**both, "version": "2"}).status_code == 303
    assert told(session, people.INVESTMENT) == ["mention"] and told(session, people.FINANCE) == ["mention"]


def test_who_is_mentioned_in_a_next_step_is_told_and_led_to_it(client: FlaskClient, session: Session) -> None:
    firm_id = a_firm(session)
    people.sign_in(client, people.SCIENCE)
    base = f"/records/firm/{firm_id}"
    visit = {"kind": "visit", "on": "今天", "summary": "看了车间", "due_on": "明天"}
    for url, fields in (
        (f"{base}/note", {"line": "明天 和 @金书瑶 一起去"}),
        (f"{base}/steps/new", {"step": "约 @金书瑶", "due_on": "明天"}),
        (f"{base}/log", {**visit, "step": "请 @金书瑶 带资料"}),
    ):
        assert people.post(client, url, fields).status_code == 303, url
    assert told(session, people.FINANCE) == ["mention-step"] * 3
    for url, fields in (
        (f"{base}/note", {"line": "明天 和 @没有这个人 去"}),
        (f"{base}/steps/new", {"step": "约 @没有这个人", "due_on": "明天"}),
        (f"{base}/log", {**visit, "step": "请 @没有这个人"}),
    ):
        answer = people.post(client, url, fields)
        assert answer.status_code == 422 and "没有叫「没有这个人」" in answer.text, url
    assert session.scalar(sa.select(sa.func.count()).select_from(NextStep)) == 3
    step = session.scalars(sa.select(NextStep).order_by(NextStep.id)).first()
    assert step is not None
    people.sign_in(client, people.FINANCE)
    assert f"/steps/{step.id}" in client.get("/inbox").text


def test_a_refused_form_comes_back_filled_and_nothing_is_written(
    client: FlaskClient, session: Session
) -> None:
    firm_id = a_firm(session)
    people.sign_in(client, people.SCIENCE)
    for fields, said in (
        ({"on": "改天"}, "看不懂"),
        ({"on": "明天"}, "不能晚于今天"),
        ({"summary": ""}, "请写下经过"),
        ({"summary": "问 @不存在的人 了"}, "没有叫"),
        ({"step": "送政策"}, "请写下一步的日期"),
        ({"due_on": "明天"}, "请写下要做什么"),
        ({"kind": "instruction"}, "选项"),
        ({"owner": "999999"}, "选项"),
    ):
        sent = {"kind": "visit", "on": "今天", "summary": "一段写了很久的经过", **fields}
        answer = people.post(client, f"/records/firm/{firm_id}/log", sent)
        assert answer.status_code == 422, fields
        assert said in answer.text, (fields, said)
        if sent["summary"]:
            assert sent["summary"][:5] in answer.text
    assert session.scalar(sa.select(sa.func.count()).select_from(Activity)) == 0


def test_one_line_is_a_note_or_with_a_day_a_step(client: FlaskClient, session: Session) -> None:
    firm_id = a_firm(session)
    people.sign_in(client, people.SCIENCE)
    assert people.post(client, f"/records/firm/{firm_id}/note", {"line": "来电问补贴"}).status_code == 303
    assert (
        people.post(client, f"/records/firm/{firm_id}/note", {"line": "明天 送补贴办法"}).status_code == 303
    )
    assert people.post(client, f"/records/firm/{firm_id}/note", {"line": " "}).status_code == 422
    assert session.scalars(sa.select(Activity.summary)).all() == ["来电问补贴"]
    assert session.scalars(sa.select(NextStep.text)).all() == ["送补贴办法"]


def test_a_morning_list_is_cleared_and_a_slip_is_taken_back(client: FlaskClient, session: Session) -> None:
    firm_id = a_firm(session)
    made = entry(session, firm_id, step=Planned("送政策", today()))
    step = session.scalars(sa.select(NextStep).where(NextStep.activity_id == made.id)).one()
    people.sign_in(client, people.SCIENCE)
    assert "送政策" in client.get("/").text and "送政策" in client.get("/steps").text
    answer = people.post(client, f"/steps/{step.id}/done", {"version": step.version, "next": "/"})
    assert (answer.status_code, answer.location) == (303, "/")
    assert "送政策" in client.get("/").text  # in the toast, with the way back
    session.refresh(step)
    assert step.state is StepState.DONE
    assert people.post(client, f"/steps/{step.id}/done", {"version": step.version}).status_code in (409, 422)
    people.post(client, f"/steps/{step.id}/reopen", {})
    session.expire_all()
    assert session.get_one(NextStep, step.id).state is StepState.OPEN


def test_a_step_changed_meanwhile_is_not_overwritten(client: FlaskClient, session: Session) -> None:
    made = entry(session, a_firm(session), step=Planned("送政策", today()))
    step = session.scalars(sa.select(NextStep).where(NextStep.activity_id == made.id)).one()
    seen = step.version
    me = people.actor(session, people.SCIENCE)
    actions.put_off(session, step, actor=me, today=today(), due_on=today() + dt.timedelta(1))
    commit(session)
    people.sign_in(client, people.SCIENCE)
    answer = people.post(client, f"/steps/{step.id}/put-off", {"version": seen, "due_on": "下周一"})
    assert answer.status_code == 409
    session.expire_all()
    assert session.get_one(NextStep, step.id).due_on == today() + dt.timedelta(1)


READERS = [
    (people.LEADER, 200), (people.INVESTMENT, 200), (people.FINANCE, 200), (people.REPORTER, 200),
    (people.SUPERVISOR, 200), (people.READ_ONLY, 200), (people.SYSTEM_ADMIN, 404), (people.SECURITY_ADMIN, 404),
    (people.AUDITOR, 404), (people.STRANGER, 404),
]  # fmt: skip


@pytest.mark.parametrize(("who", "status"), READERS, ids=[str(who) for who, _ in READERS])
def test_who_may_not_see_the_firm_reads_nothing_of_it(
    client: FlaskClient, session: Session, who: people.Person, status: int
) -> None:
    firm_id = a_firm(session)
    made = entry(session, firm_id, summary="只给看得见的人", step=Planned("送政策", today()))
    people.sign_in(client, who)
    for address in (f"/records/firm/{firm_id}/timeline", f"/activities/{made.id}"):
        answer = client.get(address)
        assert answer.status_code == status, address
        assert ("只给看得见的人" in answer.text) == (status == 200)
    # others' next steps are not theirs to change, seen or not
    step = session.scalars(sa.select(NextStep).where(NextStep.activity_id == made.id)).one()
    answer = people.post(client, f"/steps/{step.id}/done", {"version": step.version})
    assert answer.status_code in (403, 404)
    session.expire_all()
    assert session.get_one(NextStep, step.id).state is StepState.OPEN


@pytest.mark.parametrize("kind", ["nothing", "firm", "sample", "..", "firm%00"])
def test_a_record_that_does_not_exist_is_not_there(client: FlaskClient, kind: str) -> None:
    people.sign_in(client, people.SCIENCE)
    for row_id in ("0", "999999", "999999999999999999"):
        assert client.get(f"/records/{kind}/{row_id}/timeline").status_code == 404
        assert people.post(client, f"/records/{kind}/{row_id}/log", {"summary": "x"}).status_code == 404


def test_the_inbox_is_cleared_and_put_away(client: FlaskClient, session: Session) -> None:
    made = entry(session, a_firm(session), people.FINANCE, mentions=[people.id_of(session, people.SCIENCE)])
    item = session.scalars(sa.select(InboxItem)).one()
    people.sign_in(client, people.SCIENCE)
    page = client.get("/inbox").text
    assert "提到了您" in page and f"/activities/{made.id}" in page
    people.post(client, f"/inbox/{item.id}/snooze", {"until": "明天"})
    assert "提到了您" not in client.get("/inbox").text
    people.post(client, f"/inbox/{item.id}/back", {})
    assert "提到了您" in client.get("/inbox").text
    people.post(client, "/inbox/dismiss", {"ids": [str(item.id)]})
    assert "提到了您" not in client.get("/inbox").text
    other = people.sign_in(client.application.test_client(), people.FINANCE)
    assert people.post(other, f"/inbox/{item.id}/back", {}).status_code == 404


def test_the_inbox_is_read_in_either_language(client: FlaskClient, session: Session) -> None:
    entry(session, a_firm(session), people.FINANCE, mentions=[people.id_of(session, people.SCIENCE)])
    people.sign_in(client, people.SCIENCE)
    people.post(client, "/language", {"language": "en"})
    assert "mentioned you" in client.get("/inbox").text


def test_a_calendar_link_is_secret_and_revocable(client: FlaskClient, session: Session) -> None:
    firm_id = a_firm(session)
    entry(session, firm_id, step=Planned("送政策，带上\\附件；还有；清单", today() + dt.timedelta(3)))
    people.sign_in(client, people.SCIENCE)
    page = people.post(client, "/week/feed", {}).text
    found = re.search(r"/calendar/([\w-]+)\.ics", page)
    assert found is not None
    stored = session.scalars(sa.select(CalendarFeed.token_hash)).one()
    assert found[1] not in stored
    outside = client.application.test_client()
    answer = outside.get(f"/calendar/{found[1]}.ics")
    assert answer.status_code == 200 and answer.content_type.startswith("text/calendar")
    text = answer.get_data(as_text=True).replace("\r\n ", "")
    assert "送政策，带上\\\\附件；还有；清单" in text
    assert all(len(line.encode()) <= 75 for line in answer.get_data(as_text=True).split("\r\n"))
    assert outside.get(f"/calendar/{found[1]}x.ics").status_code == 404
    people.post(client, "/week/feed/revoke", {})
    assert outside.get(f"/calendar/{found[1]}.ics").status_code == 404


def test_a_calendar_link_leads_to_the_address_of_the_office(client: FlaskClient, session: Session) -> None:
    entry(session, a_firm(session), step=Planned("送政策", today()))
    people.sign_in(client, people.SCIENCE)
    config = client.application.config
    known = config["TIDUI"]
    config["TIDUI"] = dataclasses.replace(known, base_url="https://tidui.example")
    try:
        page = people.post(client, "/week/feed", {}).text
        found = re.search(r"https://tidui\.example(/calendar/[\w-]+\.ics)", page)
        assert found is not None
        outside = client.application.test_client().get(found[1], headers={"Host": "elsewhere.example"}).text
        assert "https://tidui.example/steps/" in outside.replace("\r\n ", "") and "elsewhere" not in outside
    finally:
        config["TIDUI"] = known


def test_a_week_shows_its_days(client: FlaskClient, session: Session) -> None:
    entry(session, a_firm(session), step=Planned("送政策", today()))
    people.sign_in(client, people.SCIENCE)
    assert "送政策" in client.get("/week").text
    assert "送政策" not in client.get("/week?of=2020-W53").text
    for strange in ("2026-W99", "x", "9999-W52", "0001-W01", "２０２６-W01"):
        assert client.get("/week", query_string={"of": strange}).status_code == 200


def test_files_come_with_the_entry_or_not_at_all(client: FlaskClient, session: Session) -> None:
    firm_id = a_firm(session)
    people.sign_in(client, people.SCIENCE)
    path = f"/records/firm/{firm_id}/log"

    def sent(*files: tuple[bytes, str], **fields: str) -> Any:
        values: dict[str, Any] = {"kind": "visit", "on": "今天", "summary": "看了新车间", **fields}
        values["files"] = [(io.BytesIO(content), name) for content, name in files]
        return people.post(client, path, values)

    refused = sent((contents.PDF, "方案.pdf"), (b"MZ\x90\x00" + b"0" * 200, "安装.exe"))
    assert refused.status_code == 422
    assert "安装.exe" in refused.text and "文件要重新选：方案.pdf、安装.exe" in refused.text
    assert "看了新车间" in refused.text
    missing = sent((contents.PDF, "方案.pdf"), step="送政策")
    assert missing.status_code == 422 and "请写下一步的日期" in missing.text
    for table in (Activity, Attachment, NextStep):
        assert session.scalar(sa.select(sa.func.count()).select_from(table)) == 0
    assert sent((contents.PDF, "方案.pdf")).status_code == 303
    made = session.scalars(sa.select(Attachment)).one()
    assert made.activity_id == session.scalars(sa.select(Activity.id)).one()
    page = client.get(f"/records/firm/{firm_id}/timeline").text
    assert "方案.pdf" in page
    assert client.get(f"/files/{made.id}").data == contents.PDF


def test_two_edits_of_one_entry_show_both(client: FlaskClient, session: Session) -> None:
    made = entry(session, a_firm(session))
    people.sign_in(client, people.SCIENCE)
    path, seen = f"/activities/{made.id}/edit", str(made.version)
    values = {"kind": "visit", "on": today().isoformat(), "place": ""}
    assert people.post(client, path, {**values, "summary": "看了一车间", "version": seen}).status_code == 303
    late = people.post(client, path, {**values, "summary": "看了二车间", "version": seen})
    assert late.status_code == 409
    for words in ("看了车间", "看了一车间", "看了二车间"):
        assert words in late.text
    session.expire_all()
    assert session.get_one(Activity, made.id).summary == "看了一车间"
