"""Cells of a sheet of past visits, calls and meetings. Pure."""

from __future__ import annotations

from crm.activities.rules.entries import check_summary
from crm.activities.rules.past import read_kind, split_people
from crm.activities.rules.words import ActivityKind
from crm.core.sheets import cells
from crm.core.sheets.headings import Unit
from crm.core.sheets.table import Cell
from crm.core.words import Refused
from crm.firms.rules import fields

_line = fields.text(2000)


def kind(cell: Cell, unit: Unit = "元") -> ActivityKind | None:
    """走访, 电话, 会议, 考察, 记事 and the usual words for them."""
    written = _line(cell, unit)
    return read_kind(written) if written else None


def summary(cell: Cell, _unit: Unit = "元") -> str | None:
    """What happened, line breaks kept, as long as an entry may be."""
    verdict = cells.text(cell, has_lines=True)
    if not verdict.ok:
        raise Refused(verdict.message.text, **verdict.message.params)
    return check_summary(verdict.value) if verdict.value else None


def people(cell: Cell, _unit: Unit = "元") -> list[str] | None:
    """Names of colleagues, one or several."""
    verdict = cells.text(cell, longest=2000, has_lines=True)
    if not verdict.ok:
        raise Refused(verdict.message.text, **verdict.message.params)
    return split_people(verdict.value) or None if verdict.value else None
