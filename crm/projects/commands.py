"""Projects from the command line: the same gates as on screen."""

from __future__ import annotations

import argparse
import datetime as dt
from typing import Any

import sqlalchemy as sa

from crm.accounts.models import User
from crm.core.cli import Command, Context
from crm.core.clock import now, today
from crm.core.db import db
from crm.core.i18n import money, say, word
from crm.core.transaction import commit
from crm.core.words import N_, Refused, fill
from crm.projects import actions, queries
from crm.projects.queries.counts import Tally, tallies
from crm.projects.rules.words import Stage

ROLES = {"leader": N_("牵头领导"), "liaison": N_("联络员"), "agent": N_("代办员"), "holder": N_("跟进人")}


def _day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text}: 请写成 2026-05-06 这样的日期 / write a day as 2026-05-06"
        ) from None


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(
            f"{text}: 请写项目网址里的数字 / write the number in the project's address"
        )
    return int(text)


def _stage(text: str) -> Stage:
    try:
        return Stage(text)
    except ValueError:
        known = ", ".join(f"{stage.value} {fill(stage.label, {})}" for stage in Stage)
        raise argparse.ArgumentTypeError(
            f"{text}: 没有这个阶段，可以写 / no such stage, write {known}"
        ) from None


def _move_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("project", type=_number, metavar="ID", help="项目网址里的数字 / as in its address")
    parser.add_argument("stage", type=_stage, metavar="STAGE", help=", ".join(Stage))
    parser.add_argument("--on", type=_day, required=True, metavar="DATE")
    parser.add_argument("--reason", default=None)


def move(args: argparse.Namespace, context: Context) -> int:
    """Move a project to another stage; every missing item is printed when the gate refuses."""
    session = db.session()
    project = queries.get_project(session, args.project, viewer=context.actor)
    try:
        actions.move(
            session, project, actor=context.actor, today=today(), stage=args.stage, on=args.on,
            reason=args.reason,
        )  # fmt: skip
    except Refused as refusal:
        if context.as_json:
            context.emit({"error": say(refusal), "missing": [say(item) for item in refusal.items]})
        raise  # told on standard error, every item on a line
    commit()
    context.say(f"{project.name}: {word(project.stage)} {project.stage_on}")
    if context.as_json:
        context.emit({"id": project.id, "stage": project.stage.value, "on": project.stage_on.isoformat()})
    return 0


def _handover_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--from", dest="giver", required=True, metavar="USER")
    parser.add_argument("--to", dest="receiver", required=True, metavar="USER")
    parser.add_argument("--reason", required=True)
    parser.add_argument("--dry-run", action="store_true", help="只列出，不写入 / list only")


def _user_id(username: str) -> int:
    found = db.session().scalar(sa.select(User.id).where(User.username_key == username.casefold()))
    if found is None:
        raise Refused(N_("没有账号「%(name)s」。"), name=username)
    return int(found)


def handover(args: argparse.Namespace, context: Context) -> int:
    """Hand everything a person has in hand over to somebody else, in one operation."""
    held = actions.hand_over_all(
        db.session(), actor=context.actor, at=now(), today=today(), from_id=_user_id(args.giver),
        to_id=_user_id(args.receiver), reason=args.reason, dry_run=args.dry_run,
    )  # fmt: skip
    rows: list[dict[str, Any]] = [
        {
            "id": item.project.id, "name": item.project.name, "stage": item.project.stage.value,
            "roles": list(item.roles), "missing": item.lacking,
            "steps": [{"text": step.text, "due_on": step.due_on.isoformat()} for step in item.steps],
        }
        for item in held
    ]  # fmt: skip
    if args.dry_run:
        db.session().rollback()
    else:
        commit()
    context.say(f"{len(rows)} 个项目 / projects")
    if context.as_json:
        context.emit({"dry_run": args.dry_run, "projects": rows})
    else:
        for item in held:
            roles = "、".join(say(ROLES[role]) for role in item.roles)
            context.say(f"{item.project.id}\t{item.project.name}\t{word(item.project.stage)}\t{roles}")
            for step in item.steps:
                context.say(f"\t{step.due_on} {step.text}")
    return 0


def _count_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--as-of", type=_day, metavar="DATE", required=True, help="截至日期 / the day counted"
    )
    parser.add_argument(
        "--amounts", action="store_true", help="--json 另给金额（元） / with --json, amounts in yuan too"
    )


def _amounts(tally: Tally) -> dict[str, int | None]:
    is_money = tally.figure.is_money
    return {
        "agreed_yuan": None if is_money else tally.agreed, "fixed_yuan": None if is_money else tally.fixed,
        "in_place_yuan": tally.in_place,
    }  # fmt: skip


def run_count(arguments: argparse.Namespace, context: Context) -> None:
    """The reported numbers as of a day: totals the same for everybody, ids of what the actor may see."""
    found = tallies(db.session(), arguments.as_of, viewer=context.actor)
    if context.as_json:
        context.emit(
            [
                {
                    "key": key, "count": tally.count, "ids": tally.ids, "withheld": tally.withheld,
                    **(_amounts(tally) if arguments.amounts else {}),
                }
                for key, tally in found.items()
            ]
        )  # fmt: skip
        return
    for tally in found.values():
        amount = tally.in_place if tally.figure.is_money else tally.agreed
        context.say(f"{say(tally.figure.label)}\t{tally.count}\t{money(amount)}")
    context.say(say(N_("项目后面是协议投资，资金后面是到位资金；您看不到的也在总数里。")))


COMMANDS = [
    Command(
        ("projects", "count"), "截至某日的项目计数和到位资金 / counted projects and money in place",
        run_count, _count_arguments, is_reading=True,
    ),
    Command(("projects", "move"), "推进项目到某一阶段，条件与网页一致 / move a project", move, _move_arguments),
    Command(
        ("projects", "handover"), "整体交接一个人名下的项目 / hand a portfolio over", handover, _handover_arguments
    ),
]  # fmt: skip
