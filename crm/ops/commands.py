"""Commands of those who run it: the worker, and the check of the audit chain."""

from __future__ import annotations

import argparse

from flask import current_app

from crm.core import audit_verify, cli, logs
from crm.core.clock import now
from crm.core.db import db
from crm.core.i18n import say, word
from crm.core.permissions import Forbidden
from crm.core.words import N_
from crm.ops.jobs import run_worker


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


def _worker_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--once", action="store_true", help="做完队列里现有的就结束 / end when the queue is empty"
    )


COMMANDS = [
    cli.Command(("worker",), "处理后台任务 / work on queued jobs", _worker, _worker_arguments),
    cli.Command(
        ("audit", "verify"),
        "校验审计链 / verify the audit chain",
        _verify,
        _verify_arguments,
        is_reading=True,
    ),
]
