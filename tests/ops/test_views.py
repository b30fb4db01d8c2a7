"""Health for those who watch, progress for those who wait."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError

from crm.core import jobs
from crm.core.db import db
from crm.core.jobs import JOBS, Context, Job, JobState
from crm.core.transaction import commit
from crm.core.words import Refused
from crm.ops import queries
from crm.ops.jobs import work_once
from tests import people


@pytest.fixture
def job_id(app: Flask) -> Iterator[int]:
    """A job the science officer asked for; it fails on request."""
    before = dict(JOBS)

    @jobs.handler(
        "test.page", title="导入企业", done=lambda params, result: ("ops.healthz", {"n": result["n"]})
    )
    def run(ctx: Context) -> dict[str, Any]:
        if ctx.params.get("fail"):
            raise Refused("第 %(row)s 行缺少名称", row=3)
        return {"n": 7}

    with app.app_context():
        session = db.session()
        made = jobs.enqueue(session, "test.page", actor=people.actor(session, people.SCIENCE), n=1)
        commit(session)
        db.session.remove()
    yield made
    JOBS.clear()
    JOBS.update(before)


def test_the_process_is_alive_without_a_database(client: FlaskClient) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json) == (200, {"status": "ok"})


def test_it_is_ready(client: FlaskClient) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 200, answer.json
    assert answer.json == {"status": "ok", "checks": {"database": True, "migrations": True, "data": True}}


def test_it_is_not_ready_without_migrations(app: Flask, client: FlaskClient) -> None:
    with app.app_context():
        db.session().connection().execute(sa.text("UPDATE alembic_version SET version_num = '0000'"))
        db.session().commit()
        db.session.remove()
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json is not None and answer.json["checks"]["migrations"] is False


def test_it_is_not_ready_without_a_database(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_args: Any) -> None:
        raise OperationalError("SELECT 1", {}, Exception("host db.internal refused"))

    monkeypatch.setattr(sa.engine.Engine, "connect", gone)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json is not None
    assert answer.json["checks"] == {"database": False, "migrations": False, "data": True}
    assert "internal" not in answer.get_data(as_text=True)


def test_it_is_not_ready_when_the_folder_takes_no_file(tmp_path: Path) -> None:
    assert queries._data(tmp_path)
    assert not queries._data(tmp_path / "missing")
    assert list(tmp_path.iterdir()) == []


def test_the_requester_sees_how_far_it_is_and_where_it_leads(
    app: Flask, client: FlaskClient, job_id: int
) -> None:
    people.sign_in(client, people.SCIENCE)
    page = client.get(f"/jobs/{job_id}").get_data(as_text=True)
    assert "<h1" in page and "导入企业" in page and "排队中" in page
    partial = client.get(f"/jobs/{job_id}", headers={"HX-Request": "true"}).get_data(as_text=True)
    assert "<h1" not in partial and f'hx-get="/jobs/{job_id}"' in partial
    work_once(app)
    done = client.get(f"/jobs/{job_id}", headers={"HX-Request": "true"}).get_data(as_text=True)
    assert "hx-get" not in done and "/healthz?n=7" in done


def test_a_failed_job_says_why(app: Flask, client: FlaskClient, job_id: int) -> None:
    with app.app_context():
        session = db.session()
        failing = jobs.enqueue(session, "test.page", actor=people.actor(session, people.SCIENCE), fail=True)
        commit(session)
        db.session.remove()
    work_once(app)
    people.sign_in(client, people.SCIENCE)
    assert "第 3 行缺少名称" in client.get(f"/jobs/{failing}").get_data(as_text=True)


def test_others_get_not_found(app: Flask, client: FlaskClient, job_id: int) -> None:
    people.sign_in(client, people.FINANCE)
    assert client.get(f"/jobs/{job_id}").status_code == 404
    assert people.post(client, f"/jobs/{job_id}/cancel").status_code == 404
    assert client.get("/jobs/99999999999999").status_code == 404
    with app.app_context():
        assert db.session.get_one(Job, job_id).cancel_requested is False


def test_the_requester_stops_it(app: Flask, client: FlaskClient, job_id: int) -> None:
    people.sign_in(client, people.SCIENCE)
    assert people.post(client, f"/jobs/{job_id}/cancel").status_code == 303
    with app.app_context():
        assert db.session.get_one(Job, job_id).state is JobState.CANCELLED
    assert work_once(app) == 0
    assert "已停止" in client.get(f"/jobs/{job_id}").get_data(as_text=True)


def test_nobody_signed_in_is_sent_to_the_door(client: FlaskClient, job_id: int) -> None:
    assert client.get(f"/jobs/{job_id}").status_code == 303
