"""The inbox: what waits for a person, why, and putting it away."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import current_app, flash, render_template, request, url_for
from werkzeug.exceptions import HTTPException
from werkzeug.routing import BuildError, RequestRedirect

from crm.activities import queries
from crm.activities.actions import inbox as actions
from crm.activities.rules.days import read_day
from crm.activities.rules.inbox import REASONS, SENTENCES
from crm.activities.views.blueprint import bp, toast
from crm.core.clock import now, today
from crm.core.db import db
from crm.core.i18n import gettext, say
from crm.core.permissions import signed_in
from crm.core.records import SUBJECTS
from crm.core.transaction import commit
from crm.core.web import actor, back_to, may_visit
from crm.core.words import Message, Refused


def sentence(item: Any) -> str:
    """What an item says; a code nobody knows any more is shown as it is."""
    text = SENTENCES.get(item.code)
    if text is None:
        return str(item.code)
    params = {key: Message(value) if key == "title" else value for key, value in item.params.items()}
    try:
        return say(Message(text, params))
    except (KeyError, TypeError, ValueError):
        return str(item.code)


def link(item: Any) -> str | None:
    """Where an item leads: what was typed, the step, the entry, what long work made, else the record."""
    if item.draft_id and (page := _form_page(str(item.params.get("form", "")))):
        return page
    if item.params.get("to"):
        if not may_visit(item.params["to"]):
            return None
        try:
            return url_for(item.params["to"], **item.params["values"])
        except BuildError:  # a page that has gone since
            return None
    if item.step_id:
        return url_for("activities.step", step_id=item.step_id)
    if item.activity_id:
        return url_for("activities.show", activity_id=item.activity_id)
    if item.params.get("job"):
        return url_for("ops.job", job_id=item.params["job"])
    kind = SUBJECTS.get(item.kind or "")
    if kind is None or kind.id_from != "id":
        return None
    return url_for(kind.endpoint, **{kind.id_name: item.subject_id})


def _form_page(path: str) -> str | None:
    """The page of a form that is sent to this path of the site, if it has one."""
    try:
        current_app.url_map.bind("").match(path, method="GET")
    except (HTTPException, RequestRedirect):
        return None
    return request.script_root + path


@bp.get("/inbox")
@signed_in
def inbox() -> Any:
    """What waits; with `show=later` what was put away until a day."""
    session, viewer = db.session(), actor()
    after = request.args.get("after", "")
    start = int(after) if after.isascii() and after.isdigit() and len(after) < 19 else None
    later = request.args.get("show") == "later"
    told, more = queries.list_inbox(session, viewer, today=today(), after=start, later=later)
    counts = {item: queries.count_inbox(session, viewer, today=today(), later=item) for item in (False, True)}
    show = "later" if later else None
    return render_template(
        "activities/inbox.html",
        told=told,
        later=later,
        counts=counts,
        reasons=REASONS,
        tomorrow=today() + dt.timedelta(1),
        monday=today() + dt.timedelta(7 - today().weekday()),
        next_url=url_for("activities.inbox", after=told[-1].item.id, show=show) if more else None,
    )


@bp.post("/inbox/<int:item_id>/dismiss")
@signed_in
def inbox_dismiss(item_id: int) -> Any:
    item = queries.get_item(db.session(), item_id, viewer=actor())
    actions.dismiss(db.session(), item, at=now())
    commit()
    toast(gettext("已处理。"), undo=url_for("activities.inbox_back", item_id=item_id))
    return back_to("activities.inbox")


@bp.post("/inbox/<int:item_id>/back")
@signed_in
def inbox_back(item_id: int) -> Any:
    actions.bring_back(db.session(), queries.get_item(db.session(), item_id, viewer=actor()))
    commit()
    return back_to("activities.inbox")


@bp.post("/inbox/<int:item_id>/snooze")
@signed_in
def inbox_snooze(item_id: int) -> Any:
    item = queries.get_item(db.session(), item_id, viewer=actor())
    try:
        until = read_day(request.form.get("until", ""), today())
        actions.snooze(db.session(), item, until=until, today=today())
        commit()
    except Refused as refusal:
        db.session.rollback()
        flash(say(refusal), "error")
        return back_to("activities.inbox")
    toast(
        gettext("%(day)s 再提醒。", day=until.isoformat() if until else ""),
        undo=url_for("activities.inbox_back", item_id=item_id),
    )
    return back_to("activities.inbox")


@bp.post("/inbox/dismiss")
@signed_in
def inbox_clear() -> Any:
    ids = [
        int(raw)
        for raw in request.form.getlist("ids")[:500]
        if raw.isascii() and raw.isdigit() and len(raw) < 19
    ]
    done = actions.dismiss_all(db.session(), ids, actor=actor(), at=now())
    commit()
    flash(gettext("已处理 %(n)s 条。", n=done), "done")
    return back_to("activities.inbox")


def box() -> dict[str, Any] | None:
    """The frame's inbox: its address and how many items wait; None for nobody. One statement a page."""
    viewer = actor()
    if viewer.user_id is None:
        return None
    count = queries.count_inbox(db.session(), viewer, today=today())
    return {"url": url_for("activities.inbox"), "count": count}
