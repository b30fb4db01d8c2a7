"""Export of exactly what a list shows: at once while it is short, by a job and a private link when it is long."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Iterator, Sequence
from typing import IO, Any
from urllib.parse import parse_qsl

from flask import Response, current_app, flash, request, send_file, stream_with_context
from flask_babel import get_locale

from crm.core import jobs, lists
from crm.core.clock import now, today
from crm.core.db import db
from crm.core.downloads import to_save
from crm.core.i18n import say
from crm.core.jobs import JobState
from crm.core.lists import exporting
from crm.core.permissions import needs, signed_in
from crm.core.sheets import SheetSpec, csv_chunks, write_xlsx
from crm.core.transaction import commit, fresh
from crm.core.web import actor, back_to
from crm.core.words import N_, Missing, Refused
from crm.overview.actions import exports as actions
from crm.overview.jobs import export_path
from crm.overview.rules.exports import AT_ONCE, CSV, KEPT_HOURS, XLSX
from crm.overview.views.blueprint import bp
from crm.overview.views.bulk import back_to_list

MOST_TICKED = 5_000
TYPES = {
    CSV: "text/csv; charset=utf-8",
    XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
BLOCK = 65_536


@bp.post("/lists/<string:list_key>/export")
@needs("export:run", "export:log", "account:manage")  # of records, of the log, of accounts
def list_export(list_key: str) -> Any:
    """The rows on screen (the filter, or those ticked) with their columns in their order."""
    session, viewer = db.session(), actor()
    declared = lists.list_of(list_key, viewer)
    query = request.form.get("filter", "")[:4000]
    form = CSV if request.form.get("format") == CSV else XLSX
    try:
        if declared.exports is None:
            raise Refused(N_("这个列表不能导出。"))
        viewer.require(declared.exports)
        wanted = declared.asked(dict(parse_qsl(query)), today())
        only = _ticked() if not request.form.get("all") else None
        found = exporting.taken(session, declared, wanted, viewer, only)
        columns = exporting.columns_of(declared, wanted, viewer)
        actions.note(
            session, declared, found, actor=viewer, query=query, columns=[column.key for column in columns],
            is_selected=only is not None,
        )  # fmt: skip
        if found.count > AT_ONCE:
            job = jobs.enqueue(
                session, "overview.export", actor=viewer, list=declared.key, query=query, form=form, only=only,
                lang=str(get_locale()), at=now().isoformat(timespec="minutes"),
            )  # fmt: skip
            commit()
            return back_to("ops.job", job_id=job)
        commit()
    except Refused as refusal:
        db.session.rollback()
        flash(say(refusal), "error")
        return back_to_list(declared, query)
    return _send(declared, wanted, columns, form, only)


def _ticked() -> list[int]:
    raw = request.form.getlist("ids")[:MOST_TICKED]
    ids = [int(text) for text in raw if text.isascii() and text.isdigit() and len(text) < 16]
    if not ids:
        raise Refused(N_("请先选择要导出的行。"))
    return ids


def _send(
    declared: lists.List,
    wanted: lists.Asked,
    columns: Sequence[lists.Column],
    form: str,
    only: list[int] | None,
) -> Response:
    """The file, sent while it is read (CSV), or once the workbook is closed: a workbook's directory is at its end."""
    viewer = actor()
    headings = exporting.headings(columns, say)
    name = f"{say(declared.label)}-{today().isoformat()}.{form}"

    def rows(session: Any) -> Iterator[tuple[Any, ...]]:
        found = exporting.taken(session, declared, wanted, viewer, only)
        return exporting.rows_of(session, declared, wanted, columns, found.ids, viewer, say)

    def csv() -> Iterator[bytes]:
        with fresh(write=False) as own:
            yield from csv_chunks(headings, rows(own))

    def book(file: IO[bytes]) -> Iterator[bytes]:
        with file:
            while block := file.read(BLOCK):
                yield block

    if form == CSV:
        response = Response(stream_with_context(csv()), mimetype=TYPES[CSV])
    else:
        file = tempfile.TemporaryFile()  # noqa: SIM115  closed when it has been sent
        with fresh(write=False) as own:
            write_xlsx(file, [SheetSpec(say(declared.label), headings, rows(own))])
        file.seek(0)
        response = Response(book(file), mimetype=TYPES[XLSX])
    return to_save(response, name)


@bp.get("/exports/<int:job_id>")
@signed_in
def export_file(job_id: int) -> Any:
    """The file of an export of one's own, for a day."""
    found = jobs.get_job(db.session(), job_id, viewer=actor())
    result = found.result or {}
    if found.kind != "overview.export" or found.state is not JobState.DONE or found.finished_at is None:
        raise Missing(N_("没有这个文件。"))
    path = export_path(current_app.config["TIDUI"].data, job_id, str(result.get("form", XLSX)))
    if found.finished_at < now() - dt.timedelta(hours=KEPT_HOURS) or not path.exists():
        raise Missing(N_("导出的文件只保留一天，现在已经删除。请重新导出。"))
    return send_file(
        path, mimetype=TYPES[str(result["form"])], as_attachment=True, download_name=str(result["name"])
    )
