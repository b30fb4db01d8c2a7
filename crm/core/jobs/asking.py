"""Asking for long work, looking at it, stopping it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core import audit
from crm.core.clock import local, now
from crm.core.jobs.kinds import JOBS
from crm.core.jobs.queue import TABLE, Job, JobState
from crm.core.permissions import Actor, system
from crm.core.words import N_, Missing

NIGHT = 2  # o'clock, from which on the nightly jobs are due
NIGHTLY = system("nightly")


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


def missing_tonight(session: Session, moment: dt.datetime) -> list[str]:
    """The nightly kinds not asked for since the night began; a night missed is made up by day. Reads only."""
    night = local(moment).replace(hour=NIGHT, minute=0, second=0, microsecond=0)
    if local(moment) < night:
        night -= dt.timedelta(days=1)
    kinds = [kind for kind, each in JOBS.items() if each.is_nightly]
    asked = sa.select(Job.kind).where(
        Job.kind.in_(kinds), Job.requested_by == NIGHTLY.name, Job.created_at >= night
    )
    known = set(session.scalars(asked)) if kinds else set()
    return [kind for kind in kinds if kind not in known]


def ask_nightly(session: Session, moment: dt.datetime) -> int:
    """Put the nightly jobs that are missing into the queue. Returns how many."""
    missing = missing_tonight(session, moment)
    for kind in missing:
        enqueue(session, kind, actor=NIGHTLY)
    return len(missing)


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
