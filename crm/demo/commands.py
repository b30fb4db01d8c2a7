"""`demo` writes invented firms; `demo-accounts` prints the demo sign-ins again."""

from __future__ import annotations

import argparse
import json

import sqlalchemy as sa
from flask import current_app

from crm.accounts.models import User
from crm.core import clock
from crm.core.cli import Command, Context
from crm.core.db import db
from crm.core.words import N_, Refused
from crm.demo.actions import enter_candidates, enter_firms, enter_projects
from crm.demo.rules.projects import COUNT
from crm.opening import enter_units


def _demo_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--firms", type=int, default=2000, metavar="N", help="企业数 / how many firms")
    parser.add_argument("--projects", type=int, default=COUNT, metavar="N", help="项目数 / how many projects")
    parser.add_argument("--seed", type=int, default=1, metavar="S", help="随机种子 / seed")


def _demo(arguments: argparse.Namespace, context: Context) -> int:
    context.actor.require("firm:import")
    session = db.session()
    if arguments.firms < 0:
        raise Refused(N_("企业数不能是负数。"))
    if arguments.projects < 0:
        raise Refused(N_("项目数不能是负数。"))
    enter_units(session, actor=context.actor)
    done = enter_firms(
        session,
        arguments.firms,
        seed=arguments.seed,
        today=clock.today(),
        at=clock.now(),
        actor=context.actor,
        progress=lambda n: print(f"{n} / {arguments.firms}", file=context.err),
    )
    projects = enter_projects(
        session, seed=arguments.seed, today=clock.today(), at=clock.now(), actor=context.actor,
        count=arguments.projects,
    )  # fmt: skip
    candidates = enter_candidates(session, seed=arguments.seed, today=clock.today(), actor=context.actor)
    if context.as_json:
        context.emit({"firms": done, "projects": projects, "candidates": candidates, "seed": arguments.seed})
    else:
        context.say(f"已写入示范企业 {done} 家。")
        if projects:
            context.say(f"已写入示范项目 {projects} 个。")
        if candidates:
            context.say(f"已写入示范上市后备 {candidates} 家。")
    return 0


def _accounts(arguments: argparse.Namespace, context: Context) -> int:
    context.actor.require("account:manage")
    chosen = current_app.config["TIDUI"]
    has_people = db.session.scalar(sa.select(User.id).where(User.is_demo).limit(1)) is not None
    if not chosen.has_demo or not has_people:
        raise Refused(N_("没有启用示范数据,所以没有示范账号。"))
    rows = json.loads(chosen.demo_accounts.read_text(encoding="utf-8"))
    if context.as_json:
        context.emit(rows)
    else:
        for row in rows:
            context.say(f"{row['role']:<16}{row['username']:<12}{row['password']}")
    return 0


COMMANDS = [
    Command(("demo",), "写入示范企业(虚构) / write invented firms", _demo, _demo_arguments),
    Command(
        ("demo-accounts",), "再次显示示范账号 / print the demo sign-ins again", _accounts, is_reading=True
    ),
]
