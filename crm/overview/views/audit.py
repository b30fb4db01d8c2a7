"""The audit trail, for the auditor: list, one envelope with what it changed, verification, export."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Response, current_app, render_template, request, stream_with_context, url_for

from crm.core import audit, lists
from crm.core.audit import AuditEnvelope
from crm.core.audit_verify import anchor_file, read_anchors, verify
from crm.core.clock import today
from crm.core.db import db
from crm.core.downloads import to_save
from crm.core.i18n import gettext, say
from crm.core.lists.showing import list_page
from crm.core.permissions import needs
from crm.core.sheets.writing import Column, ColumnKind, csv_chunks
from crm.core.transaction import commit, fresh
from crm.core.web import actor, origin
from crm.overview import queries
from crm.overview.rules import Verb, told
from crm.overview.views.blueprint import bp


def sentence(row: Any) -> str:
    """What an envelope says, in the reader's language; an action without a sentence is shown as its code."""
    return say(told(row.action, row.params))


@bp.get("/audit")
@needs("audit:read")
def audit_log() -> Any:
    wanted = queries.LIST.asked(request.args)
    filters: dict[str, Any] = dict(wanted.conditions)
    return list_page(
        queries.LIST,
        "overview/audit.html",
        sentence=sentence,
        export_url=url_for("overview.audit_export", **filters),
    )


@bp.get("/audit/<int:seq>")
@needs("audit:read")
def audit_show(seq: int) -> Any:
    envelope = queries.get_envelope(db.session(), seq, viewer=actor())
    after = request.args.get("after", "")
    start = int(after) if after.isascii() and after.isdigit() and len(after) < 10 else -1
    changes, more = queries.changes(db.session(), envelope, after=start)
    return render_template(
        "overview/audit_envelope.html",
        envelope=envelope,
        changes=changes,
        more=more,
        sentence=sentence(envelope),
        subject=say(queries.subject_of(envelope)) if envelope.subject_kind else "",
        verbs={item.value: item for item in Verb},
    )


@bp.post("/audit/verify")
@needs("audit:read")
def audit_verify() -> Any:
    """Walk the chain now, against the anchors kept beside the database too; the walk itself goes into the log."""
    viewer, chosen = actor(), current_app.config["TIDUI"]
    db.session.rollback()  # the walk holds nobody up
    anchors = read_anchors(anchor_file(chosen.data, chosen.database_url))
    with fresh(write=False) as session:
        report = verify(session, anchors)
    audit.begin(
        db.session(), actor=viewer, action="audit.verify", is_success=report.is_whole, links=report.links
    )
    commit()
    return render_template("overview/audit_verify.html", report=report)


@bp.get("/audit/export.csv")
@needs("export:log")
def audit_export() -> Any:
    """The log under the same filter as the page, as CSV. Leaves a row in the log."""
    database, viewer = db.session(), actor()
    wanted = lists.asked(request.args, sorts=queries.SORTS, filters=queries.FILTERS)
    clauses, understood = lists.conditions(database, wanted, queries.FILTERS, viewer)
    total, _capped = lists.count(
        database,
        queries.list_envelopes(viewer).where(*clauses).with_only_columns(AuditEnvelope.seq),
        cap=10**9,
    )
    with fresh(origin=origin()) as session:
        audit.begin(session, actor=viewer, action="audit.export", n=total, filter=understood)
        commit(session)
    columns = [
        Column(gettext("序号"), ColumnKind.INTEGER),
        Column(gettext("时间"), ColumnKind.MOMENT),
        Column(gettext("谁")),
        Column(gettext("操作代码")),
        Column(gettext("操作")),
        Column(gettext("对象")),
        Column(gettext("对象编号")),
        Column(gettext("成功")),
        Column(gettext("地址")),
        Column(gettext("请求编号")),
        Column(gettext("改动行数"), ColumnKind.INTEGER),
        Column(gettext("哈希")),
    ]

    def pieces() -> Iterator[bytes]:
        # a session of its own: the request's is gone by the time the answer is sent
        with fresh(write=False) as own:
            rows = queries.export_rows(own, clauses, viewer=viewer, sentence=sentence)
            yield from csv_chunks(columns, rows)

    response = Response(stream_with_context(pieces()), mimetype="text/csv")
    return to_save(response, f"audit-{today().isoformat()}.csv")
