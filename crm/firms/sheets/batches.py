"""Reading a batch's file with the options and the column mapping it carries, and with what is remembered of its source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from sqlalchemy.orm import Session

from crm.core.permissions import Actor
from crm.core.sheets.headings import Unit
from crm.core.sheets.table import Skip, Table
from crm.core.words import N_, Message, Refused
from crm.firms import queries
from crm.firms.models import ImportBatch
from crm.firms.rules.reasons import kept
from crm.firms.rules.staged import told_columns
from crm.firms.sheets.doubting import doubts, row_list
from crm.firms.sheets.narrowing import narrow, nothing_in
from crm.firms.sheets.reading import Parsed, open_pasted, open_table, parse, recognise, refit

_TOLD = (Skip.TOTAL, Skip.NOTE, Skip.HEADER_AGAIN)  # rows left out that a reader may look for


@dataclass(slots=True)
class Opened:
    """A file as read: its headings, the mapping used, the rows; `problem` says why no row could be. `remembered` and
    `came_from` are ids of what the mapping was taken from; `notices` are for the person who uploaded it."""

    headings: list[str]
    mapping: dict[str, str]
    rows: list[Parsed]
    sheet_names: list[str]
    problem: Refused | None = None
    remembered: int | None = None
    came_from: int | None = None
    unit: str | None = None
    notices: list[dict[str, Any]] = field(default_factory=list)

    def told(self) -> dict[str, Any]:
        """What the batch keeps of the reading."""
        unit = {"unit": self.unit} if self.unit else {}
        return {
            "mapping": self.mapping, "headings": self.headings, "sheet_names": self.sheet_names,
            "remembered": self.remembered, "came_from": self.came_from, "notices": self.notices, **unit,
        }  # fmt: skip


def open_batch(
    session: Session,
    batch: ImportBatch,
    content: bytes,
    *,
    viewer: Actor,
    fixes: Mapping[int, Mapping[str, str]] | None = None,
) -> Opened:
    """Read a batch. A mapping it carries (field → heading) goes before what is recognised; an empty heading takes a
    column out. Without one, that of the import a file of refused rows came from, or the one remembered for the
    source, is used. Raises `Refused` when the file is no table at all."""
    sheet, options = batch.sheet, batch.options
    is_pasted = bool(options.get("pasted"))
    table = (
        open_pasted(content.decode(), sheet)
        if is_pasted
        else open_table(content, batch.filename, sheet, options)
    )
    narrowed = narrow(table, sheet, str(options.get("within") or ""))
    told = told_columns(table.headings)
    headings = [heading for heading in table.headings if heading not in told]
    opened = Opened(
        headings, {}, [], list(table.sheet_names), notices=[*map(kept, narrowed), *_notices(table)]
    )
    given: Mapping[str, str] = batch.mapping
    if not given:
        given = _known_mapping(session, batch, opened, bool(told), viewer)
    chosen = {**recognise(headings, sheet), **given}
    opened.mapping = {name: heading for name, heading in chosen.items() if heading and heading in headings}
    unit = cast(Unit, opened.unit or options.get("unit") or "万元")
    try:
        opened.rows = parse(table, opened.mapping, sheet, unit)
        for row in opened.rows:
            for heading in told:
                row.raw.pop(heading, None)
            if fixes and row.row_no in fixes:
                refit(row, fixes[row.row_no], opened.mapping, sheet, unit)
        opened.notices += map(kept, doubts(opened.rows, sheet))
        if not opened.rows:
            opened.problem = nothing_in(batch.filename, narrowed)
    except Refused as refusal:
        opened.problem = refusal
    return opened


def _known_mapping(
    session: Session, batch: ImportBatch, opened: Opened, is_back: bool, viewer: Actor
) -> Mapping[str, str]:
    if is_back and (earlier := queries.came_from(session, batch, opened.headings, viewer)) is not None:
        opened.came_from, opened.unit = earlier.id, earlier.options.get("unit")
        return _only(earlier.mapping, opened.headings)
    memory = queries.remembered(session, batch.sheet, batch.source, opened.headings)
    if memory is None:
        return {}
    opened.remembered, opened.unit = memory.id, memory.unit or None
    return memory.mapping


def _only(mapping: Mapping[str, str], headings: Sequence[str]) -> dict[str, str]:
    """The mapping of an earlier file, by the headings as they are now."""
    return {name: heading for name, heading in mapping.items() if heading in headings}


def _notices(table: Table) -> list[dict[str, Any]]:
    found = [kept(notice) for notice in table.notices]
    for reason in _TOLD:
        rows = [skipped.row for skipped in table.skipped if skipped.reason is reason]
        if rows:
            text = N_("第 %(rows)s 行是%(what)s，没有当作数据。")
            found.append(kept(Message(text, {"rows": row_list(rows), "what": reason})))
    return found
