"""Asking for long work, looking at it, stopping it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from crm.core import audit
from crm.core.clock import now
from crm.core.jobs.kinds import JOBS
from crm.core.jobs.queue import TABLE, Job, JobState
from crm.core.permissions import Actor, system
from crm.core.words import N_, Missing

AGAIN = dt.timedelta(minutes=30)  # after which a run that failed is tried again, while its period lasts
SCHEDULER = system("scheduler")


def enqueue(session: Session, kind: str, *, actor: Actor, **params: Any) -> int:
    """Put a job into the queue within the caller's transaction. Returns its id.

    `params` are plain JSON values. The same work asked for twice by the same person while it waits or runs is one
    job. Raises `LookupError` for a kind without a handler.
    """
    if kind not in JOBS:
        raise LookupError(f"no handler for jobs of kind {kind}")
    plain = audit.jsonable(params)
    active = session.scalars(
        sa.select(Job).where(
            Job.kind == kind,
            Job.state.in_([JobState.QUEUED, JobState.RUNNING]),
            Job.requested_by_id == actor.user_id
            if actor.user_id is not None
            else Job.requested_by == actor.name,
            Job.cancel_requested.is_(False),
        )
    )
    for same in active:
        if same.params == plain:
            return same.id
    job = Job(
        kind=kind,
        params=plain,
        state=JobState.QUEUED,
        requested_by_id=actor.user_id,
        requested_by=actor.name[:120],
        created_at=now(),
    )
    session.add(job)
    session.flush()
    audit.begin(session, actor=actor, action="job.enqueue", subject=("job", job.id), kind=kind)
    return job.id


def ask_now(session: Session, kind: str, *, actor: Actor, on: dt.date | None = None) -> int:
    """Ask for a timed job now, by hand (as if it were that day). Returns its id. Raises `Missing` with the kinds there
    are."""
    actor.require("setting:manage")
    if kind not in JOBS or JOBS[kind].timing is None:
        known = sorted(each for each, made in JOBS.items() if made.timing is not None)
        raise Missing(N_("没有定时任务「%(name)s」，有：%(known)s。"), name=kind, known=", ".join(known))
    params = {} if on is None else {"on": on.isoformat()}
    return enqueue(session, kind, actor=actor, **params)


def due(session: Session, moment: dt.datetime) -> list[tuple[str, str]]:
    """The runs (kind, period) that are due by now and that nobody has asked for, or that failed a while ago: what was
    missed is made up while its period lasts. Reads only."""
    wanted = {}
    for kind, each in JOBS.items():
        period = each.timing.period(session, moment) if each.timing is not None else None
        if period is not None:
            wanted[kind] = period
    if not wanted:
        return []
    rows = session.execute(
        sa.select(Job.kind, Job.state, Job.finished_at).where(
            sa.or_(*(sa.and_(Job.kind == kind, Job.period == period) for kind, period in wanted.items()))
        )
    )
    for kind, state, finished_at in rows:
        if state is not JobState.FAILED or finished_at is None or finished_at > moment - AGAIN:
            wanted.pop(kind, None)
    return sorted(wanted.items())


def ask_due(session: Session, moment: dt.datetime) -> int:
    """Put the runs that are due into the queue; whoever else does so at the same moment, each is there once. Returns
    how many."""
    asked = 0
    for kind, period in due(session, moment):
        again = session.connection().execute(
            sa.update(TABLE)
            .where(TABLE.c.kind == kind, TABLE.c.period == period, TABLE.c.state == JobState.FAILED)
            .values(state=JobState.QUEUED, attempts=0, problem=None, finished_at=None, done=0)
        )
        if again.rowcount:
            asked += 1
            continue
        job = Job(
            kind=kind, params={}, period=period, state=JobState.QUEUED, requested_by=SCHEDULER.name, created_at=moment
        )  # fmt: skip
        try:
            with session.begin_nested():
                session.add(job)
                session.flush()
        except IntegrityError:  # another scheduler was quicker
            continue
        audit.begin(session, actor=SCHEDULER, action="job.enqueue", subject=("job", job.id), kind=kind)
        asked += 1
    return asked


def get_job(session: Session, job_id: int, *, viewer: Actor) -> Job:
    """A job of one's own. Raises `Missing` for others'."""
    job = session.get(Job, job_id)
    if job is None or viewer.user_id is None or job.requested_by_id != viewer.user_id:
        raise Missing(N_("没有这个任务。"))
    return job


def cancel(session: Session, job_id: int, *, actor: Actor) -> Job:
    """Stop a job of one's own: at once while it waits, at its next step while it runs."""
    job = get_job(session, job_id, viewer=actor)
    if not job.state.is_over:
        session.connection().execute(
            sa.update(TABLE)
            .where(TABLE.c.id == job_id, TABLE.c.state == JobState.QUEUED)
            .values(state=JobState.CANCELLED, finished_at=now())
        )
        session.connection().execute(
            sa.update(TABLE).where(TABLE.c.id == job_id).values(cancel_requested=True)
        )
        audit.begin(session, actor=actor, action="job.cancel", subject=("job", job_id), kind=job.kind)
        session.expire(job)
    return job
