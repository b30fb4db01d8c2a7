"""Is it alive, is it ready? And which jobs are done by themselves, when they were last and will be next."""

from __future__ import annotations

import datetime as dt
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from crm.core import migrating
from crm.core.db import db, intent
from crm.core.jobs import JOBS, Job
from crm.core.permissions import Actor

_head: list[str | None] = []


def ready(data: Path) -> dict[str, bool]:
    """What must hold to serve: the database answers, it is at the newest version, the data folder takes a file."""
    return {"database": _database(), "migrations": _migrations(), "data": _data(data)}


def _database() -> bool:
    try:
        with intent("read"), db.engine.connect() as connection:
            return connection.execute(sa.select(1)).scalar() == 1
    except (SQLAlchemyError, OSError):
        return False


def _migrations() -> bool:
    if not _head:
        _head.append(migrating.head())
    try:
        return migrating.current() == _head[0]
    except (SQLAlchemyError, OSError):
        return False


def _data(folder: Path) -> bool:
    path = folder / f".ready-{os.getpid()}-{secrets.token_hex(4)}"
    try:
        path.write_bytes(b"ready")
        path.unlink()
    except OSError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Timed:
    """A job that is asked for by itself."""

    kind: str
    title: str
    timing: str
    last: Job | None
    upcoming: dt.datetime | None


def timed_jobs(session: Session, moment: dt.datetime) -> list[Timed]:
    """Every job with a timing, with its last run. One statement for the runs."""
    kinds = {kind: each for kind, each in JOBS.items() if each.timing is not None}
    newest = sa.select(sa.func.max(Job.id)).where(Job.kind.in_(list(kinds))).group_by(Job.kind)
    last = {job.kind: job for job in session.scalars(sa.select(Job).where(Job.id.in_(newest)))}
    found = []
    for kind, each in sorted(kinds.items()):
        assert each.timing is not None  # noqa: S101 - for the type
        found.append(
            Timed(kind, each.title, each.timing.label, last.get(kind), each.timing.upcoming(session, moment))
        )
    return found


def runs(session: Session, *, viewer: Actor, limit: int = 60) -> Sequence[Job]:
    """The last runs of jobs with a timing, newest first. Raises `Forbidden`."""
    viewer.require("setting:manage")
    kinds = [kind for kind, each in JOBS.items() if each.timing is not None]
    return session.scalars(
        sa.select(Job).where(Job.kind.in_(kinds)).order_by(Job.id.desc()).limit(limit)
    ).all()


def is_watched(session: Session, moment: dt.datetime) -> bool:
    """Whether a scheduler has looked lately: one asks for something every hour."""
    latest = session.scalar(sa.select(sa.func.max(Job.created_at)).where(Job.period.is_not(None)))
    return latest is not None and latest >= moment - dt.timedelta(hours=2)


def seconds_of(job: Job) -> float | None:
    """How long a run took."""
    if job.started_at is None or job.finished_at is None:
        return None
    return max(0.0, (job.finished_at - job.started_at).total_seconds())


def plain(job: Job) -> dict[str, Any]:
    """A run as JSON."""
    return {
        "id": job.id, "period": job.period, "state": job.state.value, "asked_at": job.created_at,
        "started_at": job.started_at, "finished_at": job.finished_at, "seconds": seconds_of(job),
        "attempts": job.attempts, "result": job.result,
        "problem": job.problem,
    }  # fmt: skip
