"""Doubtful rows of a staged import decided: which firm is meant, and what else a kind of sheet may ask."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from crm.core.permissions import Actor
from crm.core.words import N_, Refused
from crm.firms.actions import appointing
from crm.firms.actions.staging import FIRM, NEW, SKIP, require
from crm.firms.actions.targets import Incoming, target_of
from crm.firms.models import ImportBatch, ImportRow
from crm.firms.rules.columns import SHEETS
from crm.firms.rules.reasons import message
from crm.firms.rules.words import BatchState, ImportMode, RowOutcome, SheetKind


def decide(
    session: Session,
    batch: ImportBatch,
    row: ImportRow,
    *,
    actor: Actor,
    decision: str | None,
    today: dt.date,
) -> None:
    """Decide a doubtful row: one of its candidates (``firm:<id>`` and the like, `choice_of`), ``new``, ``skip``, or
    None to think again. A row that then leaves another question stays undecided. Raises `Refused`."""
    require(actor, batch.sheet)
    if batch.state is not BatchState.READY or row.outcome is not RowOutcome.DOUBTFUL:
        raise Refused(N_("这一行现在不能改。"))
    allowed = {SKIP, *map(choice_of, row.candidates)}
    is_record = batch.sheet is SheetKind.REGISTRY or SHEETS[batch.sheet].stands_alone
    if is_record and batch.mode is not ImportMode.UPDATE and row.values.get("name"):
        allowed.add(NEW)
    if decision is not None and decision not in allowed:
        raise Refused(N_("请在列出的候选里选择。"))
    if decision not in (None, SKIP) and batch.sheet is SheetKind.REGISTRY:
        firm_id = None if decision == NEW else int((decision or "").partition(":")[2])
        appointing.check_row(session, row.row_no, firm_id, row.values, actor)
    if decision not in (None, SKIP) and SHEETS[batch.sheet].asks:
        decision = _answer(session, batch.sheet, row, decision or "", today)
    row.decision = decision
    session.flush()


def choice_of(candidate: Mapping[str, Any]) -> str:
    """The decision for a candidate of a row, which is a firm unless it says what it is."""
    return f"{candidate.get('what', FIRM)}:{candidate['id']}"


def _answer(session: Session, sheet: SheetKind, row: ImportRow, decision: str, today: dt.date) -> str | None:
    """Judge a row with this answer, and leave the next question with it. None while there is one, else the firm it
    means. Raises `Refused` when the row cannot be taken with this answer."""
    firm_id, values = row.firm_id or 0, dict(row.values)
    chosen = next(each for each in row.candidates if choice_of(each) == decision)
    if chosen.get("what", FIRM) == FIRM:
        firm_id = int(chosen["id"])
    else:
        values["answers"] = {**values.get("answers", {}), chosen["asked"]: chosen["id"]}
    asked = Incoming(row.row_no, firm_id, values)
    target_of(sheet).compare(session, [asked], today=today)
    if asked.outcome is RowOutcome.REFUSED:
        reason = message(asked.reasons[0])
        raise Refused(reason.text, **reason.params)
    row.firm_id, row.values, row.reasons = firm_id, values, asked.reasons
    if asked.outcome is RowOutcome.DOUBTFUL:
        row.candidates = asked.candidates
        return None
    return f"{FIRM}:{firm_id}"
