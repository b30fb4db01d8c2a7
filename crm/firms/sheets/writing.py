"""What leaves the registry as a spreadsheet: templates, rows that were not taken, the list of firms."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from crm.core.sheets import Column, ColumnKind, SheetSpec, write_xlsx
from crm.core.words import N_
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
    rules = SHEETS[sheet].columns
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
