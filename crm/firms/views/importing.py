"""The import on screen: upload → columns → preview → decide → write → result and undo."""

from __future__ import annotations

import io
from typing import Any

from flask import abort, flash, render_template, request, url_for
from werkzeug.datastructures import MultiDict

from crm.core import jobs, lists
from crm.core.clock import today
from crm.core.db import db, intent
from crm.core.downloads import download
from crm.core.forms import options
from crm.core.i18n import gettext, say
from crm.core.permissions import needs
from crm.core.sheets import DEFAULT
from crm.core.transaction import commit
from crm.core.web import actor, back_to
from crm.core.words import N_, Refused
from crm.firms import queries, sheets
from crm.firms.actions import recalling, staging, writing
from crm.firms.actions.targets import whole_of
from crm.firms.forms import UploadForm
from crm.firms.models import ImportBatch
from crm.firms.rules.columns import OPENS, SHEETS, columns_of, may_import
from crm.firms.rules.reasons import message
from crm.firms.rules.regions import regions_of
from crm.firms.rules.staged import masked
from crm.firms.rules.words import BatchState, ImportMode, RowOutcome, SheetKind
from crm.firms.sheets.batches import open_batch
from crm.firms.views.blueprint import bp, toast
from crm.firms.views.staged import is_busy, is_stuck, staged_rows

AT_ONCE = 150_000  # bytes read within the request; larger files go to the queue
ROWS_AT_ONCE = 2_000  # rows written within the request


@bp.get("/firms/import")
@needs(*OPENS)
def imports() -> Any:
    sheet = request.args.get("sheet", "")
    mine = [kind.value for kind in _mine()]
    if sheet in {kind.value for kind in SHEETS}:
        staging.require(actor(), SheetKind(sheet))
    elif not mine:
        actor().require(OPENS[0])
    start = {"sheet": sheet if sheet in mine else mine[0]}
    return _upload_page(UploadForm(MultiDict({**start, "mode": ImportMode.BOTH.value})))


def _mine() -> list[SheetKind]:
    """The kinds of sheets this person may bring in."""
    return [kind for kind in SHEETS if may_import(actor(), kind)]


def _upload_page(form: UploadForm, refused: str | None = None) -> str:
    form.sheet.choices = options([(kind.value, say(kind.label)) for kind in _mine()])
    sheet, mine = form.sheet.data, _mine()
    return render_template(
        "firms/imports.html",
        is_past=sheet == SheetKind.ACTIVITIES.value,
        is_projects=sheet == SheetKind.PROJECTS.value,
        is_listing=sheet == SheetKind.LISTING.value,
        may_add=SheetKind.ACTIVITIES in mine,
        may_project=SheetKind.PROJECTS in mine,
        may_reserve=SheetKind.LISTING in mine,
        may_firms=SheetKind.REGISTRY in mine,
        form=form,
        refused=refused,
        limits=DEFAULT.describe(),
        batches=queries.list_batches(db.session(), viewer=actor()),
        kinds=mine,
    )


@bp.post("/firms/import")
@needs(*OPENS)
def upload() -> Any:
    form = UploadForm()
    session, viewer = db.session(), actor()
    refused = None
    if form.sheet.data in set(SheetKind):
        staging.require(viewer, SheetKind(form.sheet.data))
    if form.validate():
        try:
            content, filename, given = _content(form)
            if form.within.value:
                regions_of(form.within.value)
                given = {**given, "within": form.within.value}
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
    """Read at once when small, else leave it to the queue. Commits: the file is kept first, then read and matched
    beside other people's saves, and what came of it is written at the end."""
    session, viewer = db.session(), actor()
    batch_id = batch.id
    if len(content) > AT_ONCE:
        batch.job_id = jobs.enqueue(session, "firms.import-read", actor=viewer, batch_id=batch_id)
        commit()
        return back_to("firms.import_show", batch_id=batch_id)
    commit()
    opened, staged, problem = None, [], None
    with intent("read"):
        batch = queries.get_batch(session, batch_id, viewer=viewer)
        try:
            opened = open_batch(
                session, batch, content, viewer=viewer, fixes=queries.fixes_of(session, batch_id)
            )
            problem = opened.problem
            if problem is None:
                staged = staging.judge(
                    session, opened.rows, actor=viewer, sheet=batch.sheet, mode=batch.mode, today=today()
                )
        except Refused as refusal:
            problem = refusal
        session.rollback()
    batch = queries.get_batch(session, batch_id, viewer=viewer)
    told = opened.told() if opened is not None else {}
    if problem is not None:
        staging.fail(session, batch, problem, actor=viewer, **told)
    else:
        staging.stage(session, batch, staged, actor=viewer, **told)
    commit()
    return back_to("firms.import_show", batch_id=batch_id)


@bp.get("/firms/import/<int:batch_id>")
@needs(*OPENS)
def import_show(batch_id: int) -> Any:
    session, viewer = db.session(), actor()
    batch = queries.get_batch(session, batch_id, viewer=viewer)
    counts = {outcome: int(batch.counts.get(outcome.value, 0)) for outcome in RowOutcome}
    outcome = _outcome(counts)
    position = lists.position(request.args.get("after", ""), queries.ROW_SORT)
    back = lists.position(request.args.get("before", ""), queries.ROW_SORT, is_back=True)
    page = queries.list_rows(session, batch_id, outcome, position or back)
    ids = [row.firm_id for row in page.rows if row.firm_id]
    stands_alone = SHEETS[batch.sheet].stands_alone
    firms = (
        whole_of(batch.sheet).names(session, ids, viewer)
        if stands_alone
        else queries.firm_names(session, ids)
    )
    base: dict[str, Any] = {"batch_id": batch_id, "outcome": outcome.value}
    undecided = queries.undecided(session, batch_id) if counts[RowOutcome.DOUBTFUL] else 0
    decided = counts[RowOutcome.DOUBTFUL] - undecided
    is_open = batch.state is BatchState.READY
    may_fix = is_open and outcome in (RowOutcome.REFUSED, RowOutcome.DOUBTFUL)
    return render_template(
        "firms/import.html",
        batch=batch,
        stands_alone=stands_alone,
        counts=counts,
        outcome=outcome,
        page=page,
        rows=staged_rows(batch, page.rows, firms, viewer, may_fix),
        may_fix=may_fix,
        next_url=url_for("firms.import_show", after=page.after, **base) if page.after else None,
        previous_url=url_for("firms.import_show", before=page.before, **base) if page.before else None,
        undecided=undecided,
        to_write=counts[RowOutcome.NEW] + counts[RowOutcome.CHANGED] + decided,
        problem=say(message(batch.problem)) if batch.problem else None,
        notices=[say(message(each)) for each in batch.options.get("notices", ())],
        rules=columns_of(batch.sheet),
        has_money=SHEETS[batch.sheet].has_money,
        ignored=[name for name in batch.headings if name not in batch.mapping.values()],
        units=sheets.UNITS,
        modes=list(ImportMode),
        outcomes=list(RowOutcome),
        states=BatchState,
        is_open=is_open,
        is_own=queries.is_own(batch, viewer),
        is_stuck=is_stuck(session, batch),
        is_busy=is_busy(session, batch),
    )


def _outcome(counts: dict[RowOutcome, int]) -> RowOutcome:
    asked = request.args.get("outcome", "")
    if asked in {outcome.value for outcome in RowOutcome}:
        return RowOutcome(asked)
    order = (RowOutcome.REFUSED, RowOutcome.DOUBTFUL, RowOutcome.CHANGED, RowOutcome.NEW, RowOutcome.SAME)
    return next((outcome for outcome in order if counts[outcome]), RowOutcome.NEW)


@bp.post("/firms/import/<int:batch_id>/columns")
@needs(*OPENS)
def import_columns(batch_id: int) -> Any:
    """Read the file anew with other columns, worksheet, unit or mode; what was put right may be remembered."""
    session, viewer = db.session(), actor()
    batch = queries.get_batch(session, batch_id, viewer=viewer)
    keeps = request.form.get("remember") == "1"
    mapping = {
        rule.name: heading
        for rule in SHEETS[batch.sheet].columns
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
            mapping, keeps = {}, False
        given["sheet_name"] = worksheet
    mode = request.form.get("mode", "")
    try:
        if keeps and mapping:
            recalling.remember(session, batch, mapping, given.get("unit", ""), actor=viewer)
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


@bp.post("/firms/import/<int:batch_id>/write")
@needs(*OPENS)
def import_write(batch_id: int) -> Any:
    session, viewer = db.session(), actor()
    batch = queries.get_batch(session, batch_id, viewer=viewer)
    writes = sum(
        int(batch.counts.get(o.value, 0)) for o in (RowOutcome.NEW, RowOutcome.CHANGED, RowOutcome.DOUBTFUL)
    )
    try:
        if writes > ROWS_AT_ONCE:
            writing.hand_over(session, batch, actor=viewer)
            batch.job_id = jobs.enqueue(session, "firms.import-write", actor=viewer, batch_id=batch.id)
            commit()
            return back_to("firms.import_show", batch_id=batch_id)
        writing.write(session, batch, actor=viewer, today=today())
        commit()
    except Refused as refusal:
        session.rollback()
        flash(say(refusal), "error")
        return back_to("firms.import_show", batch_id=batch_id)
    toast(gettext("导入已写入。"), undo=url_for("firms.import_undo", batch_id=batch_id))
    return back_to("firms.import_show", batch_id=batch_id)


@bp.post("/firms/import/<int:batch_id>/undo")
@needs(*OPENS)
def import_undo(batch_id: int) -> Any:
    """Take a whole import back, or say which record is in the way."""
    session, viewer = db.session(), actor()
    batch = queries.get_batch(session, batch_id, viewer=viewer)
    try:
        if queries.part_count(session, batch_id) > 1:
            writing.check_undo(batch, viewer)
            batch.job_id = jobs.enqueue(session, "firms.import-undo", actor=viewer, batch_id=batch.id)
            commit()
            return back_to("firms.import_show", batch_id=batch_id)
        writing.undo_import(session, batch, actor=viewer)
        commit()
        flash(gettext("已撤销整个导入。"), "done")
    except Refused as refusal:
        session.rollback()
        items = gettext("；").join(say(item) for item in refusal.items[:3])
        flash(say(refusal) + (f" {items}" if items else ""), "error")
    return back_to("firms.import_show", batch_id=batch_id)


@bp.post("/firms/import/<int:batch_id>/drop")
@needs(*OPENS)
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
@needs(*OPENS)
def import_left(batch_id: int) -> Any:
    """The rows that were not taken, with the reason beside each."""
    batch = queries.get_batch(db.session(), batch_id, viewer=actor())
    is_own = queries.is_own(batch, actor())
    rows = (
        (
            row.row_no,
            row.raw if is_own else masked(row.raw),
            gettext("；").join(_why(reason) for reason in row.reasons),
        )
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
@needs(*OPENS)
def import_template(sheet: str) -> Any:
    kinds = {kind.value: kind for kind in _mine()}
    if sheet not in kinds:
        abort(404)
    file = io.BytesIO()
    sheets.template(file, kinds[sheet], say)
    label = gettext("导入模板")
    return download(file.getvalue(), f"{label}-{say(kinds[sheet].label)}.xlsx")
