"""The files on a record: its panel and page, uploading, fetching, putting away."""

from __future__ import annotations

from typing import Any

from flask import Response, current_app, flash, render_template, request, send_file, url_for
from werkzeug.datastructures import FileStorage

from crm.activities.actions import files as actions
from crm.activities.models import Attachment
from crm.activities.queries import files as reads
from crm.activities.rules.files import ACCEPT, LARGEST, MB, MOST, TAKEN, TOGETHER
from crm.activities.rules.words import Scan
from crm.activities.views.blueprint import bp
from crm.core.clock import today
from crm.core.db import db
from crm.core.downloads import to_save
from crm.core.errors import answer
from crm.core.files import Gone, NoRoom, store
from crm.core.i18n import gettext, say
from crm.core.permissions import needs, signed_in
from crm.core.records import kind_of, load, name_of
from crm.core.transaction import commit, fresh, let_go
from crm.core.web import actor, back_to, is_htmx, log, origin
from crm.core.words import Conflict, Refused


def uploads() -> list[actions.Upload]:
    """The files of the form (field `files`), left out those that were not chosen."""
    sent: list[FileStorage] = request.files.getlist("files")
    return [actions.Upload(each.filename, each.stream) for each in sent if each.filename]  # type: ignore[arg-type]


def quota() -> int:
    """The bytes one person may keep."""
    return int(current_app.config["TIDUI"].file_quota)


@bp.get("/records/<string:kind>/<int:record_id>/files")
@signed_in
def files(kind: str, record_id: int) -> Any:
    """A part of the record's page for htmx, else a page of its own."""
    return _page(kind, record_id)


def _page(kind: str, record_id: int, refused: Refused | None = None) -> str:
    session, viewer = db.session(), actor()
    record = load(session, kind_of(kind), record_id, viewer=viewer)
    below = request.args.get("below", "")
    page = reads.list_files(
        session, kind, record_id, viewer=viewer,
        below=int(below) if below.isascii() and below.isdigit() and len(below) < 16 else None,
    )  # fmt: skip
    edits = actions.edits_record(session, kind, record_id, actor=viewer)
    is_part = is_htmx() and refused is None
    return render_template(
        "activities/_files.html" if is_part else "activities/files.html",
        kind=kind,
        record_id=record_id,
        title=name_of(kind_of(kind), record),
        back=record_url(kind, record),
        page=page,
        put_away=reads.put_away(session, kind, record_id, viewer=viewer),
        removable={
            each.attachment.id
            for each in page.files
            if actions.may_remove(each.attachment, actor=viewer, edits=edits)
        },
        may_add=viewer.may("activity:add"),
        refused=say(refused) if refused else None,
        problems=[say(item) for item in refused.items] if refused else [],
        accept=ACCEPT,
        taken=TAKEN,
        limits={"largest": LARGEST // MB, "together": TOGETHER // MB, "most": MOST, "quota": quota() // MB},
        size_text=size_text,
        scans=Scan,
        whole=not is_part,
    )


def record_url(kind: str, record: Any) -> str:
    """The page of a record."""
    declared = kind_of(kind)
    return url_for(declared.endpoint, **{declared.id_name: getattr(record, declared.id_from)})


def size_text(size: int) -> str:
    """Bytes as people read them."""
    if size < MB:
        return f"{-(-size // 1024)} KB"
    return f"{size / MB:.1f} MB"


@bp.post("/records/<string:kind>/<int:record_id>/files")
@needs("activity:add")
def upload(kind: str, record_id: int) -> Any:
    """Take one or several files, all or none of them."""
    session, viewer = db.session(), actor()
    record = load(session, kind_of(kind), record_id, viewer=viewer)
    sent = uploads()
    try:
        let_go()  # nobody waits while the disk writes
        received = actions.receive(store(), sent)
        made = actions.attach(
            session, received, actor=viewer, today=today(), subject=(kind, record_id), quota=quota()
        )
        waits = any(
            each.scan is Scan.WAITING for each in reads.contents_of(session, [one.file_id for one in made])
        )
        commit()
    except Conflict:
        raise
    except Refused as refusal:
        db.session.rollback()
        status = 503 if isinstance(refusal, NoRoom) else 422
        return _page(kind, record_id, refusal), status
    told = gettext("已上传 %(n)s 个文件。", n=len(made))
    flash(told + (gettext("检查通过后就可以下载。") if waits else ""), "done")
    declared = kind_of(kind)
    return back_to(
        declared.endpoint, **{declared.id_name: getattr(record, declared.id_from), "_anchor": "files"}
    )


@bp.get("/files/<int:attachment_id>")
@signed_in
def fetch(attachment_id: int) -> Any:
    """The content, to be saved and never shown; who took it is written down."""
    session, viewer = db.session(), actor()
    attachment = reads.get_file(session, attachment_id, viewer=viewer)
    stored = attachment.file
    if stored.scan is not Scan.CLEAN:
        return answer(423, say(actions.NOT_YET[stored.scan]))
    try:
        content = store().open(stored.sha256)
    except Gone:
        log.error("file.gone", file=stored.id)
        return answer(410)
    if content.seek(0, 2) != stored.size:
        content.close()
        log.error("file.changed", file=stored.id)
        return answer(410)
    content.seek(0)
    if request.method == "GET":
        _written_down(attachment)
    response: Response = send_file(
        content, mimetype=stored.media_type, conditional=False, etag=False, max_age=0
    )
    response.headers["Content-Type"] = stored.media_type  # no charset: the text's own is not known
    response.content_length = stored.size
    return to_save(response, attachment.name)


def _written_down(attachment: Attachment) -> None:
    with fresh(origin=origin()) as session:
        actions.fetched(session, attachment, actor=actor())
        commit(session)


@bp.post("/files/<int:attachment_id>/remove")
@needs("activity:add")
def remove(attachment_id: int) -> Any:
    session, viewer = db.session(), actor()
    attachment = reads.get_file(session, attachment_id, viewer=viewer)
    kind, record_id = attachment.kind, attachment.subject_id
    record = load(session, kind_of(kind), record_id, viewer=viewer)
    version = request.form.get("version", "")
    try:
        actions.remove(
            session, attachment, actor=viewer, today=today(), reason=request.form.get("reason", "").replace("\x00", ""),
            version=int(version) if version.isascii() and version.isdigit() and len(version) < 10 else 0,
        )  # fmt: skip
        commit()
    except Refused as refusal:
        if type(refusal) is not Refused:
            raise
        db.session.rollback()
        return _page(kind, record_id, refusal), 422
    flash(gettext("已收起「%(name)s」。", name=attachment.name), "done")
    declared = kind_of(kind)
    return back_to(
        declared.endpoint, **{declared.id_name: getattr(record, declared.id_from), "_anchor": "files"}
    )
