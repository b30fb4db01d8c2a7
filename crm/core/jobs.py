"""The queue: long work, kept in the database, done by a worker in a process of its own.

A job is claimed by one worker with a lease that a heartbeat renews; when a worker dies, its lease runs out and the
job starts again, at most three times. A worker that has lost its lease can commit nothing: `Context.commit` renews
the lease in the transaction of the work itself. With a `result` it also marks the job done there, so that what was
written once is never written again.

The rule for handlers: SQLite has one writer. Read, parse and compute under `ctx.reading()`, report `ctx.progress`
there; then write in one short `ctx.writing()` block that ends in `ctx.commit(session, result=…)`.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Mapped, Session, mapped_column

from crm.core import audit, transaction
from crm.core.clock import local, now
from crm.core.db import BigId, Model, Moment, Pk, Worded, intent
from crm.core.permissions import Actor
from crm.core.sentences import packed, problem
from crm.core.words import C_, N_, Message, Missing, Word

LEASE = dt.timedelta(seconds=30)
HEARTBEAT = 5.0  # seconds between two renewals of a lease
ATTEMPTS = 3
OFTEN = 0.4  # seconds between two progress rows


class JobState(Word):
    QUEUED = "queued", N_("排队中")
    RUNNING = "running", C_("job", "进行中")
    DONE = "done", C_("job", "已完成")
    FAILED = "failed", C_("job", "没有做完")
    CANCELLED = "cancelled", C_("job", "已停止")

    @property
    def is_over(self) -> bool:
        return self in (JobState.DONE, JobState.FAILED, JobState.CANCELLED)


class Job(Model):
    """A piece of long work: asked for, claimed, done. The queue's own bookkeeping, so not in the audit; asking for
    it and what it writes are."""

    __tablename__ = "jobs"
    __audited__ = False
    id: Mapped[Pk]
    kind: Mapped[str] = mapped_column(sa.String(60))
    params: Mapped[dict[str, Any]]
    state: Mapped[JobState] = mapped_column(Worded(JobState), default=JobState.QUEUED)
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int | None]
    message: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON(none_as_null=True))  # {text, params}
    result: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON(none_as_null=True))
    problem: Mapped[dict[str, Any] | None] = mapped_column(
        sa.JSON(none_as_null=True)
    )  # {text, params, items}
    requested_by_id: Mapped[int | None] = mapped_column(BigId)
    requested_by: Mapped[str] = mapped_column(sa.String(120))
    claimed_by: Mapped[str | None] = mapped_column(sa.String(80))
    lease_until: Mapped[dt.datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[Moment]
    started_at: Mapped[dt.datetime | None]
    finished_at: Mapped[dt.datetime | None]
    __table_args__ = (
        sa.Index("ix_jobs_state", "state", "id"),
        sa.Index("ix_jobs_requested_by", "requested_by_id", "state"),
    )


_JOBS = cast(sa.Table, Job.__table__)
NIGHTLY: list[
    str
] = []  # slot, filled by the factory: kinds of jobs the worker asks for by itself once a night
Run = Callable[["Context"], "Mapping[str, Any] | None"]
Done = Callable[[Mapping[str, Any], Mapping[str, Any]], "tuple[str, dict[str, Any]] | None"]


@dataclass(frozen=True, slots=True)
class Handler:
    """What a kind of job runs, what it is called, and the page its result is on (endpoint, values)."""

    kind: str
    title: str
    run: Run
    done: Done | None = None

    def __call__(self, context: Context) -> Mapping[str, Any] | None:
        return self.run(context)


DAILY: list[str] = []  # kinds that the worker puts into the queue once a day, as the system
TIDY: list[Callable[[Path, dt.datetime], int]] = []  # what the worker puts away every hour; filled like JOBS
JOBS: dict[str, Handler] = {}  # kind → handler; filled by the factory from each feature's jobs.py


def handler(
    kind: str, *, title: str, done: Done | None = None, is_daily: bool = False
) -> Callable[[Run], Handler]:
    """Make a function the handler of a kind of job. `done(params, result)` names the page to go to afterwards; a
    daily one needs no params and is asked for by the worker."""

    def register(run: Run) -> Handler:
        made = Handler(kind, title, run, done)
        known = JOBS.setdefault(kind, made)
        if known is not made and known.run.__qualname__ != run.__qualname__:
            raise ValueError(f"two handlers for {kind}")
        JOBS[kind] = made
        if is_daily and kind not in DAILY:
            DAILY.append(kind)
        return made

    return register


# ── asking ────────────────────────────────────────────────────────────────────────────────────────────────────


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


def missing_today(session: Session, moment: dt.datetime) -> list[str]:
    """The daily kinds nobody has asked for within the day before `moment`. Reads only."""
    if not DAILY:
        return []
    since = moment - dt.timedelta(hours=23)
    asked = set(session.scalars(sa.select(Job.kind).where(Job.kind.in_(DAILY), Job.created_at > since)))
    return [kind for kind in DAILY if kind not in asked]


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
            sa.update(_JOBS)
            .where(_JOBS.c.id == job_id, _JOBS.c.state == JobState.QUEUED)
            .values(state=JobState.CANCELLED, finished_at=now())
        )
        session.connection().execute(
            sa.update(_JOBS).where(_JOBS.c.id == job_id).values(cancel_requested=True)
        )
        audit.begin(session, actor=actor, action="job.cancel", subject=("job", job_id), kind=job.kind)
        session.expire(job)
    return job


# ── claiming ──────────────────────────────────────────────────────────────────────────────────────────────────


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


INTERRUPTED = N_("后台进程几次中途结束，没有做完。请稍后重做；再次出现时把编号 %(id)s 告诉系统管理员。")


def claim(engine: Engine, worker: str, moment: dt.datetime) -> Claim | None:
    """Take the oldest waiting job, for the length of a lease. Never the same job for two workers.

    Jobs whose worker died go back into the queue first; those that died too often fail with a sentence."""
    waiting = (_JOBS.c.state == JobState.QUEUED) & _JOBS.c.kind.in_(list(JOBS))
    expired = (_JOBS.c.state == JobState.RUNNING) & (_JOBS.c.lease_until < moment)
    with intent("read"), engine.connect() as connection:  # a look costs no write lock
        if connection.execute(sa.select(_JOBS.c.id).where(sa.or_(waiting, expired)).limit(1)).first() is None:
            return None
    with intent("write"), engine.begin() as connection:
        for row in connection.execute(
            sa.select(_JOBS.c.id, _JOBS.c.attempts, _JOBS.c.cancel_requested)
            .where(expired)
            .with_for_update(skip_locked=True)
        ).all():
            connection.execute(sa.update(_JOBS).where(_JOBS.c.id == row.id).values(_after_death(row, moment)))
        job = connection.execute(
            sa.select(_JOBS).where(waiting).order_by(_JOBS.c.id).limit(1).with_for_update(skip_locked=True)
        ).first()
        if job is None:
            return None
        taken = connection.execute(
            sa.update(_JOBS)
            .where(_JOBS.c.id == job.id, _JOBS.c.state == JobState.QUEUED)
            .values(
                state=JobState.RUNNING,
                claimed_by=worker,
                lease_until=moment + LEASE,
                attempts=job.attempts + 1,
                started_at=moment,
            )
        )
        if taken.rowcount != 1:
            return None
        return Claim(job.id, job.kind, job.params, job.requested_by_id, job.requested_by, job.attempts + 1)


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


def _mine(claimed: Claim, worker: str) -> sa.ColumnElement[bool]:
    return sa.and_(_JOBS.c.id == claimed.id, _JOBS.c.claimed_by == worker, _JOBS.c.state == JobState.RUNNING)


def renew(engine: Engine, claimed: Claim, worker: str) -> bool:
    """Make the lease longer. False when it is not ours any more."""
    with intent("write"), engine.begin() as connection:
        done = connection.execute(
            sa.update(_JOBS).where(_mine(claimed, worker)).values(lease_until=now() + LEASE)
        )
        return done.rowcount == 1


def finish(engine: Engine, claimed: Claim, worker: str, state: JobState, **values: Any) -> bool:
    """End a claim: done, failed, cancelled, or back to the queue. False when it is not ours any more."""
    ended = {"finished_at": now()} if state.is_over else {"attempts": claimed.attempts - 1}
    with intent("write"), engine.begin() as connection:
        done = connection.execute(
            sa.update(_JOBS)
            .where(_mine(claimed, worker))
            .values(state=state, claimed_by=None, lease_until=None, **ended, **values)
        )
        return done.rowcount == 1


# ── doing ─────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Context:
    """Handed to a handler: what to do, for whom, and how to say how far it is."""

    engine: Engine
    claimed: Claim
    worker: str
    actor: Actor
    today: dt.date
    stop: Event = field(default_factory=Event)
    lost: Event = field(default_factory=Event)
    is_done: bool = False
    session: Session | None = None  # the one open now, if any
    _writing: bool = False
    _told: float = 0.0
    _asked: float = 0.0
    _cancelled: bool = False
    _tidying: bool = False

    @property
    def job_id(self) -> int:
        return self.claimed.id

    @property
    def params(self) -> dict[str, Any]:
        return self.claimed.params

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that reads only, and holds nobody up."""
        with self._session(write=False) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session that writes: short, ended by `commit`; left without, it is rolled back."""
        self.check()
        self._writing = True
        try:
            with self._session(write=True) as session:
                yield session
        finally:
            self._writing = False

    @contextmanager
    def _session(self, *, write: bool) -> Iterator[Session]:
        if self.session is not None:
            raise RuntimeError("one session at a time: leave ctx.reading() before ctx.writing()")
        with transaction.fresh(write=write, origin=audit.Origin("worker", f"job-{self.job_id}")) as session:
            self.session = session
            try:
                yield session
            finally:
                self.session = None

    def commit(
        self, session: Session, *, result: Mapping[str, Any] | None = None
    ) -> audit.AuditEnvelope | None:
        """Commit what the job wrote, if the job is still ours. With a `result` the job is done, in the same
        transaction. Raises `Lost`."""
        session.flush()
        values: dict[str, Any] = {"lease_until": now() + LEASE}
        if result is not None:
            values = {
                "state": JobState.DONE,
                "result": audit.jsonable(dict(result)),
                "finished_at": now(),
                "lease_until": None,
                "claimed_by": None,
                "done": sa.func.coalesce(_JOBS.c.total, _JOBS.c.done),
            }
        fenced = session.connection().execute(
            sa.update(_JOBS).where(_mine(self.claimed, self.worker)).values(values)
        )
        if fenced.rowcount != 1:
            session.rollback()
            raise Lost
        envelope = transaction.commit(session)
        self.is_done = self.is_done or result is not None
        return envelope

    def progress(
        self, done: int, total: int | None = None, text: str | None = None, /, **params: Any
    ) -> None:
        """Say how far the job is, in a short transaction of its own, a few times a second at most.

        `text` is a source string with its `params`. Raises when the job was stopped, or is not ours any more.
        Within `writing()` nothing is told: on SQLite it would wait for the handler's own transaction."""
        self.check()
        often = time.monotonic() - self._told < OFTEN and done != total
        if often or self.is_done or self._writing:
            return
        values: dict[str, Any] = {"done": done, "total": total}
        if text is not None:
            values["message"] = packed(Message(text, params))
        with intent("write"), self.engine.begin() as connection:
            told = connection.execute(sa.update(_JOBS).where(_mine(self.claimed, self.worker)).values(values))
            if told.rowcount != 1:
                self.lost.set()
        self._told = time.monotonic()
        self.check()

    @contextmanager
    def tidying(self) -> Iterator[None]:
        """Within the block the requester's wish to stop is not heeded: what was done is being taken back."""
        self._tidying = True
        try:
            yield
        finally:
            self._tidying = False

    def cancelled(self) -> bool:
        """Whether the requester wants the job stopped (asked a few times a second at most)."""
        if not self._cancelled and time.monotonic() - self._asked >= OFTEN and not self.is_done:
            with intent("read"), self.engine.connect() as connection:
                self._cancelled = bool(
                    connection.execute(
                        sa.select(_JOBS.c.cancel_requested).where(_JOBS.c.id == self.job_id)
                    ).scalar()
                )
            self._asked = time.monotonic()
        return self._cancelled

    def check(self) -> None:
        """Raises `Lost`, `Stopping` or `Cancelled` when there is reason to."""
        if self.is_done:
            return
        if self.lost.is_set():
            raise Lost
        if self.stop.is_set():
            raise Stopping
        if not self._tidying and self.cancelled():
            raise Cancelled


def day_of(moment: dt.datetime) -> dt.date:
    """The day a job counts as today."""
    return local(moment).date()
