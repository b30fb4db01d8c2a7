"""Entering a firm, with its look-alikes while one types; renaming, moving, archiving."""

from __future__ import annotations

from typing import Any

from flask import flash, render_template, request, url_for
from werkzeug.datastructures import MultiDict

from crm.core.clock import today
from crm.core.db import db
from crm.core.i18n import gettext
from crm.core.permissions import needs
from crm.core.transaction import commit
from crm.core.web import actor, back_to
from crm.core.words import Refused
from crm.firms import actions, queries
from crm.firms.actions import Duplicate
from crm.firms.forms import FirmForm, MoveForm, ReasonForm, RenameForm
from crm.firms.models import Firm
from crm.firms.rules.standing import rename_report_due
from crm.firms.rules.words import FirmStatus, LeadingIndustry
from crm.firms.views.blueprint import bp, toast
from crm.firms.views.record import offer


@bp.get("/firms/new")
@needs("firm:edit")
def create() -> Any:
    viewer = actor()
    start = {"leading_industry": LeadingIndustry.OTHER.value, "name": request.args.get("name", "")[:200]}
    own = [key for key, _ in queries.streets(db.session()) if key in viewer.unit_ids]
    if len(own) == 1:
        start["street"] = str(own[0])
    return render_template(
        "firms/new.html", form=offer(FirmForm(MultiDict(start))), duplicate=None, refused=None
    )


@bp.post("/firms/new")
@needs("firm:edit")
def add() -> Any:
    form = offer(FirmForm())
    refused, duplicate = None, None
    if form.validate():
        try:
            firm = actions.register(
                db.session(),
                actor=actor(),
                today=today(),
                name=form.name.value,
                former_names=form.former_names.value,
                **form.facts,
            )
            commit()
            flash(gettext("已登记「%(name)s」。", name=firm.name), "done")
            return back_to("firms.show", firm_id=firm.id)
        except Duplicate as found:
            db.session.rollback()
            refused, duplicate = form.refuse(found), found
        except Refused as refusal:
            db.session.rollback()
            refused = form.refuse(refusal)
    return render_template("firms/new.html", form=form, duplicate=duplicate, refused=refused), 422


@bp.get("/firms/look-alikes")
@needs("firm:read")
def look_alikes() -> Any:
    """Firms that may be the one being typed: a part of the form."""
    name = request.args.get("name", "").replace("\x00", "")[:200]
    code = request.args.get("code", "").replace("\x00", "")[:40]
    raw = request.args.get("but", "")
    but = int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 16 else None
    found = queries.near(db.session(), name=name, code=code, viewer=actor(), but=but)
    return render_template("firms/_alike.html", found=found, but=but)


def _firm(firm_id: int) -> Firm:
    return queries.get_firm(db.session(), firm_id, viewer=actor())


@bp.get("/firms/<int:firm_id>/rename")
@needs("firm:edit")
def rename(firm_id: int) -> Any:
    firm = _firm(firm_id)
    form = RenameForm(MultiDict({"version": str(firm.version), "on": today().isoformat()}))
    return render_template("firms/rename.html", firm=firm, form=form, refused=None, duplicate=None)


@bp.post("/firms/<int:firm_id>/rename")
@needs("firm:edit")
def rename_save(firm_id: int) -> Any:
    firm, form, refused, duplicate = _firm(firm_id), RenameForm(), None, None
    actions.check_editor(db.session(), firm, actor=actor())
    if form.validate():
        try:
            actions.rename(
                db.session(), firm, actor=actor(), today=today(), name=form.name.value, on=form.on.value,
                version=form.version_seen,
            )  # fmt: skip
            commit()
            due = rename_report_due(form.on.value)
            flash(
                gettext(
                    "已更名为「%(name)s」。高企更名须在 %(due)s 前报告。", name=firm.name, due=due.isoformat()
                ),
                "done",
            )
            return back_to("firms.show", firm_id=firm_id)
        except Refused as refusal:
            db.session.rollback()
            duplicate = refusal if isinstance(refusal, Duplicate) else None
            refused, firm = form.refuse(refusal), _firm(firm_id)
    page = render_template("firms/rename.html", firm=firm, form=form, refused=refused, duplicate=duplicate)
    return page, form.http_status


@bp.get("/firms/<int:firm_id>/move")
@needs("firm:edit")
def move(firm_id: int) -> Any:
    firm = _firm(firm_id)
    form = MoveForm(MultiDict({"version": str(firm.version), "on": today().isoformat()}))
    return render_template("firms/move.html", firm=firm, form=form, refused=None, moves=_moves(firm_id))


def _moves(firm_id: int) -> Any:
    return queries.moves_of(db.session(), firm_id)


@bp.post("/firms/<int:firm_id>/move")
@needs("firm:edit")
def move_save(firm_id: int) -> Any:
    firm, form, refused = _firm(firm_id), MoveForm(), None
    actions.check_editor(db.session(), firm, actor=actor())
    if form.validate():
        try:
            actions.move(
                db.session(), firm, actor=actor(), today=today(), status=FirmStatus(form.status.value or ""),
                on=form.on.value, reason=form.reason.value, version=form.version_seen,
            )  # fmt: skip
            commit()
            flash(gettext("已记下「%(name)s」的状态变更。", name=firm.name), "done")
            return back_to("firms.show", firm_id=firm_id)
        except Refused as refusal:
            db.session.rollback()
            refused, firm = form.refuse(refusal), _firm(firm_id)
    page = render_template("firms/move.html", firm=firm, form=form, refused=refused, moves=_moves(firm_id))
    return page, form.http_status


@bp.get("/firms/<int:firm_id>/archive")
@needs("firm:edit")
def archive(firm_id: int) -> Any:
    firm = _firm(firm_id)
    form = ReasonForm(MultiDict({"version": str(firm.version)}))
    return render_template("firms/archive.html", firm=firm, form=form, refused=None)


@bp.post("/firms/<int:firm_id>/archive")
@needs("firm:edit")
def archive_save(firm_id: int) -> Any:
    firm, form, refused = _firm(firm_id), ReasonForm(), None
    actions.check_editor(db.session(), firm, actor=actor())
    if form.validate():
        try:
            actions.archive(
                db.session(), firm, actor=actor(), today=today(), reason=form.reason.value,
                version=form.version_seen,
            )  # fmt: skip
            commit()
            toast(
                gettext("已归档「%(name)s」。", name=firm.name),
                undo=url_for("firms.restore", firm_id=firm_id),
            )
            return back_to("firms.show", firm_id=firm_id)
        except Refused as refusal:
            db.session.rollback()
            refused, firm = form.refuse(refusal), _firm(firm_id)
    return render_template("firms/archive.html", firm=firm, form=form, refused=refused), form.http_status


@bp.post("/firms/<int:firm_id>/restore")
@needs("firm:edit")
def restore(firm_id: int) -> Any:
    firm = _firm(firm_id)
    actions.restore(db.session(), firm, actor=actor())
    commit()
    flash(gettext("已恢复「%(name)s」。", name=firm.name), "done")
    return back_to("firms.show", firm_id=firm_id)
