"""The reserve from the command line: the same gates as on screen."""

from __future__ import annotations

import argparse
import datetime as dt
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core import audit
from crm.core.cli import Command, Context
from crm.core.clock import today
from crm.core.db import db, intent
from crm.core.i18n import say, word
from crm.core.lists import exporting
from crm.core.sheets import Column, ColumnKind, SheetSpec, write_csv, write_xlsx
from crm.core.transaction import commit
from crm.core.words import N_, Refused, Word
from crm.firms.models import Firm
from crm.firms.queries.known import known_firms
from crm.firms.queries.scope import visible_to as firm_visible_to
from crm.firms.rules.joining import identify
from crm.firms.rules.words import RowOutcome
from crm.listing import actions, queries
from crm.listing.models import Candidate
from crm.listing.queries.importing import told_rows
from crm.listing.rules.sheet import DAYS, EXPORTED
from crm.listing.rules.words import Act, Stage


def _day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text}: 请写成 2026-05-06 这样的日期 / write a day as 2026-05-06"
        ) from None


def _move_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("firm", metavar="FIRM", help="信用代码或企业名称 / code or name")
    parser.add_argument(
        "stage", choices=[stage.value for stage in Stage], metavar="STAGE", help=", ".join(Stage)
    )
    parser.add_argument("--on", type=_day, required=True, metavar="DATE")
    parser.add_argument("--reason", default=None)


def move(args: argparse.Namespace, context: Context) -> int:
    """Move a firm's candidate to another stage; every missing item is printed when the gate refuses."""
    session = db.session()
    try:
        candidate = _candidate(session, args.firm, context)
        actions.move(
            session, candidate, actor=context.actor, today=today(), stage=Stage(args.stage), on=args.on,
            reason=args.reason,
        )  # fmt: skip
    except Refused as refusal:
        session.rollback()
        context.say(say(refusal))
        if context.as_json:
            context.emit({"error": say(refusal), "missing": [say(item) for item in refusal.items]})
        return 1
    commit()
    name = candidate.firm.name
    context.say(f"{name}: {word(candidate.stage)} {candidate.stage_on}")
    if context.as_json:
        context.emit(
            {
                "id": candidate.id,
                "firm": name,
                "stage": candidate.stage.value,
                "on": candidate.stage_on.isoformat(),
            }
        )
    return 0


def _candidate(session: Session, written: str, context: Context) -> Candidate:
    """The candidate of the firm a code or a name means. Raises `Refused`, naming the firms that may be meant."""
    context.actor.require("listing:read")
    written = written.strip()
    by_code = session.scalar(
        sa.select(Firm.id).where(
            Firm.code == written.upper(), Firm.merged_into_id.is_(None), firm_visible_to(context.actor)
        )
    )
    firm_id = by_code
    if firm_id is None:
        joined = identify({"name": written}, known_firms(session, viewer=context.actor))
        if joined.outcome is not RowOutcome.SAME or joined.firm_id is None:
            text = (
                N_("不止一家「%(name)s」，请写信用代码")
                if joined.candidates
                else N_("库里没有企业「%(name)s」，请先登记")
            )
            raise Refused(text, name=written)
        firm_id = joined.firm_id
    found = queries.of_firm(session, firm_id, viewer=context.actor)
    if found is None:
        raise Refused(N_("「%(name)s」不在上市后备库里。"), name=written)
    return found


def _count_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--as-of", type=_day, metavar="DATE", required=True, help="截至日期 / the day counted"
    )


def count(arguments: argparse.Namespace, context: Context) -> None:
    """The plan's counts as of a day: totals the same for everybody, ids of what the actor may see."""
    found = queries.counts(db.session(), arguments.as_of, viewer=context.actor)
    if context.as_json:
        context.emit(
            [
                {
                    "key": each.key, "count": each.count, "ids": list(each.visible), "withheld": each.withheld,
                    "withdrawn": [one for one in each.withdrawn if one in set(each.visible)],
                }
                for each in found
            ]
        )  # fmt: skip
        return
    for each in found:
        context.say(f"{say(each.label)}\t{each.count}\t{say(N_('其中已撤回'))} {len(each.withdrawn)}")


def _export_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help=".xlsx / .csv")
    parser.add_argument(
        "--filter", default="", metavar="QUERYSTRING", help="与网址里的条件相同 / as in the address"
    )


def export(arguments: argparse.Namespace, context: Context) -> None:
    """Write the filtered candidates with their dated steps, documents, plans and intermediaries, in the columns the
    import reads: read in again it changes nothing. The export is in the audit."""
    context.actor.require("export:run")
    context.actor.require("listing:read")
    session, listed = db.session(), queries.LIST
    asked = dict(parse_qsl(arguments.filter.lstrip("?")))
    wanted = listed.asked(asked, today())
    found = exporting.taken(session, listed, wanted, context.actor)
    exporting.check_conditions(asked, found)
    if arguments.file.suffix.lower() not in (".csv", ".xlsx"):
        raise Refused(N_("文件名要以 .xlsx 或 .csv 结尾。"))
    columns = [
        Column(say(rule.label), ColumnKind.DATE if rule.name in DAYS else ColumnKind.TEXT, 16 if rule.name != "name" else 36)
        for rule in EXPORTED
    ]  # fmt: skip
    ids = session.scalars(found.ids.order_by(Candidate.id)).all()
    body = (tuple(_cell(told.get(rule.name)) for rule in EXPORTED) for told in told_rows(session, ids))
    sheet = SheetSpec(say(listed.label), columns, body)
    if arguments.file.suffix.lower() == ".csv":
        write_csv(arguments.file, sheet)
    else:
        write_xlsx(arguments.file, [sheet])
    session.rollback()
    with intent("write"):  # nobody waited while the rows were read
        audit.begin(
            session, actor=context.actor, action=Act.EXPORT, count=found.count, filter=arguments.filter[:500]
        )
        commit(session)
    context.say(say(N_("已导出 %(n)d 行到 %(file)s"), n=found.count, file=str(arguments.file)))
    if context.as_json:
        context.emit({"count": found.count, "file": str(arguments.file)})


def _cell(value: Any) -> Any:
    return say(value.label) if isinstance(value, Word) else value


COMMANDS = [
    Command(
        ("listing", "count"), "截至某日的股改和报会企业数 / reforms and accepted applications as of a day",
        count, _count_arguments, is_reading=True,
    ),
    Command(
        ("listing", "move"), "推进上市后备到某一阶段，条件与网页一致 / move a candidate", move, _move_arguments
    ),
    Command(
        ("listing", "export"), "导出上市后备，可以原样再导入 / export the reserve", export, _export_arguments,
        is_reading=True,
    ),
]  # fmt: skip
