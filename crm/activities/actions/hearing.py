"""What lower mechanisms let follow-up hear, for the inbox: long work that ended, a save that overtook a draft."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from crm.accounts.queries import holding
from crm.accounts.rules import Role
from crm.activities.actions.telling import tell
from crm.activities.rules.words import Notice
from crm.core.clock import local
from crm.core.drafts import Draft
from crm.core.jobs import JOBS, Job, JobState
from crm.core.permissions import Actor
from crm.core.records import SUBJECTS


def job_ended(session: Session, job: Job) -> None:
    """Tell who asked for long work that it is done or was not (slot ENDED of the queue), with where its result is.
    What was told of it before, as `job:<id>`, is not told again; who stopped it himself knows."""
    handler = JOBS.get(job.kind)
    if job.period is not None:
        _tell_keepers(session, job)
        return
    if job.requested_by_id is None or job.finished_at is None or handler is None or handler.is_silent:
        return
    if job.state is JobState.DONE:
        target = handler.done(job.params, job.result or {}) if handler.done else None
        to: dict[str, Any] = {"to": target[0], "values": target[1]} if target else {}
        notice = Notice.JOB_DONE
    elif job.state is JobState.FAILED:
        to = {}
        notice = Notice.JOB_CONFLICT if (job.problem or {}).get("is_conflict") else Notice.JOB_FAILED
    else:
        return
    tell(
        session, job.requested_by_id, notice, key=f"job:{job.id}", at=job.finished_at, job=job.id,
        title=handler.title, **to,
    )  # fmt: skip


def _tell_keepers(session: Session, job: Job) -> None:
    """Nobody asked for a timed run: that it failed is told to those who keep the jobs, once a kind and day."""
    handler = JOBS.get(job.kind)
    if job.state is not JobState.FAILED or job.finished_at is None or handler is None:
        return
    key = f"timed:{job.kind}:{local(job.finished_at).date().isoformat()}"
    for user_id in holding(session, Role.SYSTEM_ADMIN):
        tell(
            session, user_id, Notice.TIMED_FAILED, key=key, at=job.finished_at, title=handler.title, to="ops.timed",
            values={},
        )  # fmt: skip


def overtaken(session: Session, row: Any, drafts: Sequence[Draft], actor: Actor, at: dt.datetime) -> None:
    """Tell those who had typed into the form of a record that somebody else has saved it (slot OVERTAKEN)."""
    subject = _subject_of(row)
    for draft in drafts:
        tell(
            session, draft.user_id, Notice.OVERTAKEN, key=f"draft:{draft.id}:{row.version}", at=at,
            subject=subject, draft=draft.id, by=actor.name, form=draft.form,
        )  # fmt: skip


def _subject_of(row: Any) -> tuple[str, int] | None:
    """The record a row is, or hangs on."""
    for code, kind in SUBJECTS.items():
        if kind.table == row.__tablename__:
            return code, row.id
    for code, kind in SUBJECTS.items():
        for part in kind.parts:
            if part.table == row.__tablename__:
                return code, getattr(row, part.column)
    return None
