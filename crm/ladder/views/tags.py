"""Published lists come in on screen: upload or paste, and which column is what."""

from __future__ import annotations

from typing import Any

from flask import flash, render_template, request

from crm.core import audit, jobs
from crm.core.clock import today
from crm.core.db import db, intent
from crm.core.i18n import gettext, say
from crm.core.permissions import needs
from crm.core.transaction import commit
from crm.core.web import actor, back_to
from crm.core.words import N_, Refused
from crm.firms.rules.words import BatchState
from crm.ladder import queries
from crm.ladder.actions import tagging
from crm.ladder.forms import ListForm
from crm.ladder.models import TagBatch
from crm.ladder.rules.kinds import get_kind
from crm.ladder.rules.tagging import INLINE_ROWS
from crm.ladder.rules.words import Act
from crm.ladder.sheets import LABELS, PASTED, content_of, headings_of, read_list
from crm.ladder.views.blueprint import bp

STEPS = (N_("粘贴或上传"), N_("识别列"), N_("核对"), N_("写入"), N_("结果与撤销"))


def steps() -> list[str]:
    return [gettext(step) for step in STEPS]


def batch_of(batch_id: int) -> TagBatch:
    return queries.get_batch(db.session(), batch_id, viewer=actor())


@bp.get("/ladder/tags")
@needs("ladder:tag")
def tags() -> Any:
    """The lists tagged so far."""
    return render_template("ladder/tags.html", batches=queries.list_batches(db.session(), viewer=actor()))


@bp.get("/ladder/tags/new")
@needs("ladder:tag")
def tag_new() -> Any:
    form = ListForm(formdata=None, kind=request.args.get("kind", ""))
    return render_template("ladder/tag_new.html", form=form, refused=None, steps=steps())


@bp.post("/ladder/tags/new")
@needs("ladder:tag")
def tag_add() -> Any:
    """Keep the list, read and match it; a long one goes on in the background."""
    viewer, session, day = actor(), db.session(), today()
    form = ListForm()
    refused = None
    if form.validate():
        values = form.values()
        upload = form.file.data
        try:
            kind = get_kind(values["kind"])
            content, name = _source(upload, values["text"])
            before = tagging.seen_before(session, content, kind.code)
            if before is not None and not form.again.data:
                flash(
                    gettext("同一个文件已经标记过，这是那一次的结果。仍要再核对一次，请在上传时勾选。"),
                    "info",
                )
                return back_to("ladder.tag_review", batch_id=before.id)
            commit()  # nothing was written: the lock is let go while the file is read
            try:
                listed = read_list(content_of(content, name), name, kind=kind, today=day)
            except Refused as refusal:
                if refusal.field != "mapping":
                    raise
                listed = None
            batch = tagging.stage(
                session, kind=kind.code, filename=name, content=content, actor=viewer,
                title=values["title"] or (listed.title if listed else None) or name.rsplit(".", 1)[0],
                document=values["document"], published_on=values["published_on"], granted_on=values["granted_on"],
                mapping=listed.mapping if listed else None,
            )  # fmt: skip
            commit()
        except Refused as refusal:
            db.session.rollback()
            refused = form.refuse(refusal)
        else:
            if listed is None:
                flash(gettext("没有认出企业名称一列，请指定每一列是什么。"), "info")
                return back_to("ladder.tag_columns", batch_id=batch.id)
            return _match(batch, len(listed.rows))
    page = render_template("ladder/tag_new.html", form=form, refused=refused, steps=steps())
    return page, 422


def _source(upload: Any, text: str | None) -> tuple[bytes, str]:
    if upload is not None and upload.filename:
        return upload.read(), upload.filename[-200:]
    if text:
        return text.encode(), PASTED
    raise Refused(N_("请选择文件，或粘贴名单。"), field="file")


def _match(batch: TagBatch, rows: int) -> Any:
    """Match the rows here, or in the background when there are many."""
    viewer, session, day = actor(), db.session(), today()
    if rows > INLINE_ROWS:
        batch.job_id = jobs.enqueue(session, "ladder.tag-match", actor=viewer, batch_id=batch.id)
        audit.begin(session, actor=viewer, action=Act.TAG_MATCH, subject=("tag_batch", batch.id))
        commit()
        return back_to("ops.job", job_id=batch.job_id)
    with intent("read"):
        kind = get_kind(batch.kind)
        source = content_of(batch.content, batch.filename)
        listed = read_list(source, batch.filename, kind=kind, today=day, mapping=batch.mapping or None)
        found = tagging.match_rows(queries.load_registry(session, viewer), listed.rows)
        found = tagging.judge_rows(session, found, kind=kind.code, granted_on=batch.granted_on, today=day)
        commit()
    tagging.fill(session, batch, found, actor=viewer)
    commit()
    return back_to("ladder.tag_review", batch_id=batch.id)


@bp.get("/ladder/tags/<int:batch_id>/columns")
@needs("ladder:tag")
def tag_columns(batch_id: int) -> Any:
    return _columns(batch_of(batch_id), None)


def _columns(batch: TagBatch, refused: str | None) -> Any:
    headings = headings_of(content_of(batch.content, batch.filename), batch.filename)
    page = render_template(
        "ladder/tag_columns.html", batch=batch, headings=headings, labels=LABELS, refused=refused, steps=steps(),
        chosen={heading: column for column, heading in batch.mapping.items()},
    )  # fmt: skip
    return (page, 422) if refused else page


@bp.post("/ladder/tags/<int:batch_id>/columns")
@needs("ladder:tag")
def tag_columns_save(batch_id: int) -> Any:
    """Match again with the columns the person has named."""
    batch, session, viewer = batch_of(batch_id), db.session(), actor()
    headings = headings_of(content_of(batch.content, batch.filename), batch.filename)
    mapping: dict[str, str] = {}
    try:
        if batch.state not in (BatchState.READY, BatchState.PARSING):
            raise Refused(N_("这份名单已经写入或放弃，不能再改。"))
        for place, (heading, _samples) in enumerate(headings):
            column = request.form.get(f"column-{place}", "")
            if column in mapping:
                raise Refused(N_("「%(column)s」选了两列。"), column=LABELS[column])
            if column in LABELS:
                mapping[column] = heading
        if "name" not in mapping:
            raise Refused(N_("请指定哪一列是企业名称。"))
    except Refused as refusal:
        return _columns(batch, say(refusal))
    audit.begin(session, actor=viewer, action=Act.TAG_MATCH, subject=("tag_batch", batch.id))
    batch.mapping = mapping
    commit()
    rows = batch.counts.get("rows", 0) if batch.counts else 0
    return _match(batch, rows)
