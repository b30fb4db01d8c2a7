"""Taking a job for the length of a lease, keeping it, ending it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.orm import Session

from crm.core.clock import now
from crm.core.db import intent
from crm.core.jobs.kinds import ENDED, JOBS
from crm.core.jobs.queue import TABLE, Job, JobState
from crm.core.sentences import problem
from crm.core.words import N_, Message

LEASE = dt.timedelta(seconds=30)
HEARTBEAT = 5.0  # seconds between two renewals of a lease
ATTEMPTS = 3


def until(moment: dt.datetime) -> dt.datetime:
    """When a lease taken or renewed now runs out."""
    return moment + LEASE


class Cancelled(Exception):
    """The requester stopped the job."""


class Stopping(Exception):
    """The worker is told to end: the job goes back to the queue."""


class Lost(Exception):
    """The lease ran out and somebody else has the job: nothing may be written."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A job that is this worker's until the lease runs out."""

    id: int
    kind: str
    params: dict[str, Any]
    requested_by_id: int | None
    requested_by: str
    attempts: int
    period: str | None = None


INTERRUPTED = N_("后台进程几次中途结束，没有做完。请稍后重做；再次出现时把编号 %(id)s 告诉系统管理员。")


def claim(
    engine: Engine,
    worker: str,
    moment: dt.datetime,
    *,
    kinds: Collection[str] | None = None,
    only: int | None = None,
) -> Claim | None:
    """Take the oldest waiting job (of these kinds; only this one), for the length of a lease. Never the same job for
    two workers.

    Jobs whose worker died go back into the queue first; those that died too often fail with a sentence."""
    waiting = (TABLE.c.state == JobState.QUEUED) & TABLE.c.kind.in_(list(JOBS if kinds is None else kinds))
    if only is not None:
        waiting &= TABLE.c.id == only
    expired = (TABLE.c.state == JobState.RUNNING) & (TABLE.c.lease_until < moment)
    with intent("read"), engine.connect() as connection:  # a look costs no write lock
        if connection.execute(sa.select(TABLE.c.id).where(sa.or_(waiting, expired)).limit(1)).first() is None:
            return None
    with intent("write"), engine.begin() as connection:
        for row in connection.execute(
            sa.select(TABLE.c.id, TABLE.c.attempts, TABLE.c.cancel_requested)
            .where(expired)
            .with_for_update(skip_locked=True)
        ).all():
            connection.execute(sa.update(TABLE).where(TABLE.c.id == row.id).values(_after_death(row, moment)))
            _tell(connection, row.id)
        job = connection.execute(
            sa.select(TABLE).where(waiting).order_by(TABLE.c.id).limit(1).with_for_update(skip_locked=True)
        ).first()
        if job is None:
            return None
        taken = connection.execute(
            sa.update(TABLE)
            .where(TABLE.c.id == job.id, TABLE.c.state == JobState.QUEUED)
            .values(
                state=JobState.RUNNING,
                claimed_by=worker,
                lease_until=until(moment),
                attempts=job.attempts + 1,
                started_at=moment,
            )
        )
        if taken.rowcount != 1:
            return None
        return Claim(
            job.id, job.kind, job.params, job.requested_by_id, job.requested_by, job.attempts + 1, job.period
        )


def _after_death(row: Any, moment: dt.datetime) -> dict[str, Any]:
    gone: dict[str, Any] = {"claimed_by": None, "lease_until": None}
    if row.cancel_requested:
        return gone | {"state": JobState.CANCELLED, "finished_at": moment}
    if row.attempts >= ATTEMPTS:
        return gone | {
            "state": JobState.FAILED,
            "finished_at": moment,
            "problem": problem(Message(INTERRUPTED, {"id": row.id})),
        }
    return gone | {"state": JobState.QUEUED}


def is_held(claimed: Claim, worker: str) -> sa.ColumnElement[bool]:
    """The job is still this worker's."""
    return sa.and_(TABLE.c.id == claimed.id, TABLE.c.claimed_by == worker, TABLE.c.state == JobState.RUNNING)


def renew(engine: Engine, claimed: Claim, worker: str) -> bool:
    """Make the lease longer. False when it is not ours any more."""
    with intent("write"), engine.begin() as connection:
        done = connection.execute(
            sa.update(TABLE).where(is_held(claimed, worker)).values(lease_until=until(now()))
        )
        return done.rowcount == 1


def finish(engine: Engine, claimed: Claim, worker: str, state: JobState, **values: Any) -> bool:
    """End a claim: done, failed, cancelled, or back to the queue. False when it is not ours any more."""
    ended = {"finished_at": now()} if state.is_over else {"attempts": claimed.attempts - 1}
    with intent("write"), engine.begin() as connection:
        done = connection.execute(
            sa.update(TABLE)
            .where(is_held(claimed, worker))
            .values(state=state, claimed_by=None, lease_until=None, **ended, **values)
        )
        if done.rowcount == 1:
            _tell(connection, claimed.id)
        return done.rowcount == 1


def _tell(connection: Connection, job_id: int) -> None:
    with Session(connection, autoflush=False) as session:
        hear(session, job_id)


def hear(session: Session, job_id: int) -> None:
    """Let those in the slot hear of a job's end, if it has ended, in the transaction that ends it."""
    job = session.get(Job, job_id, populate_existing=True)
    if job is not None and job.state.is_over:
        for heard in ENDED:
            heard(session, job)
        session.flush()
