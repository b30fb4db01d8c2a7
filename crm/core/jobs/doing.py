"""What a handler is given: sessions to read and write with, and how to say how far it is."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from crm.core import audit, transaction
from crm.core.clock import local, now
from crm.core.db import intent
from crm.core.jobs.claiming import Cancelled, Claim, Lost, Stopping, hear, is_held, until
from crm.core.jobs.queue import TABLE, JobState
from crm.core.permissions import Actor
from crm.core.sentences import packed
from crm.core.words import Message

OFTEN = 0.4  # seconds between two progress rows


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
    clock: Callable[[], dt.datetime] = now
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
        values: dict[str, Any] = {"lease_until": until(now())}
        if result is not None:
            values = {
                "state": JobState.DONE,
                "result": audit.jsonable(dict(result)),
                "finished_at": now(),
                "lease_until": None,
                "claimed_by": None,
                "done": sa.func.coalesce(TABLE.c.total, TABLE.c.done),
            }
        fenced = session.connection().execute(
            sa.update(TABLE).where(is_held(self.claimed, self.worker)).values(values)
        )
        if fenced.rowcount != 1:
            session.rollback()
            raise Lost
        if result is not None:
            hear(session, self.job_id)
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
            told = connection.execute(
                sa.update(TABLE).where(is_held(self.claimed, self.worker)).values(values)
            )
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
                        sa.select(TABLE.c.cancel_requested).where(TABLE.c.id == self.job_id)
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
