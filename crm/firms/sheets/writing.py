"""What leaves the registry as a spreadsheet: templates, rows that were not taken, the list of firms."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from crm.core.sheets import Column, ColumnKind, SheetSpec, csv_chunks, write_csv, write_xlsx
from crm.core.words import N_, Word
from crm.firms.rules.columns import SHEETS
from crm.firms.rules.fields import Rule
from crm.firms.rules.staged import REASON, ROW
from crm.firms.rules.words import SheetKind

Say = Callable[[Any], str]

_EXAMPLES: dict[str, str] = {
    "code": "91330300MA2ABCDE1X", "name": "温州示例智能装备有限公司", "former_names": "", "registered_on": "2018-05-06",
    "capital": "1000", "industry_code": "C3591", "leading_industry": "智能装备", "street": "", "address": "",
    "size_class": "小型", "status": "在营",
}  # fmt: skip


def heading(rule: Rule, say: Say) -> str:
    """A column's heading, with the unit money is meant in."""
    return f"{say(rule.label)}（{rule.unit}）" if rule.unit else say(rule.label)


def template(
    target: Path | BinaryIO, sheet: SheetKind, say: Say, choices: Sequence[tuple[Rule, str]] = ()
) -> None:
    """An empty sheet with the headings an import recognises, and a second one that says what goes where."""
    rules = SHEETS[sheet]
    columns = [
        Column(heading(rule, say), ColumnKind.TEXT, max(12, 2 * len(rule.label) + 4)) for rule in rules
    ]
    told = [
        (
            heading(rule, say),
            say(N_("必填")) if rule.is_required else say(N_("选填")),
            "、".join(rule.headings[:6]),
        )
        for rule in rules
    ]
    how = SheetSpec(
        say(N_("填写说明")),
        [
            Column(say(N_("列")), width=28),
            Column(say(N_("是否必填"))),
            Column(say(N_("也认得这些列名")), width=60),
        ],
        told,
    )
    write_xlsx(target, [SheetSpec(say(sheet.label), columns, ()), how])


def left_rows(
    target: BinaryIO | Path,
    headings: Sequence[str],
    rows: Iterable[tuple[int, dict[str, str], str]],
    say: Say,
) -> None:
    """Rows that were not taken: as they were, with the row number and the reason beside them."""
    columns = [Column(name) for name in headings]
    columns += [Column(say(ROW), ColumnKind.INTEGER), Column(say(REASON), width=60)]
    body = ((*(raw.get(name, "") for name in headings), row_no, why) for row_no, raw, why in rows)
    write_xlsx(target, [SheetSpec(say(N_("未导入的行")), columns, body)])


EXPORT: tuple[tuple[str, str, ColumnKind, float | None], ...] = (
    ("code", N_("统一社会信用代码"), ColumnKind.TEXT, 22),
    ("name", N_("企业名称"), ColumnKind.TEXT, 36),
    ("registered", N_("成立日期"), ColumnKind.DATE, None),
    ("capital", N_("注册资本（元）"), ColumnKind.YUAN, None),
    ("industry_code", N_("行业代码"), ColumnKind.TEXT, 10),
    ("industry", N_("主导产业"), ColumnKind.TEXT, 12),
    ("street", N_("街道"), ColumnKind.TEXT, 12),
    ("address", N_("地址"), ColumnKind.TEXT, 36),
    ("size", N_("企业规模"), ColumnKind.TEXT, 10),
    ("status", N_("状态"), ColumnKind.TEXT, 8),
    ("officer", N_("服务专员"), ColumnKind.TEXT, 12),
)


def export_columns(say: Say, extra: Sequence[tuple[str, bool]] = ()) -> list[Column]:
    """The columns of an exported list; `extra` are (label, is it a number) of other features."""
    own = [Column(say(label), kind, width) for _key, label, kind, width in EXPORT]
    return own + [
        Column(say(label), ColumnKind.INTEGER if number else ColumnKind.TEXT) for label, number in extra
    ]


def export_row(row: Any, say: Say) -> tuple[Any, ...]:
    """One firm of the list, enum members in words."""
    cells = row._mapping
    return tuple(
        say(value.label) if isinstance(value := cells[key], Word) else value
        for key, _label, _kind, _width in EXPORT
    )


def export_xlsx(
    target: Path | BinaryIO, columns: Sequence[Column], rows: Iterable[Sequence[Any]], say: Say
) -> int:
    """Write the list as a workbook, row by row. Returns the rows written."""
    return write_xlsx(target, [SheetSpec(say(N_("企业")), columns, rows)])


def export_csv(columns: Sequence[Column], rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    """Write the list as CSV, chunk by chunk."""
    return csv_chunks(columns, rows)


def export_csv_file(target: Path, columns: Sequence[Column], rows: Iterable[Sequence[Any]]) -> None:
    write_csv(target, SheetSpec("", columns, rows))
