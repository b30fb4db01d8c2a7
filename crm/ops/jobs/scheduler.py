"""The scheduler: asks for the runs that are due, does them, and goes its rounds (mails). It keeps nothing itself.

Any number may run on one database: a run is one row, unique by kind and period, done by whoever claims it; what a round
does it claims as well. The timing here only says how often it looks, so that nothing depends on who looks when: a
scheduler that was off makes up what is due while the period lasts.
"""

from __future__ import annotations

import datetime as dt
import logging
import signal
import threading
from collections.abc import Callable
from functools import partial
from types import FrameType

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from crm.core import audit, jobs, transaction
from crm.core.clock import now
from crm.core.db import db, intent
from crm.core.jobs import JOBS, ROUNDS, Round
from crm.ops.jobs.worker import MEMORY, Worker, limit_memory

log = structlog.get_logger("tidui")
ASK = 15  # seconds between two looks at what is due
WORK = 2  # seconds between two looks at the queue


class Scheduler:
    """One scheduler in this process. `stop` makes it end after what it is at. `clock` tells the time."""

    def __init__(self, app: Flask, *, clock: Callable[[], dt.datetime] = now) -> None:
        self.app = app
        self.clock = clock
        timed = [kind for kind, each in JOBS.items() if each.timing is not None]
        self.worker = Worker(app, kinds=timed, clock=clock)
        self.stop = self.worker.stop

    def ask(self) -> int:
        """Put what is due into the queue: a look costs no write lock. Returns how many."""
        with self.app.app_context():
            with intent("read"), Session(db.engine) as session:
                due = jobs.due(session, self.clock())
            if not due:
                return 0
            with transaction.fresh(origin=audit.Origin("scheduler")) as session:
                asked = jobs.ask_due(session, self.clock())
                transaction.commit(session)
            return asked

    def work(self) -> int:
        """Do the runs that wait. Returns how many."""
        done = 0
        while not self.stop.is_set() and self.worker.step():
            done += 1
        return done

    def go(self, each: Round) -> int:
        """One round. Returns how many things it did."""
        with self.app.app_context():
            try:
                return each.run(self.worker.name, self.clock, self.stop)
            finally:
                db.session.remove()

    def tick(self) -> int:
        """All of it once, in this thread (tests, `--once`). Returns how many things were done."""
        return self.ask() + self.work() + sum(self.go(each) for each in list(ROUNDS.values()))

    def run(self) -> None:
        """Go on until told to stop."""
        timer = BackgroundScheduler(
            timezone="UTC",
            executors={"default": ThreadPoolExecutor(2 + len(ROUNDS))},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        at_once = dt.datetime.now(dt.UTC)
        timer.add_job(self._guarded(self.ask), "interval", seconds=ASK, next_run_time=at_once, id="ask")
        timer.add_job(self._guarded(self.work), "interval", seconds=WORK, id="work")
        for each in ROUNDS.values():
            do = self._guarded(partial(self.go, each))
            timer.add_job(do, "interval", seconds=each.seconds, id=each.name)
        timer.start()
        log.info("scheduler.started", worker=self.worker.name)
        self.stop.wait()
        timer.shutdown(wait=True)
        log.info("scheduler.ended", worker=self.worker.name)

    def _guarded(self, do: Callable[[], object]) -> Callable[[], None]:
        """What goes wrong is logged and tried again at the next look: a database that is away comes back."""

        def guarded() -> None:
            if self.stop.is_set():
                return
            try:
                do()
            except (SQLAlchemyError, OSError) as error:
                log.warning("scheduler.waiting", error=type(error).__name__)
            except Exception as error:
                log.error("scheduler.fault", exc_info=error)

        return guarded


def run_scheduler(app: Flask, *, once: bool = False, clock: Callable[[], dt.datetime] = now) -> int:
    """The command: SIGTERM ends it after what it is at. With `once` it looks once and does what there is."""
    limit_memory(MEMORY)
    scheduler = Scheduler(app, clock=clock)
    if once:
        with app.app_context():
            transaction.let_go()
        return scheduler.tick()
    for name in ("apscheduler.executors.default", "apscheduler.scheduler"):
        logging.getLogger(name).setLevel(logging.ERROR)  # that one round outlasts its interval is no news

    def end(_number: int, _frame: FrameType | None) -> None:
        scheduler.stop.set()

    signal.signal(signal.SIGTERM, end)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, end)
    scheduler.run()
    return 0
