"""Several processes write at once, some are killed: nothing is lost, doubled or half done, and the chain verifies."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from crm.config import ROOT
from crm.core.audit import AuditEnvelope
from crm.core.audit_verify import verify
from crm.core.db import db
from crm.core.jobs import Job, JobState
from crm.firms.models import Contact, Firm, ImportBatch
from crm.firms.rules.words import BatchState
from tests.durable import crowd

pytestmark = [
    pytest.mark.durable,
    pytest.mark.skipif(sys.platform == "win32", reason="forks and kills processes"),
]


@pytest.fixture
def play(app: Flask, template: tuple[Flask, Any]) -> Iterator[Any]:
    """Runs a scene of the crowd on this test's database."""
    environment = {**os.environ, **template[1].environment()}

    def run(scene: str) -> Any:
        done = subprocess.run(
            [sys.executable, "-m", "tests.durable.crowd", scene],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=540,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout)

    yield run


@pytest.fixture
def after(app: Flask) -> Iterator[Session]:
    """A session to look at what is left."""
    with app.app_context():
        yield db.session()
        db.session.remove()


def count(session: Session, *conditions: Any) -> int:
    found = session.scalar(sa.select(sa.func.count()).select_from(Firm).where(*conditions))
    return int(found or 0)


def whole(session: Session) -> bool:
    session.rollback()
    report = verify(session)
    session.rollback()
    assert report.broken is None, report.broken
    return report.is_whole


def test_eight_writers_and_an_import_at_once(play: Any, after: Session) -> None:
    told = play("contend")
    print(told)
    assert told["errors"] == []
    assert told["operations"] == crowd.WRITERS * crowd.OPERATIONS + 1
    assert count(after) == crowd.WRITERS * crowd.OPERATIONS + crowd.BULK + 6
    links = after.scalar(
        sa.select(sa.func.count())
        .select_from(AuditEnvelope)
        .where(AuditEnvelope.action.in_(["crowd.save", "crowd.bulk"]))
    )
    assert links == told["operations"] + 6
    assert whole(after)
    work = (
        told["bulk"] + told["alone"] * crowd.WRITERS * crowd.OPERATIONS
    )  # one after the other, on this machine
    assert told["p95"] <= max(2.0, work / 2), told
    assert told["longest"] <= max(3.0, work), told


@pytest.mark.parametrize(
    "scene", ["importing", *(["importing-100000"] if os.environ.get("CRM_LONG_TESTS") else [])]
)
def test_saves_beside_a_long_import_wait_no_longer_than_three_seconds(
    play: Any, after: Session, scene: str
) -> None:
    told = play(scene)
    print(told)
    assert told["errors"] == []
    assert told["longest"] <= 3.0, told
    batch = after.get_one(ImportBatch, told["batch"])
    assert batch.state is BatchState.DONE
    assert count(after, Firm.source == "名录") == batch.counts["new"] >= 10_000
    assert whole(after)


def test_twenty_creates_of_one_code_make_one_firm_and_nineteen_plain_refusals(
    play: Any, after: Session
) -> None:
    assert play("same-code") == {"created": 1, "refused code": 19}
    assert count(after) == 1
    assert whole(after)


def test_what_was_called_saved_survives_kill_9(play: Any, after: Session) -> None:
    saved = play("killed")["saved"]
    assert len(saved) >= 25
    names = set(after.scalars(sa.select(Firm.name)))
    assert set(saved) <= names
    assert after.scalar(sa.select(sa.func.count()).select_from(Contact)) == len(names)  # none half done
    assert whole(after)


def test_two_workers_share_a_queue_and_one_takes_over_from_the_dead(play: Any, after: Session) -> None:
    told = play("queue")
    assert told == {"taken_over": True, "attempt": 2, "exits": [0]}
    written = sorted(after.scalars(sa.select(Firm.name)))
    assert written == sorted([*(f"job-{n}-1" for n in range(12)), "slow-again"])
    assert set(after.scalars(sa.select(Job.state))) == {JobState.DONE}
    assert after.scalars(sa.select(Job.result).where(Job.kind == "crowd.slow")).one() == {"attempt": 2}
    assert whole(after)


def test_the_worker_ends_when_its_parent_is_gone(app: Flask, template: tuple[Flask, Any]) -> None:
    environment = {**os.environ, **template[1].environment()}
    with subprocess.Popen(
        [sys.executable, "-m", "crm.serve", "worker"],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None and process.stderr is not None
        for line in process.stderr:
            if "worker.started" in line:
                break
        process.stdin.close()
        rest = process.stderr.read()
        assert process.wait(20) == 0
        assert "worker.ended" in rest
