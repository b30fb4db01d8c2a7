"""The import on screen: upload → columns → preview → decide → write → result and undo."""

from __future__ import annotations

import io
from typing import Any

from flask import abort, flash, render_template, request, url_for
from werkzeug.datastructures import MultiDict

from crm.core import jobs, lists
from crm.core.clock import today
from crm.core.db import db
from crm.core.forms import options
from crm.core.i18n import gettext, say
from crm.core.permissions import needs
from crm.core.sheets import DEFAULT
from crm.core.transaction import commit
from crm.core.web import actor, back_to
from crm.core.words import N_, Missing, Refused
from crm.firms import queries, sheets
from crm.firms.actions import staging
from crm.firms.forms import UploadForm
from crm.firms.models import ImportBatch
from crm.firms.rules.columns import SHEETS
from crm.firms.rules.names import differences
from crm.firms.rules.reasons import message
from crm.firms.rules.standing import mask_mail, mask_phone
from crm.firms.rules.words import BatchState, ImportMode, RowOutcome, SheetKind
from crm.firms.sheets.batches import open_batch
from crm.firms.views.blueprint import bp, toast
from crm.firms.views.listing import download

MASKED = {"phone": mask_phone, "email": mask_mail}  # what is there already shows only to who reveals it
AT_ONCE = 150_000  # bytes read within the request; larger files go to the queue
ROWS_AT_ONCE = 2_000  # rows written within the request


@bp.get("/firms/import")
@needs("firm:import")
def imports() -> Any:
    sheet = request.args.get("sheet", "")
    start = {"sheet": sheet if sheet in {kind.value for kind in SHEETS} else SheetKind.REGISTRY.value}
    return _upload_page(UploadForm(MultiDict({**start, "mode": ImportMode.BOTH.value})))


def _upload_page(form: UploadForm, refused: str | None = None) -> str:
    form.sheet.choices = options([(kind.value, say(kind.label)) for kind in SHEETS])
    return render_template(
        "firms/imports.html", form=form, refused=refused, limits=DEFAULT.describe(),
        batches=queries.list_batches(db.session(), viewer=actor()), kinds=list(SHEETS),
    )  # fmt: skip


@bp.post("/firms/import")
@needs("firm:import")
def upload() -> Any:
    form = UploadForm()
    session, viewer = db.session(), actor()
    refused = None
    if form.validate():
        try:
            content, filename, given = _content(form)
            batch = staging.upload(
                session, actor=viewer, sheet=SheetKind(form.sheet.value or ""), mode=ImportMode(form.mode.value or ""),
                filename=filename, content=content, source=form.source.value, options=given,
            )  # fmt: skip
            return _read(batch, content)
        except Refused as refusal:
            session.rollback()
            refused = form.refuse(refusal)
    return _upload_page(form, refused), 422


def _content(form: UploadForm) -> tuple[bytes, str, dict[str, Any]]:
    """What was uploaded or pasted. Raises `Refused` when it is neither, or too large."""
    file = request.files.get("file")
    if file is not None and file.filename:
        content = file.stream.read(DEFAULT.file_bytes + 1)
        if len(content) > DEFAULT.file_bytes:
            raise Refused(
                N_("文件超过 %(most)s MB，请分成几份。"), most=DEFAULT.file_bytes // 1_000_000, field="file"
            )
        if not content:
            raise Refused(N_("文件是空的。"), field="file")
        return content, file.filename.replace("\x00", ""), {}
    text = (form.pasted.data or "").replace("\x00", "").strip()
    if not text:
        raise Refused(N_("请选择文件，或把表格粘贴进来。"), field="file")
    return text.encode("utf-8", "replace"), gettext("粘贴的表格"), {"pasted": True}


def _read(batch: ImportBatch, content: bytes) -> Any:
    """Read at once when small, else leave it to the queue. Commits."""
    session, viewer = db.session(), actor()
    if len(content) > AT_ONCE:
        batch.job_id = jobs.enqueue(session, "firms.import-read", actor=viewer, batch_id=batch.id)
        commit()
        return back_to("firms.import_show", batch_id=batch.id)
    try:
        opened = open_batch(content, batch.filename, batch.sheet, batch.options, batch.mapping)
        if opened.problem is not None:
            staging.fail(
                session, batch, opened.problem, actor=viewer, headings=opened.headings, mapping=opened.mapping,
                sheet_names=opened.sheet_names,
            )  # fmt: skip
        else:
            staged = staging.judge(
                session, opened.rows, actor=actor(), sheet=batch.sheet, mode=batch.mode, today=today()
            )
            staging.stage(
                session, batch, staged, actor=viewer, mapping=opened.mapping, headings=opened.headings,
                sheet_names=opened.sheet_names,
            )  # fmt: skip
    except Refused as refusal:
        staging.fail(session, batch, refusal, actor=viewer)
    commit()
    return back_to("firms.import_show", batch_id=batch.id)


@bp.get("/firms/import/<int:batch_id>")
@needs("firm:import")
def import_show(batch_id: int) -> Any:
    session, viewer = db.session(), actor()
    batch = queries.get_batch(session, batch_id, viewer=viewer)
    counts = {outcome: int(batch.counts.get(outcome.value, 0)) for outcome in RowOutcome}
    outcome = _outcome(counts)
    position = lists.position(request.args.get("after", ""), queries.ROW_SORT)
    back = lists.position(request.args.get("before", ""), queries.ROW_SORT, is_back=True)
    page = queries.list_rows(session, batch_id, outcome, position or back)
    firms = queries.firm_names(session, [row.firm_id for row in page.rows if row.firm_id])
    labels = {rule.name: say(rule.label) for rule in SHEETS.get(batch.sheet, ())}
    base: dict[str, Any] = {"batch_id": batch_id, "outcome": outcome.value}
    undecided = queries.undecided(session, batch_id) if counts[RowOutcome.DOUBTFUL] else 0
    decided = counts[RowOutcome.DOUBTFUL] - undecided
    return render_template(
        "firms/import.html",
        batch=batch,
        counts=counts,
        outcome=outcome,
        page=page,
        rows=[_shown(row, firms, labels) for row in page.rows],
        next_url=url_for("firms.import_show", after=page.after, **base) if page.after else None,
        previous_url=url_for("firms.import_show", before=page.before, **base) if page.before else None,
        undecided=undecided,
        to_write=counts[RowOutcome.NEW] + counts[RowOutcome.CHANGED] + decided,
        problem=say(message(batch.problem)) if batch.problem else None,
        rules=SHEETS.get(batch.sheet, ()),
        ignored=[name for name in batch.headings if name not in batch.mapping.values()],
        units=sheets.UNITS,
        modes=list(ImportMode),
        outcomes=list(RowOutcome),
        states=BatchState,
        is_open=batch.state is BatchState.READY,
    )


def _outcome(counts: dict[RowOutcome, int]) -> RowOutcome:
    asked = request.args.get("outcome", "")
    if asked in {outcome.value for outcome in RowOutcome}:
        return RowOutcome(asked)
    order = (RowOutcome.REFUSED, RowOutcome.DOUBTFUL, RowOutcome.CHANGED, RowOutcome.NEW, RowOutcome.SAME)
    return next((outcome for outcome in order if counts[outcome]), RowOutcome.NEW)


def _shown(row: Any, firms: dict[int, str], labels: dict[str, str]) -> dict[str, Any]:
    """A staged row as the preview shows it."""
    more = {
        "capital_yuan": "capital",
        "capital_text": "capital",
        "street_id": "street",
        "officer_id": "officer",
    }
    return {
        "row": row.row,
        "name": row.values.get("name") or next(iter(row.raw.values()), ""),
        "code": row.values.get("code"),
        "person": row.values.get("person"),
        "firm_id": row.firm_id,
        "firm": firms.get(row.firm_id),
        "reasons": [(reason.get("column") or "", say(message(reason))) for reason in row.reasons],
        "changes": [
            (
                labels.get(more.get(key, key), key),
                _plain(MASKED[key](old) if key in MASKED else old),
                _plain(new),
            )
            for key, (old, new) in row.changes.items()
        ],
        "candidates": row.candidates,
        "decision": row.decision,
        "raw": row.raw,
    }


def _plain(value: Any) -> str:
    if value is None or value == []:
        return "—"
    return gettext("、").join(map(str, value)) if isinstance(value, list) else str(value)


@bp.post("/firms/import/<int:batch_id>/columns")
@needs("firm:import")
def import_columns(batch_id: int) -> Any:
    """Read the file anew with other columns, worksheet, unit or mode."""
    session, viewer = db.session(), actor()
    batch = queries.get_batch(session, batch_id, viewer=viewer)
    mapping = {
        rule.name: heading
        for rule in SHEETS[batch.sheet]
        if (heading := request.form.get(f"column-{rule.name}")) is not None
        and (not heading or heading in batch.headings)
    }
    given: dict[str, Any] = {}
    unit = request.form.get("unit", "")
    if unit in sheets.UNITS:
        given["unit"] = unit
    worksheet = request.form.get("worksheet", "")
    if worksheet in batch.options.get("sheet_names", []):
        if worksheet != batch.options.get("sheet_name"):
            mapping = {}
        given["sheet_name"] = worksheet
    mode = request.form.get("mode", "")
    try:
        staging.again(
            session, batch, actor=viewer, mode=ImportMode(mode) if mode in {m.value for m in ImportMode} else None,
            mapping=mapping, **given,
        )  # fmt: skip
        content = queries.file_of(session, batch_id)
        if content is None:
            raise Refused(N_("原文件已随一个人的信息抹去，不能重新读取；请去掉那一行后重新上传。"))
    except Refused as refusal:
        session.rollback()
        flash(say(refusal), "error")
        return back_to("firms.import_show", batch_id=batch_id)
    return _read(batch, content)


@bp.get("/firms/import/<int:batch_id>/doubtful")
@needs("firm:import")
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
    order = [other.row for other in page.rows]
    at = order.index(row_no) if row_no in order else 0
    return render_template(
        "firms/import_doubtful.html",
        batch=batch,
        row=row,
        name=name,
        queue=page.rows,
        candidates=[
            {
                **each,
                "parts": differences(name, each["name"])[1],
                "why": [say(message(r)) for r in each["reasons"]],
            }
            for each in row.candidates
        ],
        reasons=[say(message(reason)) for reason in row.reasons],
        may_create=batch.sheet is SheetKind.REGISTRY and batch.mode is not ImportMode.UPDATE and bool(name),
        undecided=queries.undecided(session, batch_id),
        total=int(batch.counts.get(RowOutcome.DOUBTFUL.value, 0)),
        previous=order[at - 1] if at > 0 else None,
        following=order[at + 1] if at + 1 < len(order) else None,
    )


@bp.post("/firms/import/<int:batch_id>/doubtful/<int:row_no>")
@needs("firm:import")
def import_decide(batch_id: int, row_no: int) -> Any:
    session, viewer = db.session(), actor()
    batch = queries.get_batch(session, batch_id, viewer=viewer)
    row = queries.get_row(session, batch_id, row_no)
    decision = request.form.get("act") or request.form.get("decision")
    try:
        staging.decide(session, batch, row, actor=viewer, decision=decision or None)
        commit()
    except Refused as refusal:
        session.rollback()
        flash(say(refusal), "error")
        return back_to("firms.import_doubtful", batch_id=batch_id, row=row_no)
    following = queries.next_doubtful(session, batch_id, row_no) or queries.next_doubtful(session, batch_id)
    if following is None:
        flash(gettext("存疑的行都已核对。"), "done")
        return back_to("firms.import_show", batch_id=batch_id, outcome=RowOutcome.DOUBTFUL.value)
    return back_to("firms.import_doubtful", batch_id=batch_id, row=following)


@bp.post("/firms/import/<int:batch_id>/write")
@needs("firm:import")
def import_write(batch_id: int) -> Any:
    session, viewer = db.session(), actor()
    batch = queries.get_batch(session, batch_id, viewer=viewer)
    writes = sum(
        int(batch.counts.get(o.value, 0)) for o in (RowOutcome.NEW, RowOutcome.CHANGED, RowOutcome.DOUBTFUL)
    )
    try:
        if writes > ROWS_AT_ONCE:
            staging.hand_over(session, batch, actor=viewer)
            batch.job_id = jobs.enqueue(session, "firms.import-write", actor=viewer, batch_id=batch.id)
            commit()
            return back_to("firms.import_show", batch_id=batch_id)
        staging.write(session, batch, actor=viewer, today=today())
        commit()
    except Refused as refusal:
        session.rollback()
        flash(say(refusal), "error")
        return back_to("firms.import_show", batch_id=batch_id)
    toast(gettext("导入已写入。"), undo=url_for("firms.import_undo", batch_id=batch_id))
    return back_to("firms.import_show", batch_id=batch_id)


@bp.post("/firms/import/<int:batch_id>/undo")
@needs("firm:import")
def import_undo(batch_id: int) -> Any:
    """Take a whole import back, or say which record is in the way."""
    session, viewer = db.session(), actor()
    batch = queries.get_batch(session, batch_id, viewer=viewer)
    try:
        staging.undo_import(session, batch, actor=viewer)
        commit()
        flash(gettext("已撤销整个导入。"), "done")
    except Refused as refusal:
        session.rollback()
        items = gettext("；").join(say(item) for item in refusal.items[:3])
        flash(say(refusal) + (f" {items}" if items else ""), "error")
    return back_to("firms.import_show", batch_id=batch_id)


@bp.post("/firms/import/<int:batch_id>/drop")
@needs("firm:import")
def import_drop(batch_id: int) -> Any:
    session, viewer = db.session(), actor()
    batch = queries.get_batch(session, batch_id, viewer=viewer)
    try:
        staging.drop(session, batch, actor=viewer)
        commit()
        flash(gettext("已放弃这次导入，没有写入任何数据。"), "done")
    except Refused as refusal:
        session.rollback()
        flash(say(refusal), "error")
    return back_to("firms.imports")


@bp.get("/firms/import/<int:batch_id>/left.xlsx")
@needs("firm:import")
def import_left(batch_id: int) -> Any:
    """The rows that were not taken, with the reason beside each."""
    batch = queries.get_batch(db.session(), batch_id, viewer=actor())
    rows = (
        (row.row_no, row.raw, gettext("；").join(_why(reason) for reason in row.reasons))
        for row in queries.left_rows(db.session(), batch_id)
    )
    file = io.BytesIO()
    sheets.left_rows(file, batch.headings, rows, say)
    stem = batch.filename.rpartition(".")[0] or batch.filename
    label = gettext("未导入")
    return download(file.getvalue(), f"{stem}-{label}.xlsx")


def _why(reason: dict[str, Any]) -> str:
    text = say(message(reason))
    return f"{reason['column']}：{text}" if reason.get("column") else text


@bp.get("/firms/import/template/<string:sheet>.xlsx")
@needs("firm:import")
def import_template(sheet: str) -> Any:
    kinds = {kind.value: kind for kind in SHEETS}
    if sheet not in kinds:
        abort(404)
    file = io.BytesIO()
    sheets.template(file, kinds[sheet], say)
    label = gettext("导入模板")
    return download(file.getvalue(), f"{label}-{say(kinds[sheet].label)}.xlsx")
