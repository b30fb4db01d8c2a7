"""A workbook on its way in: recognise its columns, judge every cell by its field's rule, column by column."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from crm.core import sheets
from crm.core.sheets.cells import shown
from crm.core.sheets.headings import Unit, match_columns, unit_of
from crm.core.sheets.table import Cell, Table
from crm.core.words import N_, Message, Refused, Word
from crm.firms.rules.columns import SHEETS
from crm.firms.rules.fields import Capital, Rule
from crm.firms.rules.reasons import kept
from crm.firms.rules.staged import LONGEST_CELL
from crm.firms.rules.words import SheetKind

UNITS: tuple[Unit, ...] = ("元", "万元", "亿元")


@dataclass(slots=True)
class Parsed:
    """A row of the file: as its author saw it, the values in plain JSON, and why it cannot be taken."""

    row_no: int
    raw: dict[str, str]
    values: dict[str, Any] = field(default_factory=dict)
    reasons: list[dict[str, Any]] = field(default_factory=list)
    fixes: dict[str, str] = field(default_factory=dict)  # heading → what a person wrote in its place


def known_headings(sheet: SheetKind) -> list[str]:
    """Every heading the sheet understands: they decide which row of a file is its header."""
    return [heading for rule in SHEETS[sheet].columns for heading in spellings(rule)]


def spellings(rule: Rule) -> list[str]:
    """The headings a field is known by; one with brackets of its own also with a unit behind them, because
    only the last bracket may be left out: 研发费用(高企口径)（万元） is not 研发费用."""
    found = [rule.label, *rule.headings]
    if rule.unit:
        found += [f"{name}({unit})" for name in found for unit in UNITS if "(" in name]
    return found


def open_table(
    source: Path | bytes | BinaryIO, filename: str, sheet: SheetKind, options: Mapping[str, Any] | None = None
) -> Table:
    """Read an uploaded file. `options`: `sheet_name`, `header_row`. Raises `Refused` in words."""
    options = options or {}
    return sheets.read(
        source,
        filename,
        known=known_headings(sheet),
        sheet=options.get("sheet_name") or None,
        header_row=options.get("header_row"),
        line_heading="企业名称",
    )


def open_pasted(text: str, sheet: SheetKind) -> Table:
    """Read rows pasted from a sheet, or one name a line."""
    return sheets.read_pasted(text, known=known_headings(sheet), line_heading="企业名称")


def recognise(headings: Sequence[str], sheet: SheetKind) -> dict[str, str]:
    """field → heading, by label and synonyms."""
    return match_columns(headings, {rule.name: spellings(rule) for rule in SHEETS[sheet].columns})


def check_mapping(mapping: Mapping[str, str], sheet: SheetKind) -> None:
    """Raises `Refused` when a column is missing without which no row can be read, naming all of them."""
    rules = {rule.name: rule for rule in SHEETS[sheet].columns}
    names_firms = "code" in rules  # a firm may be named by its code alone
    missing = [
        Message(rule.label)
        for rule in rules.values()
        if rule.is_required and rule.name not in mapping and not (names_firms and rule.name == "name")
    ]
    if names_firms and "name" not in mapping and "code" not in mapping:
        missing.insert(0, Message(N_("企业名称或统一社会信用代码")))
    if missing:
        raise Refused(N_("没有认出这些列：%(columns)s。"), columns=missing, items=missing)


def parse(table: Table, mapping: Mapping[str, str], sheet: SheetKind, unit: Unit = "万元") -> list[Parsed]:
    """Judge all rows. `unit` is meant where neither the cell nor its heading names one."""
    check_mapping(mapping, sheet)
    headings = table.headings
    rows = [
        Parsed(
            record.row,
            {
                heading: text
                for heading, cell in zip(headings, record.cells, strict=False)
                if cell is not None and (text := _raw(cell))
            },
        )
        for record in table.records
    ]
    for rule in SHEETS[sheet].columns:
        heading = mapping.get(rule.name)
        if heading is not None and heading in headings:
            _column(rule, heading, table, rows, unit_of(heading) or unit)
    for rule in SHEETS[sheet].columns:
        if rule.is_required and (rule.name != "name" or SHEETS[sheet].stands_alone):
            _require(rule, rows)
    return rows


def _column(rule: Rule, heading: str, table: Table, rows: list[Parsed], unit: Unit) -> None:
    place = table.headings.index(heading)
    judged: dict[Any, tuple[dict[str, Any] | None, dict[str, Any] | None]] = {}
    for record, row in zip(table.records, rows, strict=True):
        cell = record.cells[place] if place < len(record.cells) else None
        if cell is None:
            continue
        key = cell if type(cell) is str else (type(cell), cell)
        found = judged.get(key)
        if found is None:
            found = judged[key] = _judge(rule, cell, unit, heading)
        values, reason = found
        if values:
            row.values.update(values)
        elif reason is not None:
            row.reasons.append(reason)


def _judge(
    rule: Rule, cell: Cell, unit: Unit, heading: str
) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    try:
        value = rule.parse(cell, unit)
    except Refused as refusal:
        return None, {**kept(refusal), "field": rule.name, "column": heading}
    if value is None:
        return None, None
    if isinstance(value, Capital):
        return {"capital_yuan": value.yuan, "capital_text": value.text}, None
    return {rule.name: plain(value)}, None


def _require(rule: Rule, rows: list[Parsed]) -> None:
    missing = {
        **kept(Refused(N_("%(label)s没有填。"), label=rule.label_message)),
        "field": rule.name,
        "column": None,
    }
    for row in rows:
        if rule.name not in row.values and all(reason["field"] != rule.name for reason in row.reasons):
            row.reasons.append(missing)


# what a field leaves in the values of a staged row, where that is not its own name
_LEAVES = {
    "capital": ("capital_yuan", "capital_text"),
    "street": ("street", "street_id"),
    "officer": ("officer", "officer_id"),
}


def refit(
    row: Parsed, edits: Mapping[str, str], mapping: Mapping[str, str], sheet: SheetKind, unit: Unit
) -> None:
    """Put cells of a row right (heading → text) and judge them like the cells of a file; the others keep their
    verdict. A field without a column is edited under its own label."""
    headings = headings_of(mapping, sheet)
    fields = {heading: rule for rule in SHEETS[sheet].columns if (heading := headings[rule.name])}
    touched = {fields[heading].name: heading for heading in edits if heading in fields}
    gone = {name for field_ in touched for name in _LEAVES.get(field_, (field_,))}
    row.values = {name: value for name, value in row.values.items() if name not in gone}
    row.reasons = [
        reason
        for reason in row.reasons
        if (name := reason.get("field")) in headings
        and name not in touched
        and not any(
            left in row.values for left in _LEAVES.get(name, (name,))
        )  # judged once more by the caller
    ]
    rules = {rule.name: rule for rule in SHEETS[sheet].columns}
    for name, heading in touched.items():
        text = edits[heading].strip()
        row.fixes[heading] = text
        row.raw = (
            {**row.raw, heading: text[:LONGEST_CELL]}
            if text
            else {k: v for k, v in row.raw.items() if k != heading}
        )
        values, reason = _judge(rules[name], text or None, unit_of(heading) or unit, heading)
        row.values.update(values or {})
        if reason is not None:
            row.reasons.append(reason)
    for rule in SHEETS[sheet].columns:
        if rule.is_required and (rule.name != "name" or SHEETS[sheet].stands_alone):
            _require(rule, [row])


def headings_of(mapping: Mapping[str, str], sheet: SheetKind) -> dict[str, str]:
    """field → the heading it is shown and edited under: that of the file, else the field's own label."""
    taken = set(mapping.values())
    return {
        rule.name: mapping.get(rule.name) or ("" if rule.label in taken else rule.label)
        for rule in SHEETS[sheet].columns
    }


def plain(value: Any) -> Any:
    """A judged value as plain JSON: days as ISO text, enum members as their codes."""
    if isinstance(value, Word):
        return value.value
    if isinstance(value, dt.date):
        return value.isoformat()
    return value


def _raw(cell: Cell) -> str:
    return cell.replace("\x00", "").strip()[:LONGEST_CELL] if isinstance(cell, str) else shown(cell)
