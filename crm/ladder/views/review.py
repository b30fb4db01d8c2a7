"""Published lists on screen: review row by row, write, result, undo."""

from __future__ import annotations

import io
from typing import Any, cast

from flask import flash, render_template, request, url_for

from crm.core import audit, jobs
from crm.core.clock import today
from crm.core.db import db
from crm.core.downloads import download
from crm.core.i18n import gettext, say, word
from crm.core.permissions import needs
from crm.core.sheets import write_xlsx
from crm.core.transaction import commit
from crm.core.undo import can_undo
from crm.core.web import actor, back_to
from crm.core.words import N_, Refused
from crm.firms.queries import search
from crm.firms.rules.names import Segment, differences
from crm.firms.rules.words import BatchState, FirmStatus
from crm.ladder import queries
from crm.ladder.actions import tagging
from crm.ladder.models import TagBatch, TagRow
from crm.ladder.rules.fields import read_day
from crm.ladder.rules.kinds import KINDS
from crm.ladder.rules.tagging import AUTOMATIC, INLINE_ROWS, preselected
from crm.ladder.rules.words import Act, TagDecision, TagOutcome
from crm.ladder.sheets import left_over
from crm.ladder.views.blueprint import bp, kind_name, stored
from crm.ladder.views.tags import batch_of, steps

# the matcher's reasons that speak for a candidate; the others only tell how it differs
SPEAKS_FOR = ("字号相同", "字号同音", "字号用字相同", "与曾用名")


@bp.get("/ladder/tags/<int:batch_id>")
@needs("ladder:tag")
def tag_review(batch_id: int) -> Any:
    """What has to be decided, one row at a time; what came of it once it is written."""
    batch = batch_of(batch_id)
    if batch.state is BatchState.PARSING:
        return render_template("ladder/tag_waiting.html", batch=batch, steps=steps())
    if batch.state is not BatchState.READY:
        return _result(batch)
    session, viewer = db.session(), actor()
    counts, by = queries.counts_of_batch(session, batch.id)
    doubtful = queries.queue(session, batch.id, TagOutcome.DOUBTFUL)
    unmatched = queries.queue(session, batch.id, TagOutcome.UNMATCHED)
    raw = request.args.get("row", "")
    asked = int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 10 else None
    waiting = [row.row_no for row in (*doubtful, *unmatched)]
    current = queries.get_row(session, batch.id, asked) if asked else None
    if current is None and waiting:
        current = queries.get_row(session, batch.id, waiting[0])
    context = _decision(batch, current, waiting) if current is not None else {"current": None}
    return render_template(
        "ladder/tag_review.html", batch=batch, counts=counts, by_how=by, doubtful=doubtful, unmatched=unmatched,
        kinds=KINDS, automatic=AUTOMATIC, steps=steps(), decided=queries.decided(session, batch.id)[:20],
        expires_on=KINDS[batch.kind].expires(batch.granted_on) if batch.granted_on else None,
        may_search=viewer.may("firm:read"), **context,
    )  # fmt: skip


def _decision(batch: TagBatch, row: TagRow, waiting: list[int]) -> dict[str, Any]:
    """The row to decide: its candidates with what tells them apart, and its neighbours in the queue."""
    session, viewer = db.session(), actor()
    text = request.args.get("q", "").replace("\x00", "").strip()[:60]
    candidates = [dict(item) for item in row.candidates]
    known = {item["id"] for item in candidates}
    if row.firm_id is not None and row.firm_id not in known:
        candidates.append({"id": row.firm_id, "name": "", "score": None, "reasons": []})
    if text:
        found = search(session, text, viewer, limit=5)
        candidates += [
            {"id": item.id, "name": item.name, "score": None, "reasons": []}
            for item in found
            if item.id not in known
        ]
    shown = queries.shown(session, [item["id"] for item in candidates], batch.kind, today(), viewer=viewer)
    offered: list[dict[str, Any]] = []
    for item in candidates:
        firm = shown.get(item["id"])
        if firm is None:
            continue
        _left, right = differences(row.name, firm.name)
        offered.append(
            {
                "firm": firm,
                "score": item["score"],
                "segments": right,
                "reasons": _reasons(batch, row, firm, item),
            }
        )
    name = differences(row.name, offered[0]["firm"].name)[0] if offered else [Segment(row.name, True)]
    place = waiting.index(row.row_no) if row.row_no in waiting else None
    chosen = row.firm_id or (preselected(row.candidates) if row.decision is None else None)
    return {
        "current": row,
        "offered": offered,
        "name_segments": name,
        "chosen": chosen,
        "text": text,
        "place": place,
        "waiting": len(waiting),
        "previous_row": waiting[place - 1] if place else None,
        "next_row": waiting[place + 1] if place is not None and place + 1 < len(waiting) else None,
    }


def _reasons(
    batch: TagBatch, row: TagRow, firm: queries.Shown, item: dict[str, Any]
) -> list[tuple[str, str]]:
    """Why a candidate may be meant, and why not: (icon, sentence)."""
    found = [
        ("check" if reason["text"].startswith(SPEAKS_FOR) else "circle-dashed", stored(reason))
        for reason in item["reasons"]
    ]
    if firm.status in (FirmStatus.CLOSED, FirmStatus.MOVED_OUT):
        found.append(("x", gettext("已%(status)s", status=word(firm.status))))
    if firm.is_applying:
        found.append(("check", gettext("正在跟踪%(kind)s申报", kind=kind_name(batch.kind))))
    if row.code and firm.code:
        same = row.code == firm.code
        found.append(("check" if same else "x", gettext("信用代码一致") if same else gettext("信用代码不同")))
    else:
        found.append(("circle-dashed", gettext("信用代码无法比对")))
    return found


@bp.post("/ladder/tags/<int:batch_id>/rows/<int:row_no>")
@needs("ladder:tag")
def tag_decide(batch_id: int, row_no: int) -> Any:
    """Accept a candidate, a new firm, skip or return; then the next row."""
    batch, session, viewer = batch_of(batch_id), db.session(), actor()
    row = queries.get_row(session, batch.id, row_no)
    choice, do = request.form.get("choice", ""), request.form.get("do", "")
    firm_id = int(choice) if choice.isascii() and choice.isdigit() and len(choice) < 16 else None
    try:
        if do == "reset":
            tagging.take_back(session, batch, actor=viewer, row=row)
            commit()
            return back_to("ladder.tag_review", batch_id=batch.id, row=row_no)
        decision = {"skip": TagDecision.SKIPPED, "return": TagDecision.RETURNED}.get(do)
        if decision is None:
            decision = TagDecision.NEW_FIRM if choice == "new" or do == "new" else TagDecision.ACCEPTED
        tagging.decide(session, batch, row, decision=decision, actor=viewer, firm_id=firm_id)
        commit()
    except Refused as refusal:
        db.session.rollback()
        flash(say(refusal), "error")
        return back_to("ladder.tag_review", batch_id=batch_id, row=row_no)
    return back_to("ladder.tag_review", batch_id=batch.id, row=_next(batch.id, row_no))


def _next(batch_id: int, row_no: int) -> int | None:
    """The next row that waits: doubtful ones first, from here on, then from the top."""
    session = db.session()
    for outcome in (TagOutcome.DOUBTFUL, TagOutcome.UNMATCHED):
        waiting = [int(row.row_no) for row in queries.queue(session, batch_id, outcome)]
        if waiting:
            return next((number for number in waiting if number > row_no), waiting[0])
    return None


@bp.post("/ladder/tags/<int:batch_id>/back")
@needs("ladder:tag")
def tag_back(batch_id: int) -> Any:
    """Undo one's own last decision."""
    batch, session = batch_of(batch_id), db.session()
    row = tagging.take_back(session, batch, actor=actor())
    commit()
    if row is None:
        flash(gettext("没有可以撤销的核对。"), "info")
        return back_to("ladder.tag_review", batch_id=batch.id)
    return back_to("ladder.tag_review", batch_id=batch.id, row=row.row_no)


@bp.post("/ladder/tags/<int:batch_id>/unmatched")
@needs("ladder:tag")
def tag_unmatched(batch_id: int) -> Any:
    """All unmatched rows at once: new firms, or back to the sender."""
    batch, session = batch_of(batch_id), db.session()
    decision = TagDecision.NEW_FIRM if request.form.get("do") == "new" else TagDecision.RETURNED
    number = tagging.decide_all(
        session, batch, outcome=TagOutcome.UNMATCHED, decision=decision, actor=actor()
    )
    commit()
    flash(gettext("%(n)s 行：%(decision)s。", n=number, decision=word(decision)), "done")
    return back_to("ladder.tag_review", batch_id=batch.id)


@bp.get("/ladder/tags/<int:batch_id>/rows")
@needs("ladder:tag")
def tag_rows(batch_id: int) -> Any:
    """All rows of a list, to look through; any of them can be opened and decided otherwise."""
    batch, session = batch_of(batch_id), db.session()
    known = {member.value: member for member in TagOutcome}
    outcome = known.get(request.args.get("outcome", ""))
    raw = request.args.get("after", "")
    after = int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 10 else 0
    rows = queries.rows_of(session, batch.id, outcome=outcome, after=after, size=101)
    return render_template(
        "ladder/tag_rows.html", batch=batch, rows=rows[:100], outcome=outcome, outcomes=list(TagOutcome),
        after=rows[99][0].row_no if len(rows) > 100 else None, has_previous=after > 0,
        is_open=batch.state is BatchState.READY,
    )  # fmt: skip


@bp.get("/ladder/tags/<int:batch_id>/write")
@needs("ladder:tag")
def tag_preview(batch_id: int) -> Any:
    return _preview(batch_of(batch_id), None)


def _preview(batch: TagBatch, refused: str | None) -> Any:
    if batch.state is not BatchState.READY:
        return back_to("ladder.tag_review", batch_id=batch.id)
    session = db.session()
    counts, _by = queries.counts_of_batch(session, batch.id)
    missing = queries.without_day(session, batch.id) if batch.granted_on is None else 0
    plan = None if missing else tagging.preview(session, batch, today=today())
    page = render_template(
        "ladder/tag_write.html",
        batch=batch,
        counts=counts,
        plan=plan,
        missing=missing,
        refused=refused,
        steps=steps(),
    )
    return (page, 422) if refused else page


@bp.post("/ladder/tags/<int:batch_id>/write")
@needs("ladder:tag")
def tag_write(batch_id: int) -> Any:
    """Write the batch in one transaction (a long one in the background)."""
    batch, session, viewer, day = batch_of(batch_id), db.session(), actor(), today()
    try:
        if request.form.get("granted_on"):
            tagging.set_dates(
                session, batch, granted_on=read_day(request.form["granted_on"]), actor=viewer, today=day
            )
            commit()
            if request.form.get("do") == "day":
                return back_to("ladder.tag_preview", batch_id=batch.id)
        counts, _by = queries.counts_of_batch(session, batch.id)
        if counts["write"] > INLINE_ROWS:
            audit.begin(session, actor=viewer, action=Act.TAG_WRITE, subject=("tag_batch", batch.id))
            job_id = jobs.enqueue(session, "ladder.tag-write", actor=viewer, batch_id=batch.id)
            commit()
            return back_to("ops.job", job_id=job_id)
        plan = tagging.write(session, batch, actor=viewer, today=day)
        commit()
    except Refused as refusal:
        db.session.rollback()
        return _preview(batch_of(batch_id), say(refusal))
    text = gettext("已登记 %(n)s 家，阶段已重新推出。", n=plan.granted + plan.renewed)
    flash(cast(Any, {"text": text, "undo": url_for("ladder.tag_undo", batch_id=batch.id)}), "done")
    return back_to("ladder.tag_review", batch_id=batch.id)


def _result(batch: TagBatch) -> Any:
    session = db.session()
    counts, by = queries.counts_of_batch(session, batch.id)
    blocked = (
        can_undo(session, batch.operation) if batch.state is BatchState.DONE and batch.operation else None
    )
    rows = queries.left_over(session, batch.id)
    return render_template(
        "ladder/tag_result.html", batch=batch, counts=counts, by_how=by, blocked=blocked, rows=rows[:200],
        left=len(rows), steps=steps(),
    )  # fmt: skip


@bp.post("/ladder/tags/<int:batch_id>/undo")
@needs("ladder:tag")
def tag_undo(batch_id: int) -> Any:
    """Take back the whole batch."""
    batch, session = batch_of(batch_id), db.session()
    try:
        tagging.undo_batch(session, batch, actor=actor())
        commit()
    except Refused as refusal:
        db.session.rollback()
        flash(" ".join([say(refusal), *(say(item) for item in refusal.items[:3])]), "error")
    else:
        flash(gettext("整批已撤销，阶段已重新推出。"), "done")
    return back_to("ladder.tag_review", batch_id=batch_id)


@bp.post("/ladder/tags/<int:batch_id>/drop")
@needs("ladder:tag")
def tag_drop(batch_id: int) -> Any:
    batch, session = batch_of(batch_id), db.session()
    tagging.drop_batch(session, batch, actor=actor())
    commit()
    flash(gettext("名单已放弃，没有写入任何内容。"), "done")
    return back_to("ladder.tags")


@bp.post("/ladder/tags/<int:batch_id>/file")
@needs("ladder:tag")
def tag_file(batch_id: int) -> Any:
    """The rows that were not written, as a workbook with the reasons and the nearest firm."""
    batch, session = batch_of(batch_id), db.session()
    rows = []
    for row in queries.left_over(session, batch.id):
        best = row.candidates[0] if row.candidates else None
        near = f"{best['name']} ({best['score']})" if best else None
        what = word(row.decision) if row.decision else word(row.outcome)
        why = gettext("；").join(stored(reason) for reason in row.reasons)
        rows.append((row.row_no, row.name, row.number, row.granted_on, row.code, what, why, near))
    headings = [
        gettext(text)
        for text in (
            N_("行号"), N_("企业名称"), N_("证书编号"), N_("发证日期"), N_("统一社会信用代码"), N_("情况"), N_("原因"),
            N_("最接近的企业"),
        )
    ]  # fmt: skip
    file = io.BytesIO()
    write_xlsx(file, [left_over(rows, headings)])
    audit.begin(session, actor=actor(), action=Act.TAG_FILE, subject=("tag_batch", batch.id), count=len(rows))
    commit()
    label = gettext("未写入的行")
    return download(file.getvalue(), f"{label}-{batch.id}.xlsx")
