"""The worker: takes jobs from the queue one at a time, and writes down the chain's end every hour."""

from __future__ import annotations

import datetime as dt
import os
import secrets
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Collection
from types import FrameType

import structlog
from flask import Flask
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

from crm.accounts.queries import actor_of
from crm.core import audit, jobs, transaction
from crm.core.audit_verify import anchor_file, keep_anchor
from crm.core.clock import now
from crm.core.db import db, intent, reading
from crm.core.jobs import JOBS, Cancelled, Claim, Context, JobState, Lost, Stopping
from crm.core.permissions import Actor
from crm.core.sentences import problem
from crm.core.words import N_, Message, Refused

log = structlog.get_logger("tidui")
POLL = 0.5  # seconds between two looks at an empty queue
AFTER_FAULT = 3.0  # seconds to wait when the database does not answer
ANCHOR_EVERY = 3600.0  # seconds
MEMORY = 2048 * 1024 * 1024

FAULT = N_("出错了，已经记录下来，数据没有改动。再次出现时请把编号 %(id)s 告诉系统管理员。")
TOO_BIG = N_("内容太大，后台进程的内存不够。请拆成几个文件再试。")
NOBODY = N_("提交任务的账号已经停用，任务没有做。")


class Worker:
    """One worker in this process. `stop` makes it end after the step it is at. `kinds`: it takes these only."""

    def __init__(
        self, app: Flask, *, kinds: Collection[str] | None = None, clock: Callable[[], dt.datetime] = now
    ) -> None:
        self.app = app
        self.kinds = kinds
        self.clock = clock
        self.name = f"{socket.gethostname()[:40]}:{os.getpid()}:{secrets.token_hex(4)}"
        self.stop = threading.Event()

    def run(self) -> int:
        """Work until told to stop. Returns how many jobs were done."""
        count, anchor_due = 0, time.monotonic()
        log.info("worker.started", worker=self.name)
        while not self.stop.is_set():
            try:
                if time.monotonic() >= anchor_due:
                    self.keep_anchor()
                    anchor_due = time.monotonic() + ANCHOR_EVERY
                if self.step():
                    count += 1
                    continue
                pause = POLL
            except (DBAPIError, OSError) as error:
                log.warning("worker.waiting", error=type(error).__name__)
                pause = AFTER_FAULT
            self.stop.wait(pause)
        log.info("worker.ended", worker=self.name, jobs=count)
        return count

    def keep_anchor(self) -> None:
        """Write the chain's end into the file of anchors, if it has moved."""
        settings = self.app.config["TIDUI"]
        with self.app.app_context(), intent("read"), Session(db.engine) as session:
            keep_anchor(
                session,
                anchor_file(settings.data, settings.database_url),
                now().isoformat(timespec="seconds"),
            )

    def step(self, only: int | None = None) -> bool:
        """Do one job (this one), if there is one. False when there is none."""
        with self.app.app_context():
            engine = db.engine
            claimed = jobs.claim(engine, self.name, self.clock(), kinds=self.kinds, only=only)
            if claimed is None:
                return False
            structlog.contextvars.bind_contextvars(job=claimed.id, kind=claimed.kind)
            try:
                self._do(engine, claimed)
            finally:
                db.session.remove()
                structlog.contextvars.clear_contextvars()
            return True

    def _do(self, engine: Engine, claimed: Claim) -> None:
        context = Context(
            engine=engine,
            claimed=claimed,
            worker=self.name,
            actor=_nobody(claimed),
            today=_today(claimed, self.clock()),
            stop=self.stop,
            clock=self.clock,
        )
        over = threading.Event()
        heart = threading.Thread(target=self._beat, args=(context, over), name="heartbeat", daemon=True)
        heart.start()
        state, values = JobState.DONE, {}
        try:
            log.info("job.started", attempt=claimed.attempts)
            context.actor = _actor(engine, claimed)
            with intent("read"):
                result = JOBS[claimed.kind](context)
            if context.is_done:
                return
            values = {"result": audit.jsonable(dict(result or {}))}
        except Refused as refusal:
            state, values = JobState.FAILED, {"problem": problem(refusal)}
        except Cancelled:
            state = JobState.CANCELLED
        except Stopping:
            state = JobState.QUEUED
        except Lost:
            log.warning("job.lost")
            return
        except MemoryError:
            log.error("job.memory")
            state, values = JobState.FAILED, {"problem": problem(Message(TOO_BIG))}
        except OperationalError as error:
            log.error("job.database", exc_info=error)
            if claimed.attempts < jobs.ATTEMPTS and not context.is_done:
                raise  # the lease runs out, then it starts again
            state, values = JobState.FAILED, {"problem": problem(Message(FAULT, {"id": claimed.id}))}
        except Exception as error:
            log.error("job.fault", exc_info=error)
            state, values = JobState.FAILED, {"problem": problem(Message(FAULT, {"id": claimed.id}))}
        finally:
            over.set()
            heart.join()
            log.info("job.ended", state="done" if context.is_done else state.value)
        if not context.is_done:
            jobs.finish(engine, claimed, self.name, state, **values)

    def _beat(self, context: Context, over: threading.Event) -> None:
        """Renew the lease while the handler works; one that is lost is told to the handler."""
        while not over.wait(jobs.HEARTBEAT):
            try:
                if not jobs.renew(context.engine, context.claimed, self.name):
                    if not context.is_done:
                        context.lost.set()
                    return
            except DBAPIError:  # the writer's lock is taken, or the database away: the next beat tries again
                log.info("job.heartbeat_missed")


def _today(claimed: Claim, moment: dt.datetime) -> dt.date:
    """The day a job takes as today: the one it was asked for, else the one it is."""
    asked = claimed.params.get("on")
    return dt.date.fromisoformat(asked) if isinstance(asked, str) else jobs.day_of(moment)


def _nobody(claimed: Claim) -> Actor:
    return Actor(user_id=claimed.requested_by_id, name=claimed.requested_by)


def _actor(engine: Engine, claimed: Claim) -> Actor:
    """Who asked, with the rights of now; the system stays the system."""
    if claimed.requested_by_id is None:
        is_system = claimed.requested_by.startswith("system:")
        return Actor(user_id=None, name=claimed.requested_by, is_system=is_system)
    with intent("read"), Session(engine) as session:
        found = actor_of(session, claimed.requested_by_id)
    if found is None:
        raise Refused(NOBODY)
    return found


def work_once(app: Flask) -> int:
    """Do what is in the queue now, in this process (tests, `worker --once`). Returns how many jobs were done."""
    with app.app_context():
        transaction.let_go()
    worker, count = Worker(app), 0
    while worker.step():
        count += 1
    return count


def run_worker(app: Flask, *, once: bool = False) -> int:
    """The command: SIGTERM ends it after the step it is at; a job that is cut short goes back into the queue."""
    limit_memory(MEMORY)
    reading()
    if once:
        return work_once(app)
    worker = Worker(app)

    def end(_number: int, _frame: FrameType | None) -> None:
        worker.stop.set()

    signal.signal(signal.SIGTERM, end)
    return worker.run()


def limit_memory(limit: int) -> None:
    """A workbook that would eat the machine gets `MemoryError`. Only where the system can, and never raised."""
    if sys.platform == "linux":
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
        wanted = limit if hard < 0 else min(limit, hard)
        if soft < 0 or soft > wanted:
            resource.setrlimit(resource.RLIMIT_DATA, (wanted, hard))
