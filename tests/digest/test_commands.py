"""The commands that send: today or a day gone by, never one that has not come; a run by hand the same."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from argparse import Namespace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from crm.core import jobs, mail
from crm.core.cli import Context
from crm.core.db import db, writing
from crm.core.jobs import JobState
from crm.core.permissions import Forbidden, system
from crm.core.transaction import commit
from crm.core.words import Refused
from crm.digest.commands import send
from crm.digest.models import OutboxMail
from crm.ops.jobs.worker import Worker
from tests import people
from tests.digest.crowd import enter

MONDAY = dt.datetime(2026, 11, 23, 1, 0, tzinfo=dt.UTC)  # nine o'clock here
TODAY = MONDAY.date()


@pytest.fixture(autouse=True)
def _monday(monkeypatch: pytest.MonkeyPatch, app: Flask) -> Any:
    monkeypatch.setattr("crm.digest.commands.now", lambda: MONDAY)
    monkeypatch.setattr("crm.digest.commands.today", lambda: TODAY)
    yield
    folder: Path = app.config["TIDUI"].data / mail.FOLDER
    for path in folder.glob("*.eml"):
        path.unlink()


def run(day: dt.date, *, as_json: bool = True, dry_run: bool = False, actor: Any = None) -> tuple[int, Any]:
    """(exit code, what it says) of the command."""
    out = StringIO()
    code = send(Namespace(on=day, dry_run=dry_run), Context(actor or system("cli"), as_json, out, StringIO()))
    return code, json.loads(out.getvalue()) if as_json else out.getvalue()


def written(session: Session) -> int:
    session.rollback()
    return session.scalar(sa.select(sa.func.count()).select_from(OutboxMail)) or 0


def test_it_writes_and_sends_once(app: Flask, session: Session) -> None:
    enter(session, 2)
    code, told = run(TODAY)
    assert (code, told["new"], told["outbox"]["sent"]) == (0, 2, 2)
    code, told = run(TODAY)
    assert (code, told["new"], told["outbox"]["sent"]) == (0, 0, 2), "one mail a person and week"
    assert written(db.session()) == 2


@pytest.mark.parametrize("day", [dt.date(2026, 11, 24), dt.date(2026, 11, 30), dt.date(2099, 1, 1)])
def test_a_day_that_has_not_come_is_refused_and_nothing_is_written(
    app: Flask, session: Session, day: dt.date
) -> None:
    enter(session, 2)
    with pytest.raises(Refused, match="还没有到"):
        run(day)
    assert written(session) == 0
    assert list((app.config["TIDUI"].data / mail.FOLDER).glob("*.eml")) == []


def test_a_dry_run_looks_ahead_and_keeps_nothing(app: Flask, session: Session) -> None:
    enter(session, 2)
    code, told = run(dt.date(2026, 11, 30), dry_run=True)
    assert (code, told["new"], [each["person"] for each in told["letters"]]) == (0, 2, ["人0", "人1"])
    code, said = run(dt.date(2026, 11, 30), dry_run=True, as_json=False)
    assert "人0 1\n人1 1\n" in said and "什么也没有写" in said and "新写入" not in said
    assert written(session) == 0


def test_a_way_that_is_shut_is_said_and_is_no_success(app: Flask, session: Session) -> None:
    enter(session, 2)
    folder: Path = app.config["TIDUI"].data / mail.FOLDER
    if folder.is_dir():
        shutil.rmtree(folder)
    folder.write_text("not a folder")
    try:
        code, told = run(TODAY)
        assert (code, told["problem"], told["outbox"]["waiting"]) == (1, "邮件文件夹写不进去", 2)
    finally:
        folder.unlink()


def test_in_a_week_without_a_working_day_nothing_goes_out(app: Flask, session: Session) -> None:
    enter(session, 1)
    code, told = run(dt.date(2026, 2, 18))  # Spring Festival: Monday 16 to Friday 20 February are free
    assert (code, told["due"], told["sent_on"], told["new"]) == (0, False, None, 0)
    assert "不发" in run(dt.date(2026, 2, 18), as_json=False)[1]
    assert written(session) == 0


def test_it_is_for_those_who_keep_the_jobs(app: Flask, session: Session) -> None:
    with pytest.raises(Forbidden):
        run(TODAY, actor=people.actor(session, people.SCIENCE))


@pytest.mark.parametrize(("on", "state"), [("2026-11-30", JobState.FAILED), ("2026-11-23", JobState.DONE)])
def test_a_run_by_hand_looks_no_further_ahead(app: Flask, session: Session, on: str, state: JobState) -> None:
    enter(session, 2)
    writing()
    job_id = jobs.enqueue(session, "digest.weekly", actor=system("cli"), on=on)
    commit(session)
    db.session.remove()
    Worker(app, clock=lambda: MONDAY).step(only=job_id)
    job = db.session().get_one(jobs.Job, job_id)
    assert job.state is state
    assert written(db.session()) == (2 if state is JobState.DONE else 0)
    if state is JobState.FAILED:
        assert "还没有到" in str(job.problem)
