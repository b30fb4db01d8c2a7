"""Pairs of firms that may be one, judged one after the other: merge, or not the same."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for

from crm.core import jobs, lists
from crm.core.clock import today
from crm.core.db import db
from crm.core.i18n import gettext, say
from crm.core.permissions import needs
from crm.core.transaction import commit
from crm.core.undo import undo
from crm.core.web import actor, back_to
from crm.core.words import Refused
from crm.firms import actions, queries
from crm.firms.rules.names import differences
from crm.firms.rules.reasons import message
from crm.firms.rules.words import Act
from crm.firms.views.blueprint import bp, toast


@bp.get("/firms/duplicates")
@needs("firm:merge")
def duplicates() -> Any:
    """A page of pairs, and the one to judge."""
    session, viewer = db.session(), actor()
    wanted = lists.asked(request.args, sorts=queries.PAIR_SORTS, filters=())
    page = queries.list_pairs(session, wanted, viewer=viewer)
    total, is_capped = queries.count_pairs(session, viewer=viewer)
    here = {key: value for key in ("after", "before") if (value := request.args.get(key))}
    raw = request.args.get("pair", "")
    asked = int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 16 else None
    ids = [row.id for row in page.rows]
    current = next((row for row in page.rows if row.id == asked), page.rows[0] if page.rows else None)
    place = ids.index(current.id) if current is not None else 0
    sides: list[Any] = []
    segments: Any = ([], [])
    if current is not None:
        sides = queries.both_sides(session, current.low_id, current.high_id)
        segments = differences(sides[0].name, sides[1].name)
    last = queries.last_search(session)
    return render_template(
        "firms/duplicates.html",
        page=page,
        total=total,
        is_capped=is_capped,
        here=here,
        current=current,
        sides=sides,
        segments=segments,
        reasons=[message(reason) for reason in current.reasons] if current is not None else [],
        message=message,
        previous_id=ids[place - 1] if place else None,
        next_id=ids[place + 1] if place + 1 < len(ids) else None,
        last=last,
    )


@bp.post("/firms/duplicates/<int:pair_id>/distinct")
@needs("firm:merge")
def distinct(pair_id: int) -> Any:
    """Not the same firm; then the next pair."""
    session, viewer = db.session(), actor()
    pair = queries.get_pair(session, pair_id, viewer=viewer)
    actions.distinguish(session, pair.low_id, pair.high_id, actor=viewer, today=today())
    envelope = commit()
    text = gettext("已记下：「%(one)s」和「%(other)s」不是同一家。", one=pair.low_name, other=pair.high_name)
    toast(text, undo=url_for("firms.undo_distinct", operation=envelope.operation if envelope else ""))
    raw = request.form.get("next", "")
    values = {key: value for key in ("after", "before") if (value := request.form.get(key))}
    following = {"pair": raw} if raw.isascii() and raw.isdigit() else {}
    return redirect(url_for("firms.duplicates", **values, **following), 303)  # type: ignore[arg-type]


@bp.post("/firms/duplicates/<string:operation>/undo")
@needs("firm:merge")
def undo_distinct(operation: str) -> Any:
    """Take one's own judgement back."""
    session = db.session()
    queries.own_operation(session, operation, actor=actor(), action=Act.DISTINGUISH)
    try:
        undo(session, operation, actor=actor())
        commit()
        flash(gettext("已撤销。"), "done")
    except Refused as refusal:
        session.rollback()
        flash(say(refusal), "error")
    return back_to("firms.duplicates")


@bp.post("/firms/duplicates/search")
@needs("firm:merge")
def search_duplicates() -> Any:
    """Look through the whole registry again, in the background."""
    job_id = jobs.enqueue(db.session(), queries.PAIRS_JOB, actor=actor(), full=True)
    commit()
    return back_to("ops.job", job_id=job_id)
