"""Reading a batch's file with the options and the column mapping it carries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from crm.core.sheets.headings import Unit
from crm.core.words import N_, Refused
from crm.firms.rules.words import SheetKind
from crm.firms.sheets.reading import Parsed, open_pasted, open_table, parse, recognise


@dataclass(slots=True)
class Opened:
    """A file as read: its headings, the mapping used, the rows; `problem` says why no row could be."""

    headings: list[str]
    mapping: dict[str, str]
    rows: list[Parsed]
    sheet_names: list[str]
    problem: Refused | None = None


def open_batch(
    content: bytes, filename: str, sheet: SheetKind, options: Mapping[str, Any], mapping: Mapping[str, str]
) -> Opened:
    """Read a batch. A mapping given (field → heading) goes before what is recognised; an empty heading takes a
    column out. Raises `Refused` when the file is no table at all."""
    is_pasted = bool(options.get("pasted"))
    table = (
        open_pasted(content.decode(), sheet) if is_pasted else open_table(content, filename, sheet, options)
    )
    chosen = {**recognise(table.headings, sheet), **mapping}
    chosen = {name: heading for name, heading in chosen.items() if heading and heading in table.headings}
    opened = Opened(list(table.headings), chosen, [], list(table.sheet_names))
    try:
        opened.rows = parse(table, chosen, sheet, cast(Unit, options.get("unit") or "万元"))
        if not opened.rows:
            opened.problem = Refused(N_("「%(name)s」里没有数据行。"), name=filename)
    except Refused as refusal:
        opened.problem = refusal
    return opened
