"""Three schedulers on one database, one of them killed: started as ``python -m tests.durable.mails STAGE PEOPLE``.

Prints one JSON document. The processes are forked from one that has imported everything and opened nothing. It is
Monday, 23 November 2026, nine o'clock, for all of them.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import smtplib
import sys
import time
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from crm.core import jobs
from crm.core.db import db, intent
from crm.core.jobs import claiming as queue
from crm.core.jobs import doing
from crm.digest.jobs import claiming, weekly
from crm.digest.models import OutboxMail
from crm.digest.rules import delivery
from crm.digest.rules.delivery import MailState
from crm.ops.jobs import Scheduler
from tests.durable.crowd import FORK, opened

NINE = dt.datetime(2026, 11, 23, 1, tzinfo=dt.UTC)
AT = 5  # the victim dies at its fifth mail
LONGEST = 420.0  # seconds


def shorten(clock: Callable[[], dt.datetime]) -> None:
    """Leases as short as a test can wait for, by this clock."""
    queue.now = doing.now = clock  # type: ignore[attr-defined]
    delivery.LEASE = dt.timedelta(seconds=6)
    queue.LEASE = dt.timedelta(seconds=4)
    jobs.HEARTBEAT = 0.5
    weekly.PART = 50


def dying(owner: Any, name: str, *, before: bool, at: int, go: Any) -> None:
    """Let a function of the delivery kill its process at a call of it, before or after it does its work."""
    done, calls = getattr(owner, name), [0]

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        calls[0] += 1
        go.set()  # the others begin now
        if before and calls[0] == at:
            os.kill(os.getpid(), signal.SIGKILL)
        result = done(*args, **kwargs)
        if not before and calls[0] == at:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, wrapped)


STAGES: dict[str, Callable[[Any], None]] = {
    "writing-the-week": lambda go: dying(weekly, "_write", before=False, at=1, go=go),
    "before-claim": lambda go: dying(claiming, "take", before=True, at=AT, go=go),
    "after-claim": lambda go: dying(claiming, "take", before=False, at=AT, go=go),
    "in-the-middle-of-a-mail": lambda go: dying(smtplib.SMTP, "data", before=True, at=AT, go=go),
    "after-250": lambda go: dying(claiming, "sent", before=True, at=AT, go=go),
    "between-mails": lambda go: dying(claiming, "sent", before=False, at=AT, go=go),
}


def scene(stage: str, people: int) -> dict[str, Any]:
    """Run three, kill one at the stage, wait until nothing waits."""
    started, go, over = time.monotonic(), FORK.Event(), FORK.Event()

    def clock() -> dt.datetime:
        return NINE + dt.timedelta(seconds=time.monotonic() - started)

    def schedule(is_victim: bool) -> None:
        shorten(clock)
        if is_victim:
            STAGES[stage](go)
        else:
            go.wait(60)
        scheduler = Scheduler(opened(), clock=clock)
        while not over.is_set():
            scheduler.tick()
            over.wait(0.05)

    processes = [FORK.Process(target=schedule, args=(n == 0,)) for n in range(3)]
    for process in processes:
        process.start()
    app = opened()
    while time.monotonic() - started < LONGEST:
        time.sleep(0.5)
        with app.app_context(), intent("read"), db.engine.connect() as connection:
            states = dict(
                iter(
                    connection.execute(
                        sa.select(OutboxMail.state, sa.func.count()).group_by(OutboxMail.state)
                    )
                )
            )
        if states.get(MailState.SENT, 0) >= people and set(states) == {MailState.SENT}:
            break
    time.sleep(1)  # a second mail would come now
    over.set()
    for process in processes:
        process.join(30)
    return {
        "codes": [process.exitcode for process in processes],
        "states": {state.value: count for state, count in states.items()},
        "seconds": round(time.monotonic() - started, 1),
    }


if __name__ == "__main__":
    sa.orm.configure_mappers()
    print(json.dumps(scene(sys.argv[1], int(sys.argv[2]))), flush=True)
