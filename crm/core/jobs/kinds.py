"""What kinds of long work there are: who does them, what they are called, where their result is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

from crm.core.jobs.timing import NIGHTLY, Timing

if TYPE_CHECKING:
    from crm.core.jobs.doing import Context
    from crm.core.jobs.queue import Job

Run = Callable[["Context"], "Mapping[str, Any] | None"]
Done = Callable[[Mapping[str, Any], Mapping[str, Any]], "tuple[str, dict[str, Any]] | None"]


@dataclass(frozen=True, slots=True)
class Handler:
    """What a kind of job runs, what it is called, and the page its result is on (endpoint, values)."""

    kind: str
    title: str
    run: Run
    done: Done | None = None
    timing: Timing | None = None  # the scheduler asks for it by itself, once a period, without params
    is_silent: bool = False  # a part of something else: nobody waits for its end

    @property
    def is_nightly(self) -> bool:
        return self.timing is NIGHTLY

    def __call__(self, context: Context) -> Mapping[str, Any] | None:
        return self.run(context)


@dataclass(frozen=True, slots=True)
class Round:
    """What every scheduler does again and again, every few seconds: what there is to do it claims in the database.
    `run` is called within an application context with the scheduler's name, its clock and the event that ends it."""

    name: str
    seconds: int
    run: Callable[[str, Callable[[], dt.datetime], Event], int]


ROUNDS: dict[str, Round] = {}  # name → round; filled like JOBS
TIDY: list[Callable[[Path, dt.datetime], int]] = []  # what is put away every hour; filled like JOBS
ENDED: list[
    Callable[[Session, Job], None]
] = []  # slot: who hears of a job's end, in the transaction that ends it
JOBS: dict[str, Handler] = {}  # kind → handler; filled by the factory from each feature's jobs.py


def handler(
    kind: str,
    *,
    title: str,
    done: Done | None = None,
    is_nightly: bool = False,
    timing: Timing | None = None,
    is_silent: bool = False,
) -> Callable[[Run], Handler]:
    """Make a function the handler of a kind of job. `done(params, result)` names the page to go to afterwards;
    `timing` says when it is asked for by itself (`is_nightly`: every night)."""

    def register(run: Run) -> Handler:
        made = Handler(kind, title, run, done, NIGHTLY if is_nightly else timing, is_silent)
        known = JOBS.setdefault(kind, made)
        if known is not made and known.run.__qualname__ != run.__qualname__:
            raise ValueError(f"two handlers for {kind}")
        JOBS[kind] = made
        return made

    return register
