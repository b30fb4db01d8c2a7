"""Rows of a staged import on screen: shown, put right cell by cell, decided; columns forgotten, halted work resumed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from flask import flash, render_template, request
from sqlalchemy.orm import Session

from crm.core import jobs
from crm.core.clock import today
from crm.core.db import db, intent
from crm.core.i18n import gettext, number, say, yuan
from crm.core.jobs import Job
from crm.core.permissions import Actor, needs
from crm.core.sheets.headings import Unit
from crm.core.transaction import commit
from crm.core.web import actor, back_to
from crm.core.words import N_, Missing, Refused
from crm.firms import queries, sheets
from crm.firms.actions import deciding, fixing, recalling, staging
from crm.firms.models import ImportBatch, ImportRow
from crm.firms.rules.columns import OPENS, SHEETS, columns_of
from crm.firms.rules.names import differences
from crm.firms.rules.reasons import message
from crm.firms.rules.staged import LONGEST_CELL, masked
from crm.firms.rules.standing import mask_mail, mask_phone
from crm.firms.rules.words import BatchState, ImportMode, RowOutcome, SheetKind
from crm.firms.views.blueprint import bp

MASKED = {"phone": mask_phone, "email": mask_mail}  # what is there already shows only to who reveals it
SHOWN = 160  # characters of a cell told in the preview
MORE = {"capital_yuan": "capital", "capital_text": "capital", "street_id": "street", "officer_id": "officer"}


def staged_rows(
    batch: ImportBatch, rows: Sequence[Any], firms: dict[int, str], viewer: Actor, fixable: bool
) -> list[dict[str, Any]]:
    """The rows of a page as the preview shows them."""
    labels = {rule.name: say(rule.label) for rule in columns_of(batch.sheet)}
    is_own = queries.is_own(batch, viewer)
    return [_shown(batch, row, firms, labels, is_own=is_own, fixable=fixable and is_own) for row in rows]


def _shown(
    batch: ImportBatch,
    row: Any,
    firms: dict[int, str],
    labels: dict[str, str],
    *,
    is_own: bool,
    fixable: bool,
) -> dict[str, Any]:
    """A staged row as the preview shows it; `cells` are those to put right `(field, heading, text, why)`."""
    raw = row.raw if is_own else masked(row.raw)
    return {
        "row": row.row,
        "name": row.values.get("name")
        or raw.get(batch.mapping.get("name", ""))
        or next(iter(raw.values()), ""),
        "code": row.values.get("code"),
        "person": row.values.get("person") if is_own else None,
        "firm_id": row.firm_id,
        "firm": firms.get(row.firm_id),
        "reasons": [(reason.get("column") or "", say(message(reason))) for reason in row.reasons],
        "changes": [
            (
                labels.get(MORE.get(key, key), key),
                _plain(key, MASKED[key](old) if key in MASKED else old),
                _plain(key, new),
            )
            for key, (old, new) in row.changes.items()
        ],
        "candidates": row.candidates,
        "decision": row.decision,
        "decided": _decided(row, firms),
        "told": _told(batch, raw),
        "is_fixed": bool(row.fixes),
        "cells": cells_of(batch, row, raw) if fixable else [],
    }


def _decided(row: Any, firms: Mapping[int, str]) -> str:
    """The firm a decided row means."""
    names = {deciding.choice_of(each): str(each["name"]) for each in row.candidates}
    return names.get(row.decision or "") or firms.get(row.firm_id) or ""


def _told(batch: ImportBatch, raw: Mapping[str, str]) -> list[tuple[str, str]]:
    """What the row says `(heading, text)` in the columns that its kind of sheet shows beside the firm."""
    headings = [batch.mapping.get(name, "") for name in SHEETS[batch.sheet].shown]
    texts = [(heading, " ".join(raw.get(heading, "").split())) for heading in headings]
    return [(heading, text if len(text) <= SHOWN else f"{text[:SHOWN]}…") for heading, text in texts if text]


def _plain(key: str, value: Any) -> str:
    """A value of the registry or of the file as the pages of the record show it: amounts are kept in yuan."""
    if value is None or value == []:
        return "—"
    if isinstance(value, dict):
        return say(message(value))
    if isinstance(value, int) and not isinstance(value, bool) and key != "year":
        return yuan(value) if key.endswith("_yuan") else number(value)
    return gettext("、").join(map(str, value)) if isinstance(value, list) else str(value)


def cells_of(
    batch: ImportBatch, row: Any, raw: Mapping[str, str], *, is_whole: bool = False
) -> list[dict[str, Any]]:
    """The cells of a row to put right: those with a reason; name and code where the row as a whole was not taken;
    all of them if `is_whole`."""
    headings = sheets.headings_of(batch.mapping, batch.sheet)
    why = {reason["field"]: say(message(reason)) for reason in row.reasons if reason.get("field") in headings}
    long = {rule.name for rule in columns_of(batch.sheet) if rule.is_long}
    chosen = list(headings) if is_whole else [name for name in headings if name in why]
    if not chosen or any(reason.get("field") not in headings for reason in row.reasons):
        chosen = [name for name in headings if name in ("code", "name") or name in chosen]
    return [
        {
            "field": name,
            "heading": batch.mapping.get(name) or say(headings[name]),
            "text": raw.get(headings[name], ""),
            "why": why.get(name),
            "is_long": name in long,
        }
        for name in chosen
        if headings[name]
    ]


def is_stuck(session: Session, batch: ImportBatch) -> bool:
    """Whether the queue's work on the batch has ended without an end: it can be asked for again."""
    if batch.state not in (BatchState.PARSING, BatchState.WRITING):
        return False
    job = session.get(Job, batch.job_id) if batch.job_id else None
    return job is None or job.state.is_over


def is_busy(session: Session, batch: ImportBatch) -> bool:
    """Whether the queue is at work on the batch, or is about to be."""
    job = session.get(Job, batch.job_id) if batch.job_id else None
    return job is not None and not job.state.is_over


@bp.post("/firms/import/<int:batch_id>/fixes")
@needs(*OPENS)
def import_fix(batch_id: int) -> Any:
    """Cells put right on screen, any number of rows of a page: judged again by the rules of the file."""
    session, viewer = db.session(), actor()
    session.rollback()
    place = {
        "batch_id": batch_id,
        **{name: value for name in ("outcome", "after", "before") if (value := request.args.get(name))},
    }
    try:
        with intent("read"):  # judged beside other people's saves, not before them
            batch = queries.get_batch(session, batch_id, viewer=viewer)
            if not queries.is_own(batch, viewer):
                raise Refused(N_("别人的名单只能由上传的人改。"))
            edits, before = _edits(session, batch)
            judged = fixing.judge_again(session, batch, edits, actor=viewer, today=today()) if edits else []
            session.rollback()
        batch = queries.get_batch(session, batch_id, viewer=viewer)
        for item in judged:
            fixing.fix(session, batch, item, actor=viewer, seen_fixes=before[item.read.row_no])
        commit()
    except Missing:
        raise
    except Refused as refusal:
        session.rollback()
        flash(say(refusal), "error")
        return back_to("firms.import_show", **place)
    _tell(judged)
    if request.form.get("walk") and judged:
        return _onwards(session, batch_id, judged[0])
    return back_to("firms.import_show", **place)


def _edits(session: Session, batch: ImportBatch) -> tuple[list[sheets.Parsed], dict[int, dict[str, str]]]:
    """The rows of the form whose cells were changed, put right but not judged beside others yet; and the corrections
    each had before. Names are ``fix.<row>.<field>``."""
    headings = sheets.headings_of(batch.mapping, batch.sheet)
    wanted: dict[int, dict[str, str]] = {}
    for name, text in request.form.items():
        mark, _, rest = name.partition(".")
        number, _, field = rest.partition(".")
        if (
            mark == "fix"
            and number.isascii()
            and number.isdigit()
            and len(number) < 10
            and headings.get(field)
        ):
            if len(text) > LONGEST_CELL:
                raise Refused(
                    N_("第 %(row)s 行的内容太长，最多 %(most)s 个字符。"), row=number, most=LONGEST_CELL
                )
            wanted.setdefault(int(number), {})[headings[field]] = text.replace("\x00", "").replace(
                "\r\n", "\n"
            )
    reads, before = [], {}
    for row_no in sorted(wanted)[:200]:
        row = queries.get_row(session, batch.id, row_no)
        changed = {
            heading: text
            for heading, text in wanted[row_no].items()
            if text.strip() != row.raw.get(heading, "").replace("\r\n", "\n")
        }
        if not changed:
            continue
        fixing.check_open(batch, row)
        before[row_no] = dict(row.fixes)
        read = _read(row)
        unit = cast(Unit, batch.options.get("unit") or "万元")
        sheets.refit(read, changed, batch.mapping, batch.sheet, unit)
        reads.append(read)
    return reads, before


def _read(row: ImportRow) -> sheets.Parsed:
    return sheets.Parsed(row.row_no, dict(row.raw), dict(row.values), list(row.reasons), dict(row.fixes))


def _tell(judged: Sequence[staging.Staged]) -> None:
    left = sum(item.joined.outcome is RowOutcome.REFUSED for item in judged)
    if not judged:
        flash(gettext("没有改动。"), "done")
    elif not left:
        flash(gettext("%(n)s 行已改正。", n=len(judged)), "done")
    else:
        done = len(judged) - left
        flash(
            gettext(
                "重新核对了 %(all)s 行：%(done)s 行可以写入，%(left)s 行还有问题。",
                all=len(judged),
                done=done,
                left=left,
            ),
            "error",
        )


def _onwards(session: Session, batch_id: int, item: staging.Staged) -> Any:
    """From the page of doubtful rows: stay while the row is doubtful, else to the next one."""
    following = (
        item.read.row_no
        if item.joined.outcome is RowOutcome.DOUBTFUL
        else queries.next_doubtful(session, batch_id, item.read.row_no)
    )
    if following is None:
        return back_to("firms.import_show", batch_id=batch_id, outcome=item.joined.outcome.value)
    return back_to("firms.import_doubtful", batch_id=batch_id, row=following)


@bp.post("/firms/import/<int:batch_id>/forget")
@needs(*OPENS)
def import_forget(batch_id: int) -> Any:
    """Forget the columns remembered for the source this import came from; the import itself stays as it is."""
    session, viewer = db.session(), actor()
    batch = queries.get_batch(session, batch_id, viewer=viewer)
    memory = queries.remembered(session, batch.sheet, batch.source, batch.headings)
    if memory is not None:
        recalling.forget(session, memory, actor=viewer)
        commit()
    flash(gettext("已忘掉。下次按列名自动认。"), "done")
    return back_to("firms.import_show", batch_id=batch_id)


@bp.post("/firms/import/<int:batch_id>/resume")
@needs(*OPENS)
def import_resume(batch_id: int) -> Any:
    """Ask once more for work the queue gave up: it goes on from where it was."""
    session, viewer = db.session(), actor()
    batch = queries.get_batch(session, batch_id, viewer=viewer)
    if is_stuck(session, batch):
        job = session.get(Job, batch.job_id) if batch.job_id else None
        kind = "firms.import-read" if batch.state is BatchState.PARSING else "firms.import-write"
        batch.job_id = jobs.enqueue(
            session, job.kind if job is not None else kind, actor=viewer, batch_id=batch.id
        )
        commit()
    return back_to("firms.import_show", batch_id=batch_id)


@bp.get("/firms/import/<int:batch_id>/doubtful")
@needs(*OPENS)
def import_doubtful(batch_id: int) -> Any:
    """One doubtful row after the other, decided by keyboard."""
    session, viewer = db.session(), actor()
    batch = queries.get_batch(session, batch_id, viewer=viewer)
    raw = request.args.get("row", "")
    row_no = int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 10 else None
    if row_no is None:
        row_no = queries.next_doubtful(session, batch_id)
    page = queries.list_rows(session, batch_id, RowOutcome.DOUBTFUL, None, 200)
    if row_no is None or batch.state is not BatchState.READY:
        return back_to("firms.import_show", batch_id=batch_id, outcome=RowOutcome.DOUBTFUL.value)
    row = queries.get_row(session, batch_id, row_no)
    if row.outcome is not RowOutcome.DOUBTFUL:
        raise Missing(N_("没有这一行。"))
    name = row.values.get("name") or ""
    asked = next((str(each["asked"]) for each in row.candidates if "asked" in each), None)
    answers = row.values.get("answers") or {}
    order = [other.row for other in page.rows]
    at = order.index(row_no) if row_no in order else 0
    return render_template(
        "firms/import_doubtful.html",
        batch=batch,
        row=row,
        name=name,
        asked=asked,
        queue=page.rows,
        candidates=[
            {
                **each,
                "parts": differences(asked or name, each["name"])[1],
                "choice": deciding.choice_of(each),
                "is_none": "asked" in each and not each["id"],
                "is_answer": "asked" in each and answers.get(each["asked"]) == each["id"],
                "why": [say(message(r)) for r in each["reasons"]],
            }
            for each in row.candidates
        ],
        reasons=[say(message(reason)) for reason in row.reasons],
        raw=row.raw if queries.is_own(batch, viewer) else masked(row.raw),
        cells=cells_of(batch, row, row.raw, is_whole=True) if queries.is_own(batch, viewer) else [],
        stands_alone=SHEETS[batch.sheet].stands_alone,
        may_create=(batch.sheet is SheetKind.REGISTRY or SHEETS[batch.sheet].stands_alone)
        and batch.mode is not ImportMode.UPDATE
        and bool(name),
        undecided=queries.undecided(session, batch_id),
        total=int(batch.counts.get(RowOutcome.DOUBTFUL.value, 0)),
        previous=order[at - 1] if at > 0 else None,
        following=order[at + 1] if at + 1 < len(order) else None,
    )


@bp.post("/firms/import/<int:batch_id>/doubtful/<int:row_no>")
@needs(*OPENS)
def import_decide(batch_id: int, row_no: int) -> Any:
    session, viewer = db.session(), actor()
    batch = queries.get_batch(session, batch_id, viewer=viewer)
    row = queries.get_row(session, batch_id, row_no)
    decision = request.form.get("act") or request.form.get("decision")
    try:
        deciding.decide(session, batch, row, actor=viewer, decision=decision or None, today=today())
        is_asking = bool(decision) and row.decision is None  # the answer leaves another question
        commit()
    except Refused as refusal:
        session.rollback()
        flash(say(refusal), "error")
        return back_to("firms.import_doubtful", batch_id=batch_id, row=row_no)
    if is_asking:
        return back_to("firms.import_doubtful", batch_id=batch_id, row=row_no)
    following = queries.next_doubtful(session, batch_id, row_no) or queries.next_doubtful(session, batch_id)
    if following is None:
        flash(gettext("存疑的行都已核对。"), "done")
        return back_to("firms.import_show", batch_id=batch_id, outcome=RowOutcome.DOUBTFUL.value)
    return back_to("firms.import_doubtful", batch_id=batch_id, row=following)
