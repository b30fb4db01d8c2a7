"""Timed jobs: a failure is told to who keeps them, one may be done by hand, from the page and by the command."""

from __future__ import annotations

import datetime as dt
import json
import threading
import time
from argparse import Namespace
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from crm.activities.models import InboxItem
from crm.activities.rules.words import Notice
from crm.core import jobs
from crm.core.audit import AuditEnvelope
from crm.core.cli import Context
from crm.core.jobs import HOURLY, JOBS, JobState
from crm.core.permissions import Forbidden, system
from crm.core.words import Missing, Refused
from crm.ops.commands import COMMANDS
from crm.ops.jobs import Scheduler, work_once
from tests import people

AT = dt.datetime(2026, 11, 23, 1, 0, tzinfo=dt.UTC)


@pytest.fixture
def kinds() -> Iterator[None]:
    before = dict(JOBS)
    yield
    JOBS.clear()
    JOBS.update(before)


def told(session: Session, who: people.Person) -> list[InboxItem]:
    session.rollback()
    mine = sa.select(InboxItem).where(InboxItem.user_id == people.id_of(session, who))
    found = list(session.scalars(mine))
    session.rollback()
    return found


def test_a_timed_job_that_failed_is_told_to_its_keeper_once_a_day(
    app: Flask, client: FlaskClient, session: Session, kinds: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [AT]
    monkeypatch.setattr("crm.core.jobs.claiming.now", lambda: clock[0])
    monkeypatch.setattr("crm.core.jobs.doing.now", lambda: clock[0])

    @jobs.handler("test.hourly", title="清理", timing=HOURLY, is_silent=True)
    def run(ctx: jobs.Context) -> None:
        raise Refused("磁盘满了")

    scheduler = Scheduler(app, clock=lambda: clock[0])
    scheduler.tick()
    for _ in range(3):
        clock[0] += dt.timedelta(hours=1)
        scheduler.tick()
    [item] = told(session, people.SYSTEM_ADMIN)
    assert (item.code, item.params["title"]) == (Notice.TIMED_FAILED, "清理")
    assert [told(session, who) for who in (people.AUDITOR, people.SCIENCE)] == [[], []]
    clock[0] += dt.timedelta(days=1)
    scheduler.tick()
    assert len(told(session, people.SYSTEM_ADMIN)) == 2
    people.sign_in(client, people.SYSTEM_ADMIN)
    page = client.get("/inbox").text
    assert "定时任务没有做成：清理" in page and 'href="/jobs"' in page
    assert "磁盘满了" in client.get("/jobs").text


def test_one_that_was_done_is_told_to_nobody(app: Flask, session: Session, kinds: None) -> None:
    @jobs.handler("test.hourly", title="清理", timing=HOURLY)
    def run(ctx: jobs.Context) -> None:
        return None

    Scheduler(app, clock=lambda: AT).tick()
    assert told(session, people.SYSTEM_ADMIN) == []


def test_every_timed_job_is_done_by_hand_from_the_page(
    app: Flask, client: FlaskClient, session: Session
) -> None:
    people.sign_in(client, people.SYSTEM_ADMIN)
    timed = sorted(kind for kind, each in JOBS.items() if each.timing is not None)
    page = client.get("/jobs").text
    for kind in timed:
        assert f'action="/jobs/run/{kind}"' in page
        answer = people.post(client, f"/jobs/run/{kind}")
        assert answer.status_code == 303
        again = people.post(client, f"/jobs/run/{kind}")
        assert again.headers["Location"] == answer.headers["Location"], "asking twice is asking once"
        assert "定时任务" in client.get(answer.headers["Location"]).text
    assert f'action="/jobs/run/{timed[0]}"' not in client.get("/jobs").text, "it is waiting already"
    assert work_once(app) == len(timed)
    session.rollback()
    states = {job.kind: (job.state, job.problem) for job in session.scalars(sa.select(jobs.Job))}
    assert states == dict.fromkeys(timed, (JobState.DONE, None))
    for job_id in session.scalars(sa.select(jobs.Job.id)).all():
        assert "看结果" not in client.get(f"/jobs/{job_id}").text, "a result that is not for administrators"
    inbox = client.get("/inbox").text
    assert "查找疑似重复的企业" in inbox and "/firms" not in inbox
    asked = sa.select(sa.func.count()).where(AuditEnvelope.action == "job.enqueue")
    assert session.scalar(asked) == len(timed)


@pytest.mark.parametrize("kind", ["nothing", "firms.import", "%00", "digest.weekly%0d", "x" * 300])
def test_what_is_no_timed_job_is_not_run(
    app: Flask, client: FlaskClient, session: Session, kind: str
) -> None:
    people.sign_in(client, people.SYSTEM_ADMIN)
    assert people.post(client, f"/jobs/run/{kind}").status_code == 404
    assert session.scalar(sa.select(sa.func.count()).select_from(jobs.Job)) == 0


def run(name: str, **values: Any) -> tuple[int, Any]:
    """(exit code, what it says) of `jobs run`."""
    command = next(each for each in COMMANDS if each.words == ("jobs", "run"))
    out = StringIO()
    actor = values.pop("actor", None) or system("cli")
    arguments = Namespace(name=name, on=None, **values)
    code = command.run(arguments, Context(actor, True, out, StringIO()))
    return code or 0, json.loads(out.getvalue())


def test_the_command_says_how_it_ended_also_when_a_scheduler_was_quicker(
    app: Flask, session: Session, kinds: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    @jobs.handler("test.hourly", title="清理", timing=HOURLY)
    def done(ctx: jobs.Context) -> dict[str, Any]:
        return {"files": 3}

    assert [run("test.hourly")[1][key] for key in ("state", "result")] == ["done", {"files": 3}]

    def taken(self: Any, only: int) -> bool:  # a scheduler's worker takes it first and needs a moment
        def work() -> None:
            time.sleep(0.3)
            work_once(app)

        threading.Thread(target=work).start()
        return False

    quick = type("Quick", (), {"__init__": lambda self, app: None, "step": taken})
    monkeypatch.setattr("crm.ops.commands.Worker", quick)
    code, said = run("test.hourly")
    assert (code, said["state"], said["result"]) == (0, "done", {"files": 3})


def test_the_command_refuses_what_is_no_timed_job_and_who_does_not_keep_them(
    app: Flask, session: Session
) -> None:
    with pytest.raises(Missing, match=r"digest\.weekly"):
        run("firms.import")
    with pytest.raises(Forbidden):
        run("ops.tidy", actor=people.actor(session, people.SCIENCE))
