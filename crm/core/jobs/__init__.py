"""The queue: long work, kept in the database, done by a worker in a process of its own.

A job is claimed by one worker with a lease that a heartbeat renews; when a worker dies, its lease runs out and the
job starts again, at most three times. A worker that has lost its lease can commit nothing: `Context.commit` renews
the lease in the transaction of the work itself. With a `result` it also marks the job done there, so that what was
written once is never written again.

The rule for handlers: SQLite has one writer. Read, parse and compute under `ctx.reading()`, report `ctx.progress`
there; then write in one short `ctx.writing()` block that ends in `ctx.commit(session, result=…)`.
"""

from __future__ import annotations

from crm.core.jobs.asking import ask_due, ask_now, cancel, due, enqueue, get_job
from crm.core.jobs.claiming import (
    ATTEMPTS,
    HEARTBEAT,
    LEASE,
    Cancelled,
    Claim,
    Lost,
    Stopping,
    claim,
    finish,
    renew,
)
from crm.core.jobs.doing import Context, day_of
from crm.core.jobs.kinds import ENDED, JOBS, ROUNDS, TIDY, Handler, Round, handler
from crm.core.jobs.queue import Job, JobState
from crm.core.jobs.timing import HOURLY, NIGHTLY, Timing

__all__ = [
    "ATTEMPTS",
    "ENDED",
    "HEARTBEAT",
    "HOURLY",
    "JOBS",
    "LEASE",
    "NIGHTLY",
    "ROUNDS",
    "TIDY",
    "Cancelled",
    "Claim",
    "Context",
    "Handler",
    "Job",
    "JobState",
    "Lost",
    "Round",
    "Stopping",
    "Timing",
    "ask_due",
    "ask_now",
    "cancel",
    "claim",
    "day_of",
    "due",
    "enqueue",
    "finish",
    "get_job",
    "handler",
    "renew",
]
