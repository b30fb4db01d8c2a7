"""Commands of projects."""

from __future__ import annotations

import argparse
import datetime as dt

from crm.core.cli import Command, Context
from crm.core.db import db
from crm.core.i18n import money, say
from crm.core.words import N_
from crm.projects.queries.counts import tallies


def _day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: 2026-11-30") from None


def _count_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--as-of", type=_day, metavar="DATE", required=True, help="截至日期 / the day counted"
    )


def run_count(arguments: argparse.Namespace, context: Context) -> None:
    """The reported numbers as of a day: totals the same for everybody, ids of what the actor may see."""
    found = tallies(db.session(), arguments.as_of, viewer=context.actor)
    if context.as_json:
        context.emit(
            [
                {
                    "key": key, "count": tally.count, "ids": tally.ids, "withheld": tally.withheld,
                    "agreed_yuan": None if tally.figure.is_money else tally.agreed,
                    "fixed_yuan": None if tally.figure.is_money else tally.fixed,
                    "in_place_yuan": tally.in_place,
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
]  # fmt: skip
