"""The queue: asked for, claimed, done once; stopped, failed, resumed."""

from __future__ import annotations

import datetime as dt
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from crm.accounts.models import User
from crm.core import audit, jobs
from crm.core.audit import AuditEnvelope
from crm.core.audit_verify import verify
from crm.core.clock import now
from crm.core.db import db
from crm.core.i18n import say
from crm.core.jobs import ATTEMPTS, JOBS, LEASE, Context, Job, JobState, Lost
from crm.core.permissions import Actor, system
from crm.core.sentences import problem, unpacked
from crm.core.transaction import commit
from crm.core.words import Message, Missing, Refused
from crm.firms.models import Firm
from crm.ops.jobs import Worker, work_once
from tests import people

SOMEBODY = system("tests")


def values(n: int) -> dict[str, Any]:
    return {"name": f"甲{n}", "name_key": f"k{n}", "name_sort": "s"}


@pytest.fixture
def kinds() -> Iterator[dict[str, jobs.Handler]]:
    """A registry for this test only."""
    before = dict(JOBS)
    JOBS.clear()
    yield JOBS
    JOBS.clear()
    JOBS.update(before)


def ask(session: Session, kind: str, actor: Actor = SOMEBODY, **params: Any) -> int:
    job_id = jobs.enqueue(session, kind, actor=actor, **params)
    commit(session)
    return job_id


def job(session: Session, job_id: int) -> Job:
    session.rollback()
    session.expire_all()
    found = session.get_one(Job, job_id)
    session.commit()
    return found


def test_a_job_writes_and_is_done_in_one_commit(app: Flask, session: Session, kinds: Any) -> None:
    @jobs.handler("test.import", title="导入")
    def run(ctx: Context) -> None:
        with ctx.reading() as reader:
            count = reader.scalar(sa.select(sa.func.count()).select_from(Firm)) or 0
        for n in range(ctx.params["rows"]):
            ctx.progress(n + 1, ctx.params["rows"], "第 %(row)s 行", row=n + 1)
        with ctx.writing() as writer:
            audit.begin(writer, actor=ctx.actor, action="test.import")
            audit.insert_many(writer, Firm, [values(n) for n in range(ctx.params["rows"])])
            ctx.progress(1, 1)
            ctx.commit(writer, result={"created": ctx.params["rows"], "before": count})

    job_id = ask(session, "test.import", rows=5)
    assert work_once(app) == 1
    done = job(session, job_id)
    assert (done.state, done.result, done.attempts) == (JobState.DONE, {"created": 5, "before": 0}, 1)
    assert (done.total, done.message) == (5, {"text": "第 %(row)s 行", "params": {"row": 5}})
    assert session.scalar(sa.select(sa.func.count()).select_from(Firm)) == 5
    link = session.scalars(sa.select(AuditEnvelope).order_by(AuditEnvelope.seq.desc())).first()
    assert link is not None
    assert (link.action, link.address, link.request_id) == ("test.import", "worker", f"job-{job_id}")
    session.rollback()
    assert verify(session).is_whole
    session.rollback()
    assert work_once(app) == 0


def test_a_refusal_is_told_to_the_requester(app: Flask, session: Session, kinds: Any) -> None:
    @jobs.handler("test.no", title="不行")
    def run(ctx: Context) -> None:
        with ctx.writing() as writer:
            audit.begin(writer, actor=ctx.actor, action="test.act")
            audit.insert_many(writer, Firm, [values(1)])
            raise Refused("第 %(row)s 行缺少名称", row=3, items=[Message("第 %(row)s 行", {"row": 4})])

    job_id = ask(session, "test.no")
    work_once(app)
    failed = job(session, job_id)
    assert failed.state is JobState.FAILED
    assert failed.problem == {
        "text": "第 %(row)s 行缺少名称",
        "params": {"row": 3},
        "items": [{"text": "第 %(row)s 行", "params": {"row": 4}}],
    }
    assert session.scalar(sa.select(sa.func.count()).select_from(Firm)) == 0


def test_a_refusal_keeps_words_moments_and_sentences_until_it_is_read(session: Session) -> None:
    moment = dt.datetime(2026, 1, 1, 0, 30, tzinfo=dt.UTC)
    stored = problem(
        Refused(
            "%(a)s %(b)s %(c)s %(d)s",
            a=JobState.QUEUED,
            b=moment,
            c=Message("第 %(n)s 行", {"n": 1}),
            d=[JobState.QUEUED, 2],
        )
    )
    again = unpacked(json.loads(json.dumps(stored)))
    assert say(again) == "排队中 2026-01-01 08:30 第 1 行 排队中、2"


def test_a_fault_is_told_with_a_number_and_logged_with_its_trace(
    app: Flask, session: Session, kinds: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    @jobs.handler("test.fault", title="出错")
    def run(ctx: Context) -> None:
        raise ZeroDivisionError("inside")

    job_id = ask(session, "test.fault")
    work_once(app)
    failed = job(session, job_id)
    assert failed.state is JobState.FAILED
    assert failed.problem is not None and failed.problem["params"] == {"id": job_id}
    assert "inside" not in str(failed.problem)
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_running_out_of_memory_is_told(app: Flask, session: Session, kinds: Any) -> None:
    @jobs.handler("test.big", title="太大")
    def run(ctx: Context) -> None:
        raise MemoryError

    job_id = ask(session, "test.big")
    work_once(app)
    assert "内存" in str(job(session, job_id).problem)


def test_a_waiting_job_is_stopped_at_once_and_a_running_one_at_its_next_step(
    app: Flask, session: Session, kinds: Any
) -> None:
    asked = people.actor(session, people.SCIENCE)
    ran: list[int] = []

    @jobs.handler("test.long", title="长")
    def run(ctx: Context) -> None:
        ran.append(ctx.job_id)
        with app.app_context():
            stopper = Session(db.engine)
            jobs.cancel(stopper, ctx.job_id, actor=asked)
            commit(stopper)
            stopper.close()
        ctx._asked = 0
        assert ctx.cancelled()
        ctx.progress(1, 2)
        raise AssertionError("went on")

    waiting = ask(session, "test.long", asked, n=1)
    jobs.cancel(session, waiting, actor=asked)
    commit(session)
    assert job(session, waiting).state is JobState.CANCELLED
    running = ask(session, "test.long", asked, n=2)
    work_once(app)
    assert ran == [running]
    assert job(session, running).state is JobState.CANCELLED


def test_a_dead_workers_job_starts_again_three_times_at_most(
    app: Flask, session: Session, kinds: Any
) -> None:
    @jobs.handler("test.dies", title="断")
    def run(ctx: Context) -> None:
        raise AssertionError("not run here")

    job_id = ask(session, "test.dies")
    moment = now()
    engine = db.engine
    for attempt in range(1, ATTEMPTS + 1):
        claimed = jobs.claim(engine, f"worker{attempt}", moment)
        assert claimed is not None and claimed.attempts == attempt
        assert jobs.claim(engine, "other", moment + LEASE / 2) is None
        moment += LEASE + dt.timedelta(seconds=1)
    assert jobs.claim(engine, "last", moment) is None
    failed = job(session, job_id)
    assert failed.state is JobState.FAILED
    assert failed.problem is not None and failed.problem["params"] == {"id": job_id}


def test_many_claim_at_once_and_none_gets_what_another_has(app: Flask, session: Session, kinds: Any) -> None:
    jobs.handler("test.much", title="多")(lambda ctx: None)
    for n in range(12):
        jobs.enqueue(session, "test.much", actor=SOMEBODY, n=n)
    commit(session)
    engine, claimed, start = db.engine, [], threading.Barrier(6)

    def take(name: str) -> None:
        start.wait(10)
        for _ in range(40):
            found = jobs.claim(engine, name, now())
            if found is not None:
                claimed.append(found.id)

    threads = [threading.Thread(target=take, args=(f"worker{n}",)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(claimed) == len(set(claimed)) == 12


def test_a_worker_that_lost_its_lease_can_commit_nothing(app: Flask, session: Session, kinds: Any) -> None:
    taken: list[Any] = []

    @jobs.handler("test.slow", title="慢")
    def run(ctx: Context) -> None:
        if not taken:
            taken.append(jobs.claim(ctx.engine, "quicker", now() + LEASE * 2))
        with ctx.writing() as writer:
            audit.begin(writer, actor=ctx.actor, action="test.act")
            audit.insert_many(writer, Firm, [values(1)])
            with pytest.raises(Lost):
                ctx.commit(writer, result={})
            raise Lost

    job_id = ask(session, "test.slow")
    work_once(app)
    assert taken[0] is not None
    assert session.scalar(sa.select(sa.func.count()).select_from(Firm)) == 0
    assert job(session, job_id).claimed_by == "quicker"


def test_a_worker_told_to_end_gives_the_job_back(app: Flask, session: Session, kinds: Any) -> None:
    worker = Worker(app)

    @jobs.handler("test.stop", title="停")
    def run(ctx: Context) -> None:
        worker.stop.set()
        ctx.progress(1, 2)
        raise AssertionError("went on")

    job_id = ask(session, "test.stop")
    assert worker.step()
    back = job(session, job_id)
    assert (back.state, back.attempts, back.claimed_by) == (JobState.QUEUED, 0, None)


def test_the_same_work_asked_for_twice_is_one_job(session: Session, kinds: Any) -> None:
    jobs.handler("test.same", title="同")(lambda ctx: None)
    first = ask(session, "test.same", batch_id=1)
    assert ask(session, "test.same", batch_id=1) == first
    assert ask(session, "test.same", batch_id=2) != first
    with pytest.raises(LookupError):
        jobs.enqueue(session, "test.unknown", actor=SOMEBODY)


def test_a_job_of_somebody_deactivated_since_is_not_done(app: Flask, session: Session, kinds: Any) -> None:
    jobs.handler("test.act", title="做")(lambda ctx: {"rights": sorted(ctx.actor.grants)})
    asked = people.actor(session, people.SCIENCE)
    first = ask(session, "test.act", asked, n=1)
    work_once(app)
    assert "ladder:tag" in (job(session, first).result or {})["rights"]
    second = ask(session, "test.act", asked, n=2)
    audit.begin(session, actor=SOMEBODY, action="test.deactivate")
    session.get_one(User, asked.user_id).is_active = False
    commit(session)
    work_once(app)
    assert job(session, second).state is JobState.FAILED


def test_the_heartbeat_keeps_the_lease_and_notices_its_loss(
    app: Flask, session: Session, kinds: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "HEARTBEAT", 0.05)
    seen: list[dt.datetime | None] = []
    lost = threading.Event()

    def lease(engine: Any) -> Any:
        with Session(engine) as reader:
            return reader.execute(sa.select(Job.lease_until)).scalar()

    @jobs.handler("test.beat", title="跳")
    def run(ctx: Context) -> None:
        seen.append(lease(ctx.engine))
        ctx.lost.wait(0.5)
        seen.append(lease(ctx.engine))
        assert jobs.claim(ctx.engine, "thief", now() + LEASE * 2) is not None
        if ctx.lost.wait(5):
            lost.set()
        ctx.check()

    ask(session, "test.beat")
    work_once(app)
    assert seen[0] is not None and seen[1] is not None and seen[0] < seen[1]
    assert lost.is_set()


def test_others_jobs_do_not_exist(session: Session, kinds: Any) -> None:
    jobs.handler("test.mine", title="我的")(lambda ctx: None)
    mine = ask(session, "test.mine", people.actor(session, people.SCIENCE))
    with pytest.raises(Missing):
        jobs.get_job(session, mine, viewer=people.actor(session, people.FINANCE))
    with pytest.raises(Missing):
        jobs.cancel(session, mine, actor=SOMEBODY)
