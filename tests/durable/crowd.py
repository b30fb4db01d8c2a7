"""Several real processes on one database: started by the durable tests as ``python -m tests.durable.crowd SCENE``.

Prints one JSON document. The processes are forked from one that has imported everything and opened nothing.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import multiprocessing
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from crm.app import create_app
from crm.core import audit, jobs, logs, transaction
from crm.core.db import db, writing
from crm.core.jobs import claiming
from crm.core.permissions import system
from crm.core.words import Refused
from crm.firms.actions import staging
from crm.firms.actions import writing as imports
from crm.firms.models import Contact, Firm, ImportBatch
from crm.firms.rules.words import ImportMode, SheetKind
from crm.ops.jobs import Worker, work_once

FORK = multiprocessing.get_context("fork")
WRITERS, OPERATIONS, BULK = 8, 25, 5000
ME = system("crowd")


def firm_values(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "name_key": name, "name_sort": name, **more}


def opened() -> Flask:
    app = create_app()
    logs.init(logging.ERROR)
    return app


def save_one(app: Flask, name: str) -> float:
    """One operation as a page makes it: two tables, one commit. Returns the seconds it took."""
    with app.app_context():
        writing()
        started = time.monotonic()
        session = db.session()
        audit.begin(session, actor=ME, action="crowd.save")
        firm = Firm(**firm_values(name))
        session.add(firm)
        session.flush()
        session.add(Contact(firm_id=firm.id, name=name))
        transaction.commit(session)
        took = time.monotonic() - started
        db.session.remove()
    return took


def contend() -> dict[str, Any]:
    """Eight small writers and one bulk import at once."""
    barrier, results = FORK.Barrier(WRITERS + 1), FORK.Queue()

    def small(who: int) -> None:
        app, took, errors = opened(), [], []
        barrier.wait(60)
        for n in range(OPERATIONS):
            try:
                took.append(save_one(app, f"w{who}-{n}"))
            except Exception as error:
                errors.append(f"{type(error).__name__}: {error}"[:300])
        results.put({"who": who, "took": took, "errors": errors})

    def bulk() -> None:
        app = opened()
        rows = [firm_values(f"bulk-{n}", capital_yuan=n) for n in range(BULK)]
        barrier.wait(60)
        errors: list[str] = []
        started = time.monotonic()
        try:
            with app.app_context():
                writing()
                session = db.session()
                audit.begin(session, actor=ME, action="crowd.bulk")
                audit.insert_many(session, Firm, rows)
                transaction.commit(session)
        except Exception as error:
            errors.append(f"{type(error).__name__}: {error}"[:300])
        results.put({"who": "bulk", "took": [time.monotonic() - started], "errors": errors})

    def quiet() -> None:
        app = opened()
        took = [save_one(app, f"alone-{n}") for n in range(6)]
        results.put(sum(took[1:]) / 5)

    alone = gathered([quiet], results)[0]
    found = gathered([*(lambda who=who: small(who) for who in range(WRITERS)), bulk], results)
    waits = sorted(took for one in found if one["who"] != "bulk" for took in one["took"])
    return {
        "alone": alone,
        "errors": [error for one in found for error in one["errors"]],
        "operations": sum(len(one["took"]) for one in found),
        "longest": waits[-1],
        "p95": waits[int(len(waits) * 0.95)],
        "bulk": next(one["took"][0] for one in found if one["who"] == "bulk"),
    }


def same_code(parallel: int = 20, processes: int = 4) -> dict[str, Any]:
    """Twenty create a firm with one code at the same moment, in four processes."""
    barrier, results = FORK.Barrier(parallel), FORK.Queue()

    def several() -> None:
        app = opened()

        def create() -> None:
            with app.app_context():
                writing()
                with Session(db.engine) as session:
                    barrier.wait(60)
                    try:
                        audit.begin(session, actor=ME, action="crowd.create")
                        with transaction.refusing(
                            session, {"uq_firms_code": Refused("这个代码已经有了", field="code")}
                        ):
                            session.add(Firm(**firm_values("同一家", code="91330300MA2AAAAA1B")))
                        transaction.commit(session)
                        results.put("created")
                    except Refused as refusal:
                        results.put(f"refused {refusal.field}")
                    except Exception as error:
                        results.put(f"{type(error).__name__}: {error}"[:300])

        threads = [threading.Thread(target=create) for _ in range(parallel // processes)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    found = gathered([several] * processes, results, parallel)
    return {answer: found.count(answer) for answer in sorted(set(found))}


def killed(times: int = 5) -> dict[str, Any]:
    """A writer is killed in the middle of its work, again and again. What it called saved must be there."""
    saved: list[str] = []
    for turn in range(times):
        reader, writer = FORK.Pipe(duplex=False)

        def endless(turn: int = turn, writer: Any = writer) -> None:
            app = opened()
            for n in range(100_000):
                save_one(app, f"k{turn}-{n}")
                writer.send(f"k{turn}-{n}")

        process = FORK.Process(target=endless)
        process.start()
        writer.close()
        for _ in range(5):
            saved.append(reader.recv())
        time.sleep(random.random() * 0.15)
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        try:
            while True:
                saved.append(reader.recv())
        except EOFError:
            pass
    return {"saved": saved}


def queue(count: int = 12) -> dict[str, Any]:
    """Two workers on one queue; then one is killed in the middle of a job, and the other takes it over."""
    claiming.LEASE, jobs.HEARTBEAT = dt.timedelta(seconds=3), 0.5
    reader, writer = FORK.Pipe(duplex=False)

    @jobs.handler("crowd.write", title="写")
    def write(ctx: jobs.Context) -> None:
        with ctx.writing() as session:
            audit.begin(session, actor=ctx.actor, action="crowd.job")
            audit.insert_many(session, Firm, [firm_values(f"job-{ctx.params['n']}-{ctx.claimed.attempts}")])
            ctx.commit(session, result={"by": ctx.worker})

    @jobs.handler("crowd.slow", title="慢")
    def slow(ctx: jobs.Context) -> None:
        writer.send((os.getpid(), ctx.claimed.attempts))
        if ctx.claimed.attempts == 1:
            with ctx.writing() as session:
                audit.begin(session, actor=ctx.actor, action="crowd.job")
                audit.insert_many(session, Firm, [firm_values("slow-first")])
                time.sleep(30)
                ctx.commit(session, result={})
        with ctx.writing() as session:
            audit.begin(session, actor=ctx.actor, action="crowd.job")
            audit.insert_many(session, Firm, [firm_values("slow-again")])
            ctx.commit(session, result={"attempt": ctx.claimed.attempts})

    def work() -> None:
        worker = Worker(opened())
        signal.signal(signal.SIGTERM, lambda *_: worker.stop.set())
        worker.run()

    def asked() -> None:
        with opened().app_context():
            writing()
            session = db.session()
            for n in range(count):
                jobs.enqueue(session, "crowd.write", actor=ME, n=n)
            jobs.enqueue(session, "crowd.slow", actor=ME)
            transaction.commit(session)

    asking = FORK.Process(target=asked)
    asking.start()
    asking.join()
    workers = [FORK.Process(target=work) for _ in range(2)]
    for process in workers:
        process.start()
    first, _attempt = reader.recv()
    os.kill(first, signal.SIGKILL)
    assert reader.poll(30), "the job was not taken over"
    second, attempt = reader.recv()
    time.sleep(1)
    for process in workers:
        if process.pid != first:
            process.terminate()
        process.join(20)
    return {
        "taken_over": first != second,
        "attempt": attempt,
        "exits": [p.exitcode for p in workers if p.pid != first],
    }


def importing(rows: int = 10_000) -> dict[str, Any]:
    """A file of many firms goes through the queue in one process while another saves one firm after the other."""
    text = "企业名称,地址,注册资本（万元）\n" + "".join(
        f"温州{n}号电气有限公司,滨海路{n}号,{n % 900 + 1}\n" for n in range(rows)
    )
    results, over = FORK.Queue(), FORK.Event()

    def asked() -> None:
        with opened().app_context():
            writing()
            session = db.session()
            batch = staging.upload(
                session, actor=ME, sheet=SheetKind.REGISTRY, mode=ImportMode.BOTH, filename="名录.csv",
                content=text.encode(), source="名录",
            )  # fmt: skip
            jobs.enqueue(session, "firms.import-read", actor=ME, batch_id=batch.id)
            transaction.commit(session)
            results.put(batch.id)

    def work() -> None:
        app = opened()
        for kind in ("firms.import-read", "firms.import-write"):
            started = time.monotonic()
            with app.app_context():
                writing()
                session = db.session()
                if kind == "firms.import-write":
                    found = session.get_one(ImportBatch, batch_id)
                    imports.hand_over(session, found, actor=ME)
                    jobs.enqueue(session, kind, actor=ME, batch_id=batch_id)
                    transaction.commit(session)
                db.session.remove()
            work_once(app)
            results.put((kind, time.monotonic() - started))
        over.set()

    def save() -> None:
        app, took, errors, n = opened(), [], [], 0
        while not over.is_set():
            n += 1
            started = time.monotonic()
            try:
                save_one(app, f"saved-{n}")
            except Exception as error:
                errors.append(f"{type(error).__name__}: {error}"[:300])
            took.append(time.monotonic() - started)
            time.sleep(0.02)
        results.put((took, errors))

    batch_id = gathered([asked], results)[0]
    found = gathered([work, save], results, 3)
    (took, errors) = next(one for one in found if isinstance(one[0], list))
    took.sort()
    seconds = {one[0]: one[1] for one in found if isinstance(one[0], str)}
    return {
        "errors": errors, "saves": len(took), "p50": took[len(took) // 2], "p95": took[int(len(took) * 0.95)],
        "longest": took[-1], "seconds": seconds, "batch": batch_id,
    }  # fmt: skip


def gathered(tasks: list[Callable[[], None]], results: Any, expected: int | None = None) -> list[Any]:
    processes = [FORK.Process(target=task) for task in tasks]
    for process in processes:
        process.start()
    found = [results.get(timeout=120) for _ in range(expected or len(tasks))]
    for process in processes:
        process.join(60)
    return found


SCENES: dict[str, Callable[[], dict[str, Any]]] = {
    "contend": contend,
    "same-code": same_code,
    "killed": killed,
    "queue": queue,
    "importing": importing,
    "importing-100000": lambda: importing(100_000),
}

if __name__ == "__main__":
    sa.orm.configure_mappers()
    print(json.dumps(SCENES[sys.argv[1]]()), flush=True)
