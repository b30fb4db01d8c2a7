"""`ladder tag` and `ladder count`."""

from __future__ import annotations

import argparse
import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from crm.core.cli import Command, Context
from crm.core.clock import today
from crm.core.db import db
from crm.core.i18n import say
from crm.core.transaction import commit
from crm.core.words import N_, Refused
from crm.ladder import queries
from crm.ladder.actions import tagging
from crm.ladder.queries.registry import Registry, load_registry
from crm.ladder.rules.kinds import KINDS, get_kind
from crm.ladder.rules.tagging import read_stored
from crm.ladder.rules.words import Stage, TagOutcome
from crm.ladder.sheets import read_list


def _day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text}: YYYY-MM-DD") from None


def _tag_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", metavar="FILE", type=Path, help="公布名单 / published list (.xlsx, .xls, .csv)"
    )
    parser.add_argument("--kind", required=True, metavar="KIND", help=", ".join(KINDS))
    parser.add_argument(
        "--granted-on", type=_day, metavar="DATE", help="名单未列日期时的发证日期 / day of grant"
    )
    parser.add_argument("--dry-run", action="store_true", help="只比对,不写入 / match only")


def tag(arguments: argparse.Namespace, context: Context) -> int:
    """Match a published list and write what matched. One JSON object a row with --json."""
    context.actor.require("ladder:tag")
    kind, day, session = get_kind(arguments.kind), today(), db.session()
    path: Path = arguments.file
    if not path.is_file():
        raise Refused(N_("没有文件「%(name)s」。"), name=str(path))
    content = path.read_bytes()
    listed = read_list(content, path.name, kind=kind, today=day)
    before = tagging.seen_before(session, content, kind.code)
    if before is not None:
        context.say(
            say(N_("同一个文件已经标记过：第 %(id)s 批「%(title)s」。"), id=before.id, title=before.title)
        )
    registry = load_registry(session, context.actor)
    rows = tagging.match_rows(registry, listed.rows)
    rows = tagging.judge_rows(session, rows, kind=kind.code, granted_on=arguments.granted_on, today=day)
    if not arguments.dry_run:
        _write(arguments, context, content, listed.title or path.stem, listed.mapping, rows)
    if context.as_json:
        context.emit_lines(_line(row, registry, arguments.granted_on) for row in rows)
    else:
        _summary(context, rows)
    return 0


def _write(
    arguments: argparse.Namespace,
    context: Context,
    content: bytes,
    title: str,
    mapping: dict[str, str],
    rows: Sequence[dict[str, Any]],
) -> None:
    wanted = [row for row in rows if row["outcome"] is TagOutcome.MATCHED and row["result"] is None]
    if not wanted:
        context.say(say(N_("没有新的证书可以写入。")))
        return
    if arguments.granted_on is None and any(row["granted_on"] is None for row in wanted):
        raise Refused(N_("名单里没有发证日期，请用 --granted-on 给出。"))
    session = db.session()
    batch = tagging.stage(
        session, kind=arguments.kind, title=title, filename=arguments.file.name, content=content,
        actor=context.actor, granted_on=arguments.granted_on, mapping=mapping,
    )  # fmt: skip
    tagging.fill(session, batch, rows, actor=context.actor)
    plan = tagging.write(session, batch, actor=context.actor, today=today())
    commit(session)
    context.say(
        say(
            N_("已写入第 %(id)s 批：新登记 %(granted)s，续期 %(renewed)s，此前已登记 %(same)s，关闭申报 %(closed)s。"),
            id=batch.id, granted=plan.granted, renewed=plan.renewed, same=plan.same, closed=plan.applications,
        )
    )  # fmt: skip


def _line(row: dict[str, Any], registry: Registry, granted_on: dt.date | None) -> dict[str, Any]:
    day = row["granted_on"] or granted_on
    firm_id = row["firm_id"]
    reasons = [say(read_stored(reason)) for reason in row["reasons"]]
    return {
        "row": row["row_no"],
        "name": row["name"],
        "number": row["number"],
        "date": day.isoformat() if day else None,
        "outcome": row["outcome"].value,
        "firm": {"id": firm_id, "name": registry.firms[firm_id].name} if firm_id else None,
        "how": row["how"],
        "candidates": [
            {"id": item["id"], "name": item["name"], "score": item["score"]} for item in row["candidates"]
        ],
        "reason": "；".join(reasons) or None,
    }


def _summary(context: Context, rows: Sequence[dict[str, Any]]) -> None:
    for outcome in TagOutcome:
        number = sum(row["outcome"] is outcome for row in rows)
        context.say(f"{say(outcome.label)} {number}")
    for row in rows:
        if row["outcome"] is not TagOutcome.MATCHED:
            best = row["candidates"][0] if row["candidates"] else None
            near = f" → {best['name']} ({best['score']})" if best else ""
            why = "；".join(say(read_stored(reason)) for reason in row["reasons"])
            context.say(f"{row['row_no']}\t{say(row['outcome'].label)}\t{row['name']}{near}\t{why}".rstrip())


def _count_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--as-of", type=_day, metavar="DATE", required=True, help="截至日期 / the day counted"
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--kind", metavar="KIND", help=", ".join(KINDS))
    what.add_argument(
        "--stage", metavar="STAGE", choices=[stage.value for stage in Stage], help="|".join(Stage)
    )
    parser.add_argument("--by", choices=["leading-industry", "street"], help="分组 / grouped by")


def count(arguments: argparse.Namespace, context: Context) -> int:
    """How many firms held a certificate, or were at a stage, on a day; with their ids."""
    context.actor.require("firm:read")
    if arguments.kind:
        get_kind(arguments.kind)
    groups = queries.count_firms(
        db.session(), as_of=arguments.as_of, kind=arguments.kind, viewer=context.actor,
        stage=Stage(arguments.stage) if arguments.stage else None, by=arguments.by,
    )  # fmt: skip
    if context.as_json:
        context.emit([{"key": item.key, "count": len(item.ids), "ids": item.ids} for item in groups])
    else:
        for item in groups:
            context.say(f"{item.key}\t{len(item.ids)}")
        context.say(say(N_("产业和街道按现在的登记；待复评的企业不计入。")))
    return 0


COMMANDS = [
    Command(("ladder", "tag"), "从公布名单标记证书 / tag certifications from a list", tag, _tag_arguments),
    Command(
        ("ladder", "count"), "截至某日的家数 / firms as of a day", count, _count_arguments, is_reading=True
    ),
]
