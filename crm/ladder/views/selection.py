"""A selection of firms, from the list of firms or of the ladder: tag them all, or start following them."""

from __future__ import annotations

from typing import Any, cast
from urllib.parse import parse_qsl

from flask import flash, render_template, request, url_for

from crm.core import audit
from crm.core.clock import today
from crm.core.db import db
from crm.core.i18n import gettext, say
from crm.core.permissions import needs
from crm.core.transaction import commit
from crm.core.undo import undo
from crm.core.web import actor, back_to
from crm.core.words import N_, Refused
from crm.firms import queries as registry
from crm.ladder import actions, queries
from crm.ladder.actions import Grant
from crm.ladder.forms import FollowForm, SelectionForm
from crm.ladder.rules.words import Act, ApplicationStep, RowResult
from crm.ladder.views.blueprint import bp

MOST = 2000


def chosen() -> list[tuple[int, str]]:
    """The firms ticked, or all the filter finds: (id, name). Raises `Refused` for none and for too many."""
    session, viewer = db.session(), actor()
    if request.form.get("all"):
        values = dict(parse_qsl(request.form.get("filter", "")[:4000]))
        if request.form.get("from") == "ladder" or request.args.get("from") == "ladder":
            ids = queries.all_ids(
                session, queries.wanted_of(values, today(), viewer), viewer=viewer, most=MOST
            )
        else:
            ids = registry.chosen_ids(session, registry.LIST.asked(values), viewer, MOST)
    else:
        raw = request.form.getlist("ids")[: MOST + 1]
        ids = [int(text) for text in raw if text.isascii() and text.isdigit() and len(text) < 16]
    if not ids:
        raise Refused(N_("请先选企业。"))
    if len(ids) > MOST:
        raise Refused(N_("一次最多 %(n)s 家，请缩小范围。"), n=MOST)
    return queries.names_of(session, ids, viewer=viewer)


@bp.post("/ladder/selection/certifications")
@needs("ladder:tag")
def tag_selection() -> Any:
    """First the form for the firms chosen, then, with `go`, the grants."""
    session, viewer, day = db.session(), actor(), today()
    firms = chosen()
    form = SelectionForm() if request.form.get("go") else SelectionForm(formdata=None)
    refused, items = None, []
    if request.form.get("go") and form.validate():
        values = form.values()
        numbers = {key: request.form.get(f"number-{key}", "").strip()[:80] or None for key, _name in firms}
        try:
            operation = audit.begin(
                session, actor=viewer, action=Act.GRANT, kind=values["kind"], firms=len(firms)
            )
            answers = actions.grant_many(
                session,
                [
                    Grant(key, values["kind"] or "", values["granted_on"], numbers[key], values["expires_on"],
                          document=values["document"])
                    for key, _name in firms
                ],
                actor=viewer,
                today=day,
            )  # fmt: skip
            bad = [
                (name, answer.refusal)
                for (_key, name), answer in zip(firms, answers, strict=True)
                if answer.refusal
            ]
            if bad:
                items = [f"{name}：{say(refusal)}" for name, refusal in bad[:20]]
                raise Refused(N_("%(n)s 家不能登记，一家都没有写入。"), n=len(bad))
            commit()
        except Refused as refusal:
            db.session.rollback()
            refused = form.refuse(refusal)
        else:
            done = sum(answer.result is not RowResult.SAME for answer in answers)
            text = gettext("已登记 %(n)s 家，此前已有 %(same)s 家。", n=done, same=len(answers) - done)
            undo_url = url_for("ladder.undo_selection", operation=operation.id)
            flash(cast(Any, {"text": text, "undo": undo_url}), "done")
            return back_to("ladder.index")
    page = render_template("ladder/selection_tag.html", form=form, firms=firms, refused=refused, items=items)
    return (page, 422) if refused or form.errors else page


@bp.post("/ladder/selection/applications")
@needs("ladder:tag")
def follow_selection() -> Any:
    session, viewer, day = db.session(), actor(), today()
    firms = chosen()
    form = FollowForm() if request.form.get("go") else FollowForm(formdata=None, on=day.isoformat())
    refused = None
    if request.form.get("go") and form.validate():
        values = form.values()
        try:
            operation = audit.begin(
                session, actor=viewer, action=Act.APPLICATION_OPEN, kind=values["kind"], firms=len(firms)
            )
            made = actions.open_many(
                session, [key for key, _name in firms], actor=viewer, today=day,
                **{**values, "kind": values["kind"] or "", "step": ApplicationStep(values["step"])},
            )  # fmt: skip
            commit()
        except Refused as refusal:
            db.session.rollback()
            refused = form.refuse(refusal)
        else:
            text = gettext(
                "已开始跟踪 %(n)s 家，此前在跟踪 %(same)s 家。", n=len(made), same=len(firms) - len(made)
            )
            undo_url = url_for("ladder.undo_selection", operation=operation.id)
            flash(cast(Any, {"text": text, "undo": undo_url}), "done")
            return back_to("ladder.index", show="candidates")
    page = render_template("ladder/selection_follow.html", form=form, firms=firms, refused=refused)
    return (page, 422) if refused or form.errors else page


@bp.post("/ladder/selection/undo")
@needs("ladder:tag")
def undo_selection() -> Any:
    """Take one's own last grants or applications back."""
    session, viewer = db.session(), actor()
    operation = request.args.get("operation", "")
    known = [Act.GRANT.value, Act.APPLICATION_OPEN.value]
    if not queries.own_operation(session, operation, known, viewer=viewer):
        raise Refused(N_("没有可以撤销的操作。"))
    undo(session, operation, actor=viewer)
    commit()
    flash(gettext("已撤销。"), "done")
    return back_to("ladder.index")
