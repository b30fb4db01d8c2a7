"""What the inbox tells, to whom, once, where it leads, and when it stops saying so."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from crm.activities import actions
from crm.activities.actions import Planned, scanning
from crm.activities.models import Attachment, InboxItem, NextStep, StoredFile
from crm.activities.queries.inbox import count_inbox
from crm.activities.rules.inbox import REASONS, SENTENCES, WAITING
from crm.activities.rules.words import ActivityKind, Notice, Scan
from crm.core import audit, drafts, jobs
from crm.core.clock import now, today
from crm.core.db import db
from crm.core.jobs import JOBS, JobState
from crm.core.permissions import Actor, system
from crm.core.transaction import commit
from crm.core.words import Conflict, Refused
from crm.firms import actions as registry
from crm.firms.models import Firm
from crm.firms.rules.words import LeadingIndustry
from crm.ops.jobs import work_once
from crm.overview.actions import bulk
from crm.overview.models import BulkRun
from tests import people
from tests.activities.test_pages import a_firm, entry

ROBOT = system("tests")


@pytest.fixture
def kinds() -> Iterator[None]:
    """A registry of long work for this test only."""
    before = dict(JOBS)
    yield
    JOBS.clear()
    JOBS.update(before)


def told(session: Session, who: people.Person = people.SCIENCE) -> list[InboxItem]:
    session.rollback()
    mine = sa.select(InboxItem).where(InboxItem.user_id == people.id_of(session, who)).order_by(InboxItem.id)
    found = list(session.scalars(mine.execution_options(populate_existing=True)))
    session.rollback()
    return found


def ask(session: Session, kind: str, who: Actor | None = None, **params: Any) -> int:
    made = jobs.enqueue(session, kind, actor=who or people.actor(session, people.SCIENCE), **params)
    commit(session)
    return made


def waits(session: Session, who: people.Person = people.SCIENCE) -> int:
    session.rollback()
    found = count_inbox(session, people.actor(session, who), today=today())
    session.rollback()
    return found


def test_every_notice_has_its_sentence_and_its_reason() -> None:
    assert set(SENTENCES) == set(REASONS) == set(Notice)
    assert set(Notice) > WAITING


@pytest.mark.parametrize("way", ["returned", "committed"])
def test_long_work_that_is_done_is_told_once_and_leads_to_what_it_made(
    app: Flask, client: FlaskClient, session: Session, kinds: None, way: str
) -> None:
    @jobs.handler(
        "test.done", title="查找", done=lambda params, result: ("firms.show", {"firm_id": result["n"]})
    )
    def run(ctx: jobs.Context) -> dict[str, Any] | None:
        if way == "returned":
            return {"n": 7}
        with ctx.writing() as writer:
            ctx.commit(writer, result={"n": 7})
        return None

    ask(session, "test.done")
    assert told(session) == []
    work_once(app)
    [item] = told(session)
    assert (item.code, item.params["title"]) == (Notice.JOB_DONE, "查找")
    people.sign_in(client, people.SCIENCE)
    page = client.get("/inbox").text
    assert "后台任务做完了：查找" in page and 'href="/firms/7"' in page and "因为任务是您安排的" in page


def test_long_work_that_failed_leads_to_the_reason(
    app: Flask, client: FlaskClient, session: Session, kinds: None
) -> None:
    @jobs.handler("test.fails", title="导入", done=lambda params, result: ("firms.index", {}))
    def run(ctx: jobs.Context) -> None:
        raise {
            "refused": Refused("第 3 行缺少名称"),
            "fault": KeyError("x"),
            "late": Conflict("刚刚由别人登记了"),
        }[ctx.params["how"]]

    asked = [ask(session, "test.fails", how=how) for how in ("refused", "fault", "late")]
    work_once(app)
    assert [item.code for item in told(session)] == [
        Notice.JOB_FAILED,
        Notice.JOB_FAILED,
        Notice.JOB_CONFLICT,
    ]
    people.sign_in(client, people.SCIENCE)
    page = client.get("/inbox").text
    for job_id in asked:
        assert f'href="/jobs/{job_id}"' in page
    assert "第 3 行缺少名称" in client.get(f"/jobs/{asked[0]}").text
    assert "与别人的修改相撞，没有做：导入" in page


def test_nobody_is_told_of_what_the_system_asked_he_stopped_or_is_part_of_something_else(
    app: Flask, session: Session, kinds: None
) -> None:
    jobs.handler("test.quiet", title="检查", is_silent=True)(lambda ctx: None)
    jobs.handler("test.loud", title="做")(lambda ctx: None)
    ask(session, "test.quiet")
    ask(session, "test.loud", ROBOT)
    stopped = ask(session, "test.loud")
    jobs.cancel(session, stopped, actor=people.actor(session, people.SCIENCE))
    commit(session)
    work_once(app)
    assert session.scalar(sa.select(sa.func.count()).select_from(InboxItem)) == 0
    ask(session, "test.loud")
    work_once(app)
    assert len(told(session)) == 1, "the same work told of when it is not silent"


def test_work_whose_worker_died_too_often_is_told_as_failed(
    app: Flask, session: Session, kinds: None
) -> None:
    jobs.handler("test.dies", title="断")(lambda ctx: None)
    job_id = ask(session, "test.dies")
    moment = now()
    with app.app_context():
        for _ in range(jobs.ATTEMPTS):
            assert jobs.claim(db.engine, "w", moment) is not None
            moment += jobs.LEASE * 2
        assert jobs.claim(db.engine, "w", moment) is None
        db.session.remove()
    [item] = told(session)
    assert (item.code, item.params["job"]) == (Notice.JOB_FAILED, job_id)
    session.rollback()
    assert session.get_one(jobs.Job, job_id).state is JobState.FAILED


def test_who_lost_the_job_tells_nobody(app: Flask, session: Session, kinds: None) -> None:
    jobs.handler("test.lost", title="丢")(lambda ctx: None)
    ask(session, "test.lost")
    with app.app_context():
        claimed = jobs.claim(db.engine, "one", now())
        assert claimed is not None
        assert not jobs.finish(db.engine, claimed, "another", JobState.DONE)
        db.session.remove()
    assert told(session) == []


@pytest.mark.parametrize("in_the_background", [False, True])
def test_rows_a_bulk_change_left_alone_are_told_once(
    app: Flask,
    client: FlaskClient,
    session: Session,
    in_the_background: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if in_the_background:
        monkeypatch.setattr("crm.overview.views.bulk.AT_ONCE", 1)
    ids = [a_firm(session, f"温州岚屿{n}泵阀有限公司") for n in range(3)]
    people.sign_in(client, people.SCIENCE)
    asked = people.post(
        client, "/lists/firms/bulk", {"set": "leading_industry:life-health", "ids": ids}
    ).location
    registry.edit(session, session.get_one(Firm, ids[0]), actor=ROBOT, today=today(), address="改过")
    commit(session)
    people.post(client, asked)
    work_once(app)
    [item] = told(session)
    assert (item.code, item.params["n"]) == (Notice.BULK_LEFT, 1)
    page = client.get("/inbox").text
    assert "1 行没有动" in page and f'href="{asked}"' in page
    run = session.scalars(sa.select(BulkRun)).one()
    assert run.counts["changed"] == 1 and bulk.MOST


def keep(client: FlaskClient, form: str, text: str) -> None:
    typed = json.dumps([["name", text]])
    assert people.post(client, "/drafts", {"form": form, "typed": typed, "version": "1"}).status_code == 200


def test_whose_typing_was_overtaken_by_a_save_is_told_until_it_is_saved_or_dropped(
    app: Flask, client: FlaskClient, session: Session
) -> None:
    firm_id = a_firm(session, "温州拓屿机械有限公司")
    form = f"/firms/{firm_id}/rename"
    mine = people.sign_in(client, people.SCIENCE)
    other = people.sign_in(app.test_client(), people.SCIENCE_2)
    keep(mine, form, "温州我的机械有限公司")
    keep(other, form, "温州别人的机械有限公司")
    fields = {"name": "温州新屿机械有限公司", "on": today().isoformat(), "version": "0"}
    assert people.post(other, form, fields).status_code == 409
    assert told(session) == told(session, people.SCIENCE_2) == [], "what was not saved overtook nobody"
    assert people.post(other, form, {**fields, "version": "1"}).status_code == 303
    [item] = told(session)
    assert (item.code, item.kind, item.subject_id) == (Notice.OVERTAKEN, "firm", firm_id)
    assert told(session, people.SCIENCE_2) == [], "he saved it himself"
    page = mine.get("/inbox").text
    assert "吴思远 保存了您也在改的内容" in page and f'href="{form}"' in page and "温州新屿" in page
    offered = re.search(r"data-draft-values>(.*?)</script>", mine.get(form).text)
    assert offered and json.loads(offered[1])["values"] == [["name", "温州我的机械有限公司"]]
    assert waits(session) == 1
    people.post(mine, "/drafts/drop", {"form": form})
    assert waits(session) == 0 and "保存了您也在改的内容" not in mine.get("/inbox").text


def test_a_save_that_changes_nothing_overtakes_nobody(
    app: Flask, client: FlaskClient, session: Session
) -> None:
    firm_id = a_firm(session)
    facts = {"leading_industry": LeadingIndustry.OTHER, "industry_code": "C3912"}
    registry.edit(session, session.get_one(Firm, firm_id), actor=ROBOT, today=today(), **facts)
    commit(session)
    form = f"/firms/{firm_id}/edit/trade"
    mine = people.sign_in(client, people.SCIENCE)
    keep(mine, form, "x")
    other = people.sign_in(app.test_client(), people.SCIENCE_2)
    found = other.get(form)
    assert found.status_code == 200
    session.rollback()
    version = session.get_one(Firm, firm_id).version
    same = {"version": str(version), "leading_industry": "other", "industry_code": "C3912", "business": ""}
    assert people.post(other, form, same).status_code == 303
    session.expire_all()
    assert session.get_one(Firm, firm_id).version == version
    assert told(session) == []


def test_an_old_draft_is_nobodys_typing(app: Flask, client: FlaskClient, session: Session) -> None:
    firm_id = a_firm(session)
    form = f"/firms/{firm_id}/rename"
    drafts.keep(
        session, people.id_of(session, people.SCIENCE), form, [("name", "x")], version="1",
        at=now() - drafts.KEPT - dt.timedelta(days=1),
    )  # fmt: skip
    commit(session)
    other = people.sign_in(client, people.SCIENCE_2)
    fields = {"name": "温州新屿机械有限公司", "on": today().isoformat(), "version": "1"}
    assert people.post(other, form, fields).status_code == 303
    assert told(session) == []


def test_who_uploaded_a_file_that_does_not_pass_is_told(client: FlaskClient, session: Session) -> None:
    firm_id = a_firm(session)
    me = people.actor(session, people.SCIENCE)
    audit.begin(session, actor=me, action="file.add", subject=("firm", firm_id))
    stored = StoredFile(sha256="0" * 64, size=1, media_type="application/pdf", scan=Scan.WAITING)
    session.add(stored)
    session.flush()
    session.add(
        Attachment(
            file_id=stored.id, kind="firm", subject_id=firm_id, name="坏.pdf", on=today(), created_by_id=me.user_id
        )
    )  # fmt: skip
    session.flush()
    scanning.settle(session, stored, Scan.REFUSED, actor=me, at=now())
    commit(session)
    people.sign_in(client, people.SCIENCE)
    page = client.get("/inbox").text
    assert "没有通过安全检查" in page and "坏.pdf" not in page and f'href="/firms/{firm_id}"' in page


def given(session: Session, firm_id: int, **more: Any) -> NextStep:
    """A step the finance officer gives to the science officer."""
    mine = people.id_of(session, people.SCIENCE)
    made = entry(session, firm_id, people.FINANCE, step=Planned("送政策", today(), mine), **more)
    return session.scalars(sa.select(NextStep).where(NextStep.activity_id == made.id)).one()


def test_what_was_given_to_somebody_waits_in_his_inbox_while_it_is_his_and_open(session: Session) -> None:
    step = given(session, a_firm(session))
    science, values = people.actor(session, people.SCIENCE), {"at": now(), "today": today()}
    assert waits(session) == 1
    actions.finish(session, step, actor=science, **values)
    commit(session)
    assert waits(session) == 0 and waits(session, people.FINANCE) == 1, "he who gave it is told"
    actions.reopen(session, step, actor=science)
    commit(session)
    assert waits(session) == 1
    other = people.id_of(session, people.SCIENCE_2)
    actions.hand_over(session, step, actor=science, owner_id=other, **values)
    commit(session)
    assert waits(session) == 0 and waits(session, people.SCIENCE_2) == 1


def test_an_instruction_waits_for_its_answer(session: Session) -> None:
    mine = people.id_of(session, people.SCIENCE)
    made = entry(
        session, a_firm(session), people.LEADER, kind=ActivityKind.INSTRUCTION, step=Planned("答复", today(), mine)
    )  # fmt: skip
    step = session.scalars(sa.select(NextStep).where(NextStep.activity_id == made.id)).one()
    assert [item.code for item in told(session)] == [Notice.INSTRUCTION] and waits(session) == 1
    me = people.actor(session, people.SCIENCE)
    actions.finish(session, step, actor=me, at=now(), today=today(), outcome="下周答复")
    commit(session)
    assert waits(session) == 0 and [item.code for item in told(session, people.LEADER)] == [Notice.ANSWERED]


def test_what_is_put_away_is_found_and_brought_back(client: FlaskClient, session: Session) -> None:
    given(session, a_firm(session))
    [item] = told(session)
    people.sign_in(client, people.SCIENCE)
    assert "推后的" not in client.get("/inbox").text
    people.post(client, f"/inbox/{item.id}/snooze", {"until": "明天"})
    page = client.get("/inbox").text
    assert "收件箱是空的" in page and "推后的 1 条" in page
    assert "交给您一件下一步" in client.get("/inbox?show=later").text
    people.post(client, f"/inbox/{item.id}/back", {})
    assert "推后的" not in client.get("/inbox").text and waits(session) == 1


@pytest.mark.parametrize("until", ["", "昨天", "今天", "2199-01-01", "x", "\x00"])
def test_what_cannot_be_put_away_until_a_day_stays(client: FlaskClient, session: Session, until: str) -> None:
    given(session, a_firm(session))
    [item] = told(session)
    people.sign_in(client, people.SCIENCE)
    assert people.post(client, f"/inbox/{item.id}/snooze", {"until": until}).status_code == 303
    assert waits(session) == 1


def test_nobody_clears_somebody_elses_inbox(client: FlaskClient, session: Session) -> None:
    given(session, a_firm(session))
    [item] = told(session)
    people.sign_in(client, people.FINANCE)
    for verb in ("dismiss", "snooze", "back"):
        assert people.post(client, f"/inbox/{item.id}/{verb}", {"until": "明天"}).status_code == 404
    people.post(client, "/inbox/dismiss", {"ids": [str(item.id)]})
    assert waits(session) == 1


def test_a_page_or_code_of_former_times_does_not_break_the_inbox(
    client: FlaskClient, session: Session
) -> None:
    mine = people.id_of(session, people.SCIENCE)
    rows: list[dict[str, Any]] = [
        {"code": "no-such-code", "params": {}},
        {"code": Notice.JOB_DONE.value, "params": {"title": "查找", "to": "gone.page", "values": {}}},
        {"code": Notice.MENTION.value, "params": {}},
        {"code": Notice.JOB_DONE.value, "params": {"title": "查找"}, "kind": "gone", "subject_id": 1},
    ]
    for n, row in enumerate(rows):
        session.add(InboxItem(user_id=mine, key=str(n), at=now(), **row))
    session.commit()
    people.sign_in(client, people.SCIENCE)
    page = client.get("/inbox")
    assert page.status_code == 200 and "no-such-code" in page.text
    assert client.get("/").status_code == 200
    assert waits(session) == 3


def test_the_inbox_speaks_english(app: Flask, client: FlaskClient, session: Session, kinds: None) -> None:
    ask(session, "firms.duplicates")
    work_once(app)
    people.sign_in(client, people.SCIENCE)
    people.post(client, "/language", {"language": "en"})
    page = client.get("/inbox").text
    assert "Search for duplicate" in page or "duplicates" in page.lower()
    assert "查找" not in page
