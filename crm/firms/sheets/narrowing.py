"""A table made narrower before its rows are judged: only rows whose address lies in a region, and of a list with a row a
firm and year, where the sheet has no years, the latest row of each firm."""

from __future__ import annotations

from crm.core.sheets import cells
from crm.core.sheets.headings import match_columns
from crm.core.sheets.table import Table
from crm.core.words import N_, Message, Refused
from crm.firms.rules.columns import CODE, NAME, REGISTRY, SHEETS, YEAR
from crm.firms.rules.names import normalise
from crm.firms.rules.regions import is_within, regions_of
from crm.firms.rules.words import SheetKind

_ADDRESS = next(rule for rule in REGISTRY if rule.name == "address")
BY_YEAR = frozenset({SheetKind.REGISTRY, SheetKind.LISTING})  # a firm stands once, whatever its years


def narrow(table: Table, sheet: SheetKind, within: str | None = None) -> list[Message]:
    """Take rows out of the table and say which. Raises `Refused` for a region that is not known, or when no column
    holds an address."""
    told = []
    if within and within.strip():
        told.append(_within(table, within.strip()))
    if sheet in BY_YEAR and not any(rule.name == "year" for rule in SHEETS[sheet].columns):
        told += _latest(table)
    return told


def nothing_in(filename: str, told: list[Message]) -> Refused:
    """Why there is no row: the file has none, or none is left of it."""
    if told:
        return Refused(N_("「%(name)s」里没有要导入的行。%(why)s"), name=filename, why=told[0])
    return Refused(N_("「%(name)s」里没有数据行。"), name=filename)


def _within(table: Table, within: str) -> Message:
    regions = regions_of(within)
    heading = match_columns(table.headings, {"address": [_ADDRESS.label, *_ADDRESS.headings]}).get("address")
    if heading is None:
        raise Refused(
            N_("按地区筛选要有地址列，如“注册地址”；这份表里没有认出来。"), field="within",
        )  # fmt: skip
    kept, unknown = [], 0
    for record in table.records:
        address = cells.text(record[heading], longest=1000).value
        answer = is_within(address, regions) if address else None
        if answer:
            kept.append(record)
        unknown += answer is None
    left = len(table.records) - len(kept)
    table.records[:] = kept
    text = N_(
        "只要地址在「%(within)s」的：留下 %(kept)s 行，略过 %(left)s 行，其中 %(unknown)s 行看不出在哪个省市。"
    )
    return Message(text, {"within": within, "kept": len(kept), "left": left, "unknown": unknown})


def _latest(table: Table) -> list[Message]:
    columns = match_columns(
        table.headings, {rule.name: [rule.label, *rule.headings] for rule in (CODE, NAME, YEAR)}
    )
    if "year" not in columns or not {"name", "code"} & columns.keys():
        return []
    best: dict[str, tuple[int, int]] = {}  # firm → (year, place)
    alone = []
    for place, record in enumerate(table.records):
        year = cells.year(record[columns["year"]]).value
        firm = next(
            (
                normalise(text)
                for name in ("code", "name")
                if name in columns and (text := cells.text(record[columns[name]], longest=400).value)
            ),
            "",
        )
        if not firm or year is None:
            alone.append(place)
        elif firm not in best or best[firm][0] < year:
            best[firm] = (year, place)
    stay = sorted([*alone, *(place for _year, place in best.values())])
    left = len(table.records) - len(stay)
    if not left:
        return []
    table.records[:] = [table.records[place] for place in stay]
    text = N_("同一家企业有几个年度的，只取最近一年：略过 %(left)s 行。")
    return [Message(text, {"left": left})]
