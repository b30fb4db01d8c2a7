"""Commands of those who run it: the worker, and the check of the audit chain."""

from __future__ import annotations

import argparse
import datetime as dt
import time
from typing import Any

from flask import current_app

from crm.core import audit_verify, cli, jobs, logs
from crm.core.clock import now
from crm.core.db import db, intent
from crm.core.i18n import moment, say, word
from crm.core.permissions import Forbidden
from crm.core.sentences import unpacked
from crm.core.transaction import commit
from crm.core.words import N_
from crm.ops import queries
from crm.ops.jobs import Worker, run_scheduler, run_worker

PATIENCE = 900.0  # seconds a run by hand is waited for when a scheduler does it


def _worker(arguments: argparse.Namespace, context: cli.Context) -> int | None:
    logs.init()
    db.session.remove()
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    done = run_worker(app, once=arguments.once)
    if arguments.once:
        if context.as_json:
            context.emit({"done": done})
        else:
            context.say(say(N_("做了 %(count)s 个任务。"), count=done))
    return 0


def _scheduler(arguments: argparse.Namespace, context: cli.Context) -> int | None:
    logs.init()
    db.session.remove()
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    done = run_scheduler(app, once=arguments.once)
    if arguments.once:
        if context.as_json:
            context.emit({"done": done})
        else:
            context.say(say(N_("做了 %(count)s 件事。"), count=done))
    return 0


def _day(text: str) -> dt.date:
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text}: YYYY-MM-DD") from None
    if not 2000 <= day.year <= 2100:
        raise argparse.ArgumentTypeError(f"{text}: 2000–2100")
    return day


def _jobs_list(arguments: argparse.Namespace, context: cli.Context) -> None:
    """Which jobs are done by themselves, when they were last and will be next."""
    context.actor.require("setting:manage")
    rows = queries.timed_jobs(db.session(), now())
    if context.as_json:
        context.emit(
            [
                {
                    "name": row.kind, "title": say(row.title), "when": say(row.timing), "next": row.upcoming,
                    "last": None if row.last is None else _plain(row.last),
                }
                for row in rows
            ]
        )  # fmt: skip
        return
    for row in rows:
        last = "—" if row.last is None else f"{moment(row.last.created_at)} {word(row.last.state)}"
        following = "—" if row.upcoming is None else moment(row.upcoming)
        context.say(f"{row.kind:<22} {say(row.timing)}  {last} → {following}  {say(row.title)}")


def _jobs_run(arguments: argparse.Namespace, context: cli.Context) -> int:
    """Do a job now in this process, as if it were that day."""
    name: str = arguments.name
    session = db.session()
    job_id = jobs.ask_now(session, name, actor=context.actor, on=arguments.on)
    commit(session)
    db.session.remove()
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    Worker(app).step(only=job_id)
    told = _ended(job_id)
    state = jobs.JobState(told["state"])
    if context.as_json:
        context.emit(told)
    else:
        context.say(f"{name}: {word(state)} {told['result'] or ''} {told['problem'] or ''}".rstrip())
    return 0 if state is jobs.JobState.DONE else 1


def _ended(job_id: int) -> dict[str, Any]:
    """The job when it is over: a scheduler may have been quicker to take it, so it is waited for."""
    until = time.monotonic() + PATIENCE
    while True:
        with intent("read"):
            session = db.session()
            job = session.get_one(jobs.Job, job_id, populate_existing=True)
            told, is_over = _plain(job), job.state.is_over
            session.rollback()
        if is_over or time.monotonic() > until:
            return told
        time.sleep(0.2)


def _run_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="任务的代码，见 jobs list / the job, see jobs list")
    parser.add_argument("--on", type=_day, metavar="DATE", help="当作哪一天 / as of this day, YYYY-MM-DD")


def _verify(arguments: argparse.Namespace, context: cli.Context) -> int:
    if not context.actor.may("audit:read"):
        raise Forbidden(N_("只有审计员可以校验日志。"))
    settings = current_app.config["TIDUI"]
    path = audit_verify.anchor_file(settings.data, settings.database_url)
    anchors = [audit_verify.parse_anchor(text) for text in arguments.anchor or []]
    session = db.session()
    report = audit_verify.verify(session, [*anchors, *audit_verify.read_anchors(path)])
    session.rollback()
    if report.is_whole:
        audit_verify.keep_anchor(session, path, now().isoformat(timespec="seconds"))
        session.rollback()
    if context.as_json:
        broken = report.broken
        context.emit(
            {
                "whole": report.is_whole,
                "links": report.links,
                "changes": report.changes,
                "anchors": report.anchors,
                "last": str(report.last),
                "broken": None
                if broken is None
                else {
                    "seq": broken.seq,
                    "fault": broken.fault.value,
                    "text": word(broken.fault),
                    "detail": broken.detail,
                },
            }
        )
    else:
        context.say(say(report.message))
    return 0 if report.is_whole else 1


def _verify_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--anchor",
        action="append",
        metavar="SEQ:HASH",
        help="另存的末环,可多次给出 / a link kept elsewhere (repeatable)",
    )


def _scheduler_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--once", action="store_true", help="做完现在该做的就结束 / do what is due now and end"
    )


def _worker_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--once", action="store_true", help="做完队列里现有的就结束 / end when the queue is empty"
    )


COMMANDS = [
    cli.Command(("worker",), "处理后台任务 / work on queued jobs", _worker, _worker_arguments),
    cli.Command(
        ("scheduler",), "定时任务和发信 / scheduled jobs and mails", _scheduler, _scheduler_arguments
    ),
    cli.Command(("jobs", "list"), "定时任务 / scheduled jobs", _jobs_list, is_reading=True),
    cli.Command(("jobs", "run"), "现在做一次定时任务 / do a scheduled job now", _jobs_run, _run_arguments),
    cli.Command(
        ("audit", "verify"),
        "校验审计链 / verify the audit chain",
        _verify,
        _verify_arguments,
        is_reading=True,
    ),
]


def _plain(job: jobs.Job) -> dict[str, Any]:
    """A run as JSON."""
    return {
        "id": job.id, "period": job.period, "state": job.state.value, "asked_at": job.created_at,
        "started_at": job.started_at, "finished_at": job.finished_at, "seconds": queries.seconds_of(job),
        "attempts": job.attempts, "result": job.result,
        "problem": say(unpacked(job.problem)) if job.problem else None,
    }  # fmt: skip
