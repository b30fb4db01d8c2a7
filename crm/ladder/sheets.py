"""Published lists in: which column is what, and each row judged by the rules the screen uses too."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from crm.core import sheets
from crm.core.folding import fold
from crm.core.sheets import Cell, Column, ColumnKind, Record, SheetSpec, Table
from crm.core.words import N_, Message, Refused
from crm.firms.rules.codes import check_code
from crm.ladder.rules.certifications import check_day
from crm.ladder.rules.kinds import Kind

# what a published list may hold, by the headings authorities use
COLUMNS: dict[str, tuple[str, ...]] = {
    "name": (
        "企业名称", "企业全称", "公司名称", "单位名称", "名称", "申报企业", "申报单位", "企业", "依托单位", "承担单位",
        "申请企业名称", "获评企业", "认定企业", "企业名称全称", "机构名称", "主体名称",
    ),
    "number": (
        "证书编号", "登记编号", "入库登记编号", "编号", "证书号", "高新技术企业证书编号", "入库编号", "认定编号", "批准文号",
        "高企证书编号", "证书号码",
    ),
    "granted_on": (
        "发证日期", "发证时间", "公告日期", "公告时间", "认定日期", "认定时间", "入库日期", "入库时间", "批准日期",
        "颁证日期", "授予日期", "公布日期", "发布日期", "登记日期",
    ),
    "code": (
        "统一社会信用代码", "社会信用代码", "信用代码", "统一信用代码", "组织机构代码", "统一社会信用代码/组织机构代码",
        "社会统一信用代码",
    ),
    "place": ("所在地", "所属地区", "所在区县", "所属区县", "区县", "县(市、区)", "地区", "属地", "所在地区", "县市区",
              "推荐单位", "归口管理部门"),
}  # fmt: skip
LABELS: dict[str, str] = {
    "name": N_("企业名称"),
    "number": N_("证书或登记编号"),
    "granted_on": N_("发证或公告日期"),
    "code": N_("统一社会信用代码"),
    "place": N_("所在地"),
}
_KNOWN = sorted({name for names in COLUMNS.values() for name in names} | {"序号"})
_CODE = re.compile(r"[0-9A-HJ-NPQRTUWXY]{18}")
_FIRM = re.compile(r"(公司|厂|合作社|研究院|研究所|中心|企业|集团|店|所|社)$")


@dataclass(slots=True)
class Listed:
    """One row of a list, judged. A row with `refusals` cannot be written; one with `doubts` (a credit code that
    cannot be right) is never matched without a person."""

    row: int
    name: str
    number: str | None = None
    granted_on: dt.date | None = None
    code: str | None = None
    place: str | None = None
    refusals: list[Message] = field(default_factory=list)
    doubts: list[Message] = field(default_factory=list)


@dataclass(slots=True)
class PublishedList:
    """A read list: its headings, which column is what, and its rows."""

    headings: list[str]
    mapping: dict[str, str]
    rows: list[Listed]
    notices: list[Message]
    title: str | None = None


def read_list(
    source: bytes | str,
    filename: str,
    *,
    kind: Kind,
    today: dt.date,
    mapping: Mapping[str, str] | None = None,
) -> PublishedList:
    """Read an uploaded file (bytes) or pasted text (str). `mapping` column → heading overrides what is recognised.

    Raises `Refused` for what is no table, and when no column holds the names of the firms.
    """
    line = COLUMNS["name"][0]
    if isinstance(source, str):
        table = sheets.read_pasted(source, known=_KNOWN, line_heading=line)
    else:
        table = sheets.read(source, filename, known=_KNOWN, line_heading=line)
    chosen = _columns(table, kind, mapping)
    if "name" not in chosen:
        raise Refused(
            N_("没有找到企业名称一列。表头是：%(headings)s。"), headings=table.headings[:20], field="mapping"
        )
    seen: dict[tuple[str, str | None], int] = {}
    rows = [_row(record, chosen, kind, today, seen) for record in table.records]
    return PublishedList(list(table.headings), chosen, rows, list(table.notices), _title(table))


def _columns(table: Table, kind: Kind, mapping: Mapping[str, str] | None) -> dict[str, str]:
    if mapping is not None:
        return {
            column: heading
            for column, heading in mapping.items()
            if column in COLUMNS and heading in table.headings
        }
    found = sheets.match_columns(table.headings, COLUMNS)
    left = [heading for heading in table.headings if heading not in found.values()]
    tests: dict[str, Callable[[str], bool]] = {
        "code": lambda text: bool(_CODE.fullmatch(text)),
        "number": lambda text: kind.number is not None and bool(kind.number.fullmatch(text)),
        "name": lambda text: bool(_FIRM.search(text)) and len(text) >= 4,
        "granted_on": lambda text: not text.isdigit() and sheets.day(text).value is not None,
    }
    for column, test in tests.items():
        if column in found:
            continue
        for heading in left:
            cells = [text for record in table.records[:40] if (text := _folded(record[heading]))]
            if cells and sum(test(text) for text in cells) >= 0.6 * len(cells):
                found[column] = heading
                left.remove(heading)
                break
    return found


def _folded(cell: Cell) -> str:
    return fold(sheets.shown(cell)).replace(" ", "").upper()


def _row(
    record: Record,
    columns: Mapping[str, str],
    kind: Kind,
    today: dt.date,
    seen: dict[tuple[str, str | None], int],
) -> Listed:
    name = sheets.text(record[columns["name"]], longest=200)
    made = Listed(record.row, name.value or sheets.shown(record[columns["name"]]))
    if not name.ok:
        made.refusals.append(name.message)
    elif not name.value:
        made.refusals.append(Message(N_("这一行没有企业名称")))
    if "code" in columns:
        code = sheets.code(record[columns["code"]])
        if not code.ok:
            made.doubts.append(code.message)
        elif code.value:
            made.code = code.value[:40]
            if len(code.value) != 9:  # an organisation code, as old lists print it
                try:
                    made.code = check_code(code.value)
                except Refused as refusal:
                    made.doubts.append(refusal.message)
    if "number" in columns:
        number = sheets.code(record[columns["number"]])
        if not number.ok:
            made.refusals.append(number.message)
        else:
            try:
                made.number = kind.read_number(number.value)
            except Refused as refusal:
                made.number = (number.value or "")[:80]
                made.refusals.append(refusal.message)
    if "granted_on" in columns:
        day = sheets.day(record[columns["granted_on"]])
        if not day.ok:
            made.refusals.append(day.message)
        elif day.value is not None:
            made.granted_on = day.value
            try:
                check_day(day.value, today)
            except Refused as refusal:
                made.refusals.append(refusal.message)
    if "place" in columns:
        made.place = (sheets.text(record[columns["place"]]).value or "")[:120] or None
    key = (fold(made.name), made.number)
    if made.name and key in seen:
        made.refusals.append(Message(N_("和第 %(row)s 行重复"), {"row": seen[key]}))
    seen.setdefault(key, record.row)
    return made


def _title(table: Table) -> str | None:
    """The title line above the header, when the list has one."""
    best = ""
    for row in table.rows:
        if table.header_row is None or row.number >= table.header_row:
            break
        for cell in row.cells:
            text = sheets.shown(cell).strip()
            if len(text) > len(best) and "附件" not in text[:2]:
                best = text
    return best[:200] if len(best) >= 6 else None


def left_over(rows: Sequence[Sequence[object]], headings: Sequence[str]) -> SheetSpec:
    """The file of rows that were not written. `rows` are row, name, number, date, code, outcome, reason."""
    kinds = (
        ColumnKind.INTEGER, ColumnKind.TEXT, ColumnKind.TEXT, ColumnKind.DATE, ColumnKind.TEXT, ColumnKind.TEXT,
        ColumnKind.TEXT, ColumnKind.TEXT,
    )  # fmt: skip
    widths = (8, 36, 24, 12, 22, 12, 40, 40)
    columns = [
        Column(heading, kind, width) for heading, kind, width in zip(headings, kinds, widths, strict=True)
    ]
    return SheetSpec("名单", columns, rows)


PASTED = "粘贴.txt"


def content_of(content: bytes, filename: str) -> bytes | str:
    """What a batch keeps, as `read_list` takes it: pasted text as text, a file as bytes."""
    return content.decode() if filename == PASTED else content


def headings_of(source: bytes | str, filename: str) -> list[tuple[str, list[str]]]:
    """The headings of a list, each with the first three values under it."""
    line = COLUMNS["name"][0]
    if isinstance(source, str):
        table = sheets.read_pasted(source, known=_KNOWN, line_heading=line)
    else:
        table = sheets.read(source, filename, known=_KNOWN, line_heading=line)
    return [
        (heading, [text for record in table.records[:3] if (text := sheets.shown(record[heading]))])
        for heading in table.headings
    ]
