"""Bulk changes: choose, confirm what was frozen, see what became of each row, take it back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast
from urllib.parse import parse_qsl

from flask import Response, flash, redirect, render_template, request, stream_with_context, url_for

from crm.core import audit, jobs, lists
from crm.core.clock import now, today
from crm.core.db import db
from crm.core.downloads import to_save
from crm.core.i18n import gettext, say, word
from crm.core.permissions import Forbidden, needs
from crm.core.records import RecordKind, chosen_kind
from crm.core.sentences import unpacked
from crm.core.sheets import Column, csv_chunks
from crm.core.transaction import commit, fresh
from crm.core.web import actor, back_to
from crm.core.words import Refused
from crm.overview.actions import bulk as actions
from crm.overview.models import BulkRun
from crm.overview.queries import bulk as queries
from crm.overview.rules.bulk import AT_ONCE, BulkResult, BulkState, BulkVerb
from crm.overview.views.blueprint import bp

EDITORS = ("firm:edit", "ladder:tag", "activity:add", "account:manage")
LONG_QUERY = 4000


@bp.post("/lists/<string:list_key>/bulk")
@needs(*EDITORS)
def bulk_start(list_key: str) -> Any:
    """Freeze the rows ticked, or all the filter finds, and ask."""
    session, viewer = db.session(), actor()
    declared = lists.list_of(list_key, viewer)
    query = request.form.get("filter", "")[:LONG_QUERY]
    wanted = declared.asked(dict(parse_qsl(query)), today())
    verb = {item.value: item for item in BulkVerb}.get(request.form.get("verb", ""), BulkVerb.SET)
    fact, _, value = request.form.get("set", "").partition(":")
    try:
        run = actions.start(
            session, declared, actor=viewer, verb=verb, fact=fact if verb is BulkVerb.SET else None,
            value=None if value in ("none", "") else value[:200],
            chosen=None if request.form.get("all") else _ticked(), query=query, wanted=wanted, at=now(),
        )  # fmt: skip
        commit()
    except Forbidden:
        raise
    except Refused as refusal:
        db.session.rollback()
        flash(say(refusal), "error")
        return back_to_list(declared, query)
    return back_to("overview.bulk_show", run_id=run.id)


def _ticked() -> list[int]:
    raw = request.form.getlist("ids")
    return [int(text) for text in raw if text.isascii() and text.isdigit() and len(text) < 16]


def back_to_list(declared: lists.List, query: str) -> Any:
    """The list as it was when the form was sent."""
    known = {*(item.key for item in declared.filters), "sort", "columns"}
    values = {key: value for key, value in parse_qsl(query) if key in known}
    return back_to(declared.endpoint, **values)


@bp.get("/bulk/<int:run_id>")
@needs(*EDITORS)
def bulk_show(run_id: int) -> Any:
    """The question before, the result after."""
    run = queries.get_run(db.session(), run_id, viewer=actor())
    if run.state is BulkState.ASKED:
        return _ask(run)
    if run.state is BulkState.RUNNING and run.job_id is not None:
        return redirect(url_for("ops.job", job_id=run.job_id))
    return _result(run)


def _ask(run: BulkRun, refused: str | None = None, reason: str = "") -> Any:
    session, viewer = db.session(), actor()
    kind = chosen_kind(run.kind)
    names, beyond = queries.sample(session, run, kind, viewer=viewer)
    page = render_template(
        "overview/bulk.html",
        run=run,
        kind=kind,
        names=names,
        beyond=beyond,
        what=_what(run, kind),
        needs_reason=run.verb is BulkVerb.ARCHIVE or kind.needs_reason,
        takes_reason=kind.takes_reason,
        refused=refused,
        reason=reason,
        is_long=run.total > AT_ONCE,
        declared=lists.LISTS[run.list_key],
    )
    return (page, 422) if refused else page


def _what(run: BulkRun, kind: RecordKind) -> str:
    """What is done, in words: 服务专员 → 张三."""
    if run.verb is not BulkVerb.SET:
        return say(kind.verbs[run.verb.value]) if run.verb.value in kind.verbs else word(run.verb)
    try:
        setting, _value, label = actions.parsed(db.session(), kind, actor(), run.fact, run.value)
    except Refused:
        return word(run.verb)
    return f"{say(setting.label)} → {say(label)}"


@bp.post("/bulk/<int:run_id>")
@needs(*EDITORS)
def bulk_run(run_id: int) -> Any:
    """Do it: now, or as a job when it is long. Sent twice, it is done once."""
    session, viewer = db.session(), actor()
    run = queries.get_run(session, run_id, viewer=viewer, lock=True)
    if run.state is not BulkState.ASKED:
        return back_to("overview.bulk_show", run_id=run_id)
    kind = chosen_kind(run.kind)
    reason = " ".join(request.form.get("reason", "").replace("\x00", "").split())[:500]
    if not reason and (run.verb is BulkVerb.ARCHIVE or kind.needs_reason):
        return _ask(run, gettext("请写明理由，每一行都会记下它。"))
    if run.total > AT_ONCE:
        run.state, run.reason = BulkState.RUNNING, reason or None
        run.job_id = jobs.enqueue(session, "overview.bulk", actor=viewer, run_id=run.id)
        commit()
        return back_to("ops.job", job_id=run.job_id)
    try:
        verdicts = actions.judge(session, run, actor=viewer, today=today(), reason=reason)
        actions.write(session, run, verdicts, actor=viewer, reason=reason, at=now())
        commit()
    except Refused as refusal:
        db.session.rollback()
        return _ask(queries.get_run(db.session(), run_id, viewer=viewer), say(refusal), reason)
    done = run.counts.get(BulkResult.DONE.value, 0)
    text = gettext("已完成 %(n)s 行，共选 %(all)s 行。", n=done, all=run.total)
    if run.operation and kind.is_undone:
        undo_url = url_for("overview.operation_undo", operation=run.operation)
        flash(cast(Any, {"text": text, "undo": undo_url}), "done")
    else:
        flash(text, "info")
    return back_to("overview.bulk_show", run_id=run_id)


def _result(run: BulkRun) -> Any:
    session, viewer = db.session(), actor()
    kind = chosen_kind(run.kind)
    known = {item.value: item for item in BulkResult}
    result = known.get(request.args.get("result", ""))
    wanted = lists.asked(request.args, sorts=[queries.SORT], filters=[])
    page = queries.results(session, run, kind, wanted, result, viewer=viewer)
    base: dict[str, Any] = {"run_id": run.id}
    if result is not None:
        base["result"] = result.value
    return render_template(
        "overview/bulk_result.html",
        run=run,
        kind=kind,
        page=page,
        what=_what(run, kind),
        about=queries.about(session, kind, [row.row_id for row in page.rows], viewer=viewer),
        result=result,
        results=list(BulkResult),
        message=lambda stored: say(unpacked(stored)) if stored else "",
        link=lambda row: url_for(kind.endpoint, **{kind.id_name: row.link}) if row.link else None,
        next_url=url_for("overview.bulk_show", after=page.after, **base) if page.after else None,
        previous_url=url_for("overview.bulk_show", before=page.before, **base) if page.before else None,
        declared=lists.LISTS[run.list_key],
        back=lists.LISTS[run.list_key].endpoint,
    )


@bp.get("/bulk/<int:run_id>/result.csv")
@needs(*EDITORS)
def bulk_file(run_id: int) -> Any:
    """What became of each row, to take away."""
    viewer = actor()
    run = queries.get_run(db.session(), run_id, viewer=viewer)
    kind = chosen_kind(run.kind)
    with fresh() as session:
        audit.begin(session, actor=viewer, action="list.export", subject=("bulk", run.id), count=run.total)
        commit(session)

    columns = [
        Column(gettext("编号")),
        Column(gettext("名称")),
        Column(gettext("结果")),
        Column(gettext("说明")),
    ]

    def pieces() -> Iterator[bytes]:
        def rows() -> Iterator[tuple[Any, ...]]:
            for chunk in queries.every_result(own, run, kind, viewer=viewer):
                about = queries.about(own, kind, [row.row_id for row in chunk], viewer=viewer)
                for row in chunk:
                    name = f"{row.name}（{about[row.row_id]}）" if about.get(row.row_id) else row.name
                    why = say(unpacked(row.message)) if row.message else ""
                    yield str(row.row_id), name, word(row.result) if row.result else "", why

        with fresh(write=False) as own:
            yield from csv_chunks(columns, rows())

    response = Response(stream_with_context(pieces()), mimetype="text/csv")
    return to_save(response, f"{gettext('批量修改结果')}-{today().isoformat()}.csv")
