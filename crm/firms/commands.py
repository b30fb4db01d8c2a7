"""Commands of the registry: import, template, export, search."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from crm.core import audit
from crm.core.cli import Command, Context
from crm.core.clock import now, today
from crm.core.db import db, intent
from crm.core.i18n import say
from crm.core.lists import LISTS, exporting
from crm.core.sheets import SheetSpec, write_csv, write_xlsx
from crm.core.transaction import commit
from crm.core.words import N_, Refused
from crm.firms import actions, queries, sheets
from crm.firms.actions import staging, writing
from crm.firms.models import ImportBatch
from crm.firms.rules.columns import rules_of
from crm.firms.rules.contacts import Identity
from crm.firms.rules.pairing import suspected
from crm.firms.rules.reasons import message
from crm.firms.rules.standing import mask_mail, mask_phone
from crm.firms.rules.words import Act, BatchState, ImportMode, RowOutcome, SheetKind

BIGGEST = 60_000_000
PART = 1_000  # rows written at once: a save beside the import waits for no more than these


def _past_arguments(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(sheet=SheetKind.ACTIVITIES.value, mode=ImportMode.BOTH.value, unit="万元")
    _reading_arguments(parser)


def _project_arguments(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(sheet=SheetKind.PROJECTS.value)
    parser.add_argument("--mode", choices=[mode.value for mode in ImportMode], default=ImportMode.BOTH.value)
    parser.add_argument(
        "--unit", choices=sheets.UNITS, default="万元", help="没写单位的金额 / unit of bare amounts"
    )
    _reading_arguments(parser)


def _listing_arguments(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(sheet=SheetKind.LISTING.value, unit="万元")
    parser.add_argument("--mode", choices=[mode.value for mode in ImportMode], default=ImportMode.BOTH.value)
    _reading_arguments(parser)


def _import_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--sheet", choices=[kind.value for kind in SheetKind], default=SheetKind.REGISTRY.value
    )
    parser.add_argument("--mode", choices=[mode.value for mode in ImportMode], default=ImportMode.BOTH.value)
    parser.add_argument(
        "--unit", choices=sheets.UNITS, default="万元", help="没写单位的金额 / unit of bare amounts"
    )
    _reading_arguments(parser)


def _reading_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path)
    parser.add_argument("--dry-run", action="store_true", help="只核对,不写入 / check only")
    parser.add_argument("--source", default=None, help="来源名称 / where the list comes from")
    parser.add_argument(
        "--within",
        default=None,
        metavar="REGION",
        help="只要地址在这些省市县的行 / only rows with an address there",
    )
    parser.add_argument("--worksheet", default=None, help="工作表名 / worksheet")
    parser.add_argument(
        "--column", action="append", default=[], metavar="FIELD=HEADING", help="改列的对应 / map a column"
    )


def run_import(arguments: argparse.Namespace, context: Context) -> int:
    """Read, match, write; doubtful rows are left out and told. What is long is written part by part."""
    path: Path = arguments.file
    sheet, mode = SheetKind(arguments.sheet), ImportMode(arguments.mode)
    session = db.session()
    content = _bytes(path)
    staging.require(context.actor, sheet)
    session.rollback()
    with intent("read"):
        table = sheets.open_table(content, path.name, sheet, {"sheet_name": arguments.worksheet})
        narrowed = sheets.narrow(table, sheet, arguments.within)
        mapping = {
            **sheets.recognise(table.headings, sheet),
            **_columns(arguments.column, sheet, table.headings),
        }
        headings = list(table.headings)
        rows = sheets.parse(table, mapping, sheet, arguments.unit)
        del table  # 200,000 rows are large: nothing of them is kept longer than it is needed
        if not rows:
            raise sheets.nothing_in(path.name, narrowed)
        staged = staging.judge(session, rows, actor=context.actor, sheet=sheet, mode=mode, today=today())
        session.rollback()
        del rows
    result: dict[str, Any] = {"counts": staging.counts_of(staged), "batch": None, "columns": mapping}
    result["ignored"] = [name for name in headings if name not in mapping.values()]
    result["narrowed"] = [say(each) for each in narrowed]
    result["notes"] = [
        _told(item) for item in staged if item.joined.outcome is RowOutcome.NEW and item.joined.reasons
    ]
    for outcome in (RowOutcome.REFUSED, RowOutcome.DOUBTFUL):
        result[outcome.value] = [_told(item) for item in staged if item.joined.outcome is outcome]
    if not arguments.dry_run:
        batch = staging.upload(
            session, actor=context.actor, sheet=sheet, mode=mode, filename=path.name, content=content,
            source=arguments.source or path.stem, options=_options(arguments),
        )  # fmt: skip
        staging.stage(session, batch, staged, actor=context.actor, mapping=mapping, headings=headings)
        commit(session)
        del staged, content
        _write(batch, context)
        result["batch"] = batch.id
    if context.as_json:
        context.emit(result)
    else:
        _report(result, context, arguments.dry_run)
    return 0


def _write(batch: ImportBatch, context: Context) -> None:
    """Write part by part; when a part is refused, those before it are taken back."""
    session, is_last = db.session(), False
    try:
        while not is_last:
            part = writing.write_part(session, batch, actor=context.actor, today=today(), most=PART)
            commit(session)
            is_last = part.is_last
    except Refused:
        session.rollback()
        for part_in in writing.parts_of(session, batch.id):
            writing.take_back(session, batch, part_in, actor=context.actor)
            commit(session)
        writing.reopen(session, batch, actor=context.actor)
        commit(session)
        raise


def _options(arguments: argparse.Namespace) -> dict[str, str]:
    return {"unit": arguments.unit, **({"within": arguments.within} if arguments.within else {})}


def _bytes(path: Path) -> bytes:
    if not path.is_file():
        raise Refused(N_("没有文件「%(name)s」。"), name=str(path))
    with path.open("rb") as stream:
        content = stream.read(BIGGEST)
    return content


def _columns(given: list[str], sheet: SheetKind, headings: list[str]) -> dict[str, str]:
    known = rules_of(sheet)
    found: dict[str, str] = {}
    for pair in given:
        name, _, heading = pair.partition("=")
        if name not in known or heading not in headings:
            raise Refused(N_("不认识的列对应「%(pair)s」。"), pair=pair)
        found[name] = heading
    return found


def _told(item: staging.Staged) -> dict[str, Any]:
    joined = item.joined
    told: dict[str, Any] = {
        "row": item.read.row_no,
        "name": item.read.values.get("name"),
        "code": item.read.values.get("code"),
        "reasons": [
            {"column": reason.get("column"), "field": reason.get("field"), "reason": say(message(reason))}
            for reason in joined.reasons
        ],
    }
    if joined.outcome is RowOutcome.DOUBTFUL:
        told["candidates"] = [
            {"id": each["id"], "name": each["name"], "score": each["score"]} for each in joined.candidates
        ]
    return told


def _report(result: dict[str, Any], context: Context, is_trial: bool) -> None:
    parts = "，".join(f"{say(outcome.label)} {result['counts'][outcome.value]:,}" for outcome in RowOutcome)
    context.say(say(N_("试运行，没有写入：%(parts)s"), parts=parts) if is_trial else parts)
    for line in result["narrowed"]:
        context.say(line)
    for part in ("notes", RowOutcome.REFUSED.value, RowOutcome.DOUBTFUL.value):
        for told in result[part][:50]:
            why = "；".join(reason["reason"] for reason in told["reasons"])
            context.say(
                say(N_("第 %(row)s 行 %(name)s：%(why)s"), row=told["row"], name=told["name"] or "", why=why)
            )
        if len(result[part]) > 50:
            context.say(say(N_("另有 %(n)d 行，请加 --json 看全部。"), n=len(result[part]) - 50))


def _template_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path)
    parser.add_argument(
        "--sheet", choices=[kind.value for kind in SheetKind], default=SheetKind.REGISTRY.value
    )


def _past_template_arguments(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(sheet=SheetKind.ACTIVITIES.value)
    parser.add_argument("file", type=Path)


def run_template(arguments: argparse.Namespace, context: Context) -> None:
    """Write an empty sheet with the headings the import recognises."""
    rules_of(SheetKind(arguments.sheet))
    sheets.template(arguments.file, SheetKind(arguments.sheet), say)
    context.say(str(arguments.file))
    if context.as_json:
        context.emit({"file": str(arguments.file)})


def _project_template_arguments(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(sheet=SheetKind.PROJECTS.value)
    parser.add_argument("file", type=Path)


def _listing_template_arguments(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(sheet=SheetKind.LISTING.value)
    parser.add_argument("file", type=Path)


def _project_export_arguments(parser: argparse.ArgumentParser) -> None:
    _export_arguments(parser)
    parser.set_defaults(list="projects")


def _export_arguments(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(list=queries.LIST.key)
    parser.add_argument("file", type=Path, help=".xlsx / .csv")
    parser.add_argument(
        "--filter", default="", metavar="QUERYSTRING", help="与网址里的条件相同 / as in the address"
    )


def run_export(arguments: argparse.Namespace, context: Context) -> None:
    """Write exactly the filtered list; the export is in the audit."""
    context.actor.require("export:run")
    session, listed = db.session(), LISTS[arguments.list]
    for need in listed.needs:
        context.actor.require(need)
    typed = dict(parse_qsl(arguments.filter.lstrip("?")))
    wanted = listed.asked(typed, today())
    found = exporting.taken(session, listed, wanted, context.actor)
    exporting.check_conditions(typed, found)
    columns = exporting.columns_of(listed, wanted, context.actor)
    rows = exporting.rows_of(session, listed, wanted, columns, found.ids, context.actor, say)
    sheet = SheetSpec(say(listed.label), exporting.headings(columns, say), rows)
    if arguments.file.suffix.lower() == ".csv":
        write_csv(arguments.file, sheet)
    else:
        write_xlsx(arguments.file, [sheet])
    session.rollback()
    with intent("write"):  # nobody waited while the rows were read
        audit.begin(
            session,
            actor=context.actor,
            action=Act.EXPORT if listed is queries.LIST else listed.export_act,
            count=found.count,
            filter=arguments.filter[:500],
        )
        commit(session)
    context.say(say(N_("已导出 %(n)d 行到 %(file)s"), n=found.count, file=str(arguments.file)))
    if context.as_json:
        context.emit({"count": found.count, "file": str(arguments.file)})


def _search_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("text")
    parser.add_argument("--limit", type=int, default=10)


def run_search(arguments: argparse.Namespace, context: Context) -> None:
    """The palette's answers, best first."""
    context.actor.require("firm:read")
    limit = max(1, min(arguments.limit, 1000))
    found = queries.search(db.session(), arguments.text, context.actor, limit)
    if context.as_json:
        context.emit([{"id": hit.id, "name": hit.name, "why": say(hit.why)} for hit in found])
    else:
        for hit in found:
            context.say(f"{hit.id}\t{hit.name}\t{hit.code or ''}\t{say(hit.why)}")


def _person_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=["find", "export", "erase"])
    parser.add_argument("--name", default="", help="姓名 / name")
    parser.add_argument("--phone", default="", help="电话 / phone")
    parser.add_argument("--email", default="", help="邮箱 / mail")
    parser.add_argument(
        "--contact", type=int, action="append", default=[], metavar="ID", help="联系人编号 / contact id"
    )
    parser.add_argument("--reason", default=None, help="原因，导出和抹去必填 / why, for export and erase")
    parser.add_argument("--file", type=Path, default=None, help="导出到 .xlsx / export into")


def run_person(arguments: argparse.Namespace, context: Context) -> None:
    """Find one person's data across the tables, write a copy of it, or erase it."""
    session = db.session()
    who, typed = Identity(), {"name": arguments.name, "phone": arguments.phone, "mail": arguments.email}
    if arguments.what == "find" or not arguments.contact:
        person = actions.search_person(session, actor=context.actor, at=now(), **typed)
        commit(session)
        who = person.who
    if arguments.what != "find":
        person = actions.chosen(session, arguments.contact, typed=who, actor=context.actor)
    told: dict[str, Any] = {
        "contacts": [
            {"id": place.id, "firm": place.firm, "name": place.name, "phone": mask_phone(place.phone),
             "email": mask_mail(place.email), "is_sure": place.is_sure}
            for place in person.places
        ],
        "staged": [{"import": row.batch_id, "row": row.row_no} for row in person.staged],
        "logged": len(person.logged),
    }  # fmt: skip
    if arguments.what == "export":
        if arguments.file is None:
            raise Refused(N_("请用 --file 写明导出到哪个 .xlsx 文件。"))
        places = actions.export_person(session, person, actor=context.actor, reason=arguments.reason)
        with arguments.file.open("wb") as target:
            sheets.person_xlsx(target, person, places, say)
        told["file"] = str(arguments.file)
    elif arguments.what == "erase":
        done = actions.erase_person(session, person, actor=context.actor, reason=arguments.reason)
        told = {
            "erased": done.contacts,
            "logged": done.logged,
            "staged": done.staged,
            "left": list(done.left),
        }
    commit(session)
    if context.as_json:
        context.emit(told)
    elif arguments.what == "erase":
        text = N_("已抹去：联系人 %(contacts)s 条、日志里的内容 %(logged)s 处、导入行 %(staged)s 行。")
        context.say(say(text, contacts=told["erased"], logged=told["logged"], staged=told["staged"]))
    else:
        for each in told["contacts"]:
            context.say(
                f"{each['id']}\t{each['firm']}\t{each['name']}\t{each['phone'] or each['email'] or ''}"
            )
        text = N_("导入行 %(staged)s 行，日志里的旧记录 %(logged)s 条。")
        context.say(say(text, staged=len(person.staged), logged=len(person.logged)))


def run_duplicates(_arguments: argparse.Namespace, context: Context) -> None:
    """Compare all firms with all others; the page of suspected pairs shows what was found."""
    context.actor.require("firm:merge")
    session = db.session()
    pairs = suspected(queries.pairing_entries(session))
    new, gone = actions.store(session, pairs, today=today())
    commit(session)
    context.say(
        say(N_("疑似重复 %(n)d 对：新增 %(new)d，不再疑似 %(gone)d"), n=len(pairs), new=new, gone=gone)
    )
    if context.as_json:
        context.emit({"pairs": len(pairs), "new": new, "gone": gone})


COMMANDS = [
    Command(("firms", "import"), "导入企业 / import a spreadsheet", run_import, _import_arguments),
    Command(("firms", "template"), "下载导入模板 / write a template", run_template, _template_arguments),
    Command(
        ("activities", "import"),
        "导入以往动态 / import past visits, calls and meetings",
        run_import,
        _past_arguments,
    ),
    Command(
        ("activities", "template"),
        "以往动态的导入模板 / write a template of past activities",
        run_template,
        _past_template_arguments,
    ),
    Command(
        ("projects", "import"), "导入招商项目 / import investment projects", run_import, _project_arguments
    ),
    Command(
        ("projects", "template"),
        "招商项目的导入模板 / write a template of projects",
        run_template,
        _project_template_arguments,
    ),
    Command(
        ("projects", "export"),
        "导出项目列表 / export the list of projects",
        run_export,
        _project_export_arguments,
        is_reading=True,
    ),
    Command(
        ("listing", "import"), "导入上市后备 / import the listing reserve", run_import, _listing_arguments
    ),
    Command(
        ("listing", "template"),
        "上市后备的导入模板 / write a template of the reserve",
        run_template,
        _listing_template_arguments,
    ),
    Command(
        ("firms", "export"), "导出企业列表 / export the list", run_export, _export_arguments, is_reading=True
    ),
    Command(
        ("firms", "person"),
        "查找、导出、抹去一个人的信息 / find, export or erase a person",
        run_person,
        _person_arguments,
    ),
    Command(("firms", "search"), "搜索企业 / search firms", run_search, _search_arguments, is_reading=True),
    Command(("firms", "duplicates"), "查找疑似重复的企业 / look for firms entered twice", run_duplicates),
]

__all__ = ["COMMANDS", "BatchState"]
