"""What kinds of long work there are: who does them, what they are called, where their result is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

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
    is_nightly: bool = False  # the worker asks for it by itself, once a night, without params
    is_silent: bool = False  # a part of something else: nobody waits for its end

    def __call__(self, context: Context) -> Mapping[str, Any] | None:
        return self.run(context)


TIDY: list[Callable[[Path, dt.datetime], int]] = []  # what the worker puts away every hour; filled like JOBS
ENDED: list[
    Callable[[Session, Job], None]
] = []  # slot: who hears of a job's end, in the transaction that ends it
JOBS: dict[str, Handler] = {}  # kind → handler; filled by the factory from each feature's jobs.py


def handler(
    kind: str, *, title: str, done: Done | None = None, is_nightly: bool = False, is_silent: bool = False
) -> Callable[[Run], Handler]:
    """Make a function the handler of a kind of job. `done(params, result)` names the page to go to afterwards."""

    def register(run: Run) -> Handler:
        made = Handler(kind, title, run, done, is_nightly, is_silent)
        known = JOBS.setdefault(kind, made)
        if known is not made and known.run.__qualname__ != run.__qualname__:
            raise ValueError(f"two handlers for {kind}")
        JOBS[kind] = made
        return made

    return register
