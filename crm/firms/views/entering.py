"""Entering a firm, with its look-alikes while one types; renaming, moving, archiving."""

from __future__ import annotations

from typing import Any

from flask import flash, render_template, request, url_for
from werkzeug.datastructures import MultiDict

from crm.core.clock import today
from crm.core.conflicts import Texts
from crm.core.db import db
from crm.core.forms import VersionedForm
from crm.core.i18n import gettext
from crm.core.permissions import needs
from crm.core.saving import Over, save
from crm.core.web import actor, back_to
from crm.core.words import Refused
from crm.firms import actions, queries
from crm.firms.actions import Duplicate
from crm.firms.forms import FirmForm, MoveForm, ReasonForm, RenameForm
from crm.firms.models import Firm
from crm.firms.rules.standing import rename_report_due
from crm.firms.rules.words import FirmStatus, LeadingIndustry
from crm.firms.views.blueprint import bp, toast
from crm.firms.views.record import keeping, offer, page


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
    made: list[Firm] = []
    duplicate: list[Duplicate] = []

    def write() -> None:
        made.append(
            actions.register(
                db.session(), actor=actor(), today=today(), name=form.name.value,
                former_names=form.former_names.value, **form.facts,
            )
        )  # fmt: skip

    def done() -> Any:
        flash(gettext("已登记「%(name)s」。", name=made[0].name), "done")
        return back_to("firms.show", firm_id=made[0].id)

    def refused(refusal: Refused) -> None:
        duplicate[:] = [refusal] if isinstance(refusal, Duplicate) else []

    def again(sentence: str | None) -> str:
        found = duplicate[0] if duplicate else None
        return render_template("firms/new.html", form=form, duplicate=found, refused=sentence)

    return save(form, write, done=done, again=again, refused=refused)


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


def _over(firm_id: int, title: str, texts: Texts) -> tuple[Firm, Over]:
    """The firm, which the actor may edit, and what a form over it needs. Raises before anything typed is read."""
    over = Over(lambda: _firm(firm_id), texts, title=title, back=url_for("firms.show", firm_id=firm_id))
    actions.check_editor(db.session(), over.row, actor=actor())
    return over.row, over


@bp.get("/firms/<int:firm_id>/rename")
@needs("firm:edit")
def rename(firm_id: int) -> Any:
    firm = _firm(firm_id)
    form = RenameForm(MultiDict({"version": str(firm.version), "on": today().isoformat()}))
    return render_template("firms/rename.html", firm=firm, form=form, refused=None, duplicate=None)


@bp.post("/firms/<int:firm_id>/rename")
@needs("firm:edit")
def rename_save(firm_id: int) -> Any:
    firm, over = _over(firm_id, gettext("企业更名"), lambda firm: {"name": firm.name})
    form = over.form(RenameForm)
    found: list[Duplicate] = []

    def write() -> None:
        with keeping(found):
            actions.rename(
                db.session(), firm, actor=actor(), today=today(), name=form.name.value, on=form.on.value,
                version=form.version_seen,
            )  # fmt: skip

    def done() -> Any:
        due = rename_report_due(form.on.value).isoformat()
        text = gettext("已更名为「%(name)s」。高企更名须在 %(due)s 前报告。", name=firm.name, due=due)
        flash(text, "done")
        return back_to("firms.show", firm_id=firm_id)

    def again(refused: str | None) -> str:
        duplicate = found[-1] if found else None
        return render_template(
            "firms/rename.html", firm=_firm(firm_id), form=form, refused=refused, duplicate=duplicate
        )

    return save(form, write, done=done, again=again, over=over)


@bp.get("/firms/<int:firm_id>/move")
@needs("firm:edit")
def move(firm_id: int) -> Any:
    firm = _firm(firm_id)
    form = MoveForm(MultiDict({"version": str(firm.version), "on": today().isoformat()}))
    return render_template("firms/move.html", firm=firm, form=form, refused=None, moves=_moves(firm_id))


def _moves(firm_id: int) -> Any:
    return queries.moves_of(db.session(), firm_id)


def _standing(firm: Firm) -> dict[str, str]:
    """The status of a firm as the form of a move shows it."""
    return {
        "status": firm.status.value,
        "on": firm.status_on.isoformat() if firm.status_on else "",
        "reason": firm.status_reason or "",
    }


@bp.post("/firms/<int:firm_id>/move")
@needs("firm:edit")
def move_save(firm_id: int) -> Any:
    firm, over = _over(firm_id, gettext("变更企业状态"), _standing)
    form = over.form(MoveForm)

    def write() -> None:
        actions.move(
            db.session(), firm, actor=actor(), today=today(), status=FirmStatus(form.status.value or ""),
            on=form.on.value, reason=form.reason.value, version=form.version_seen,
        )  # fmt: skip

    def done() -> Any:
        flash(gettext("已记下「%(name)s」的状态变更。", name=firm.name), "done")
        return back_to("firms.show", firm_id=firm_id)

    def again(refused: str | None) -> str:
        return render_template(
            "firms/move.html", firm=_firm(firm_id), form=form, refused=refused, moves=_moves(firm_id)
        )

    return save(form, write, done=done, again=again, over=over)


@bp.get("/firms/<int:firm_id>/archive")
@needs("firm:edit")
def archive(firm_id: int) -> Any:
    firm = _firm(firm_id)
    form = ReasonForm(MultiDict({"version": str(firm.version)}))
    return render_template("firms/archive.html", firm=firm, form=form, refused=None)


@bp.post("/firms/<int:firm_id>/archive")
@needs("firm:edit")
def archive_save(firm_id: int) -> Any:
    firm, over = _over(firm_id, gettext("归档企业"), lambda firm: {"reason": firm.archive_reason or ""})
    form = over.form(ReasonForm)

    def write() -> None:
        actions.archive(
            db.session(), firm, actor=actor(), today=today(), reason=form.reason.value,
            version=form.version_seen,
        )  # fmt: skip

    def done() -> Any:
        undo = url_for("firms.restore", firm_id=firm_id, version=firm.version)
        toast(gettext("已归档「%(name)s」。", name=firm.name), undo=undo)
        return back_to("firms.show", firm_id=firm_id)

    def again(refused: str | None) -> str:
        return render_template("firms/archive.html", firm=_firm(firm_id), form=form, refused=refused)

    return save(form, write, done=done, again=again, over=over)


@bp.post("/firms/<int:firm_id>/restore")
@needs("firm:edit")
def restore(firm_id: int) -> Any:
    """Out of the archive again. The version comes with the button, or in the address of the toast's undo."""
    firm, over = _over(firm_id, gettext("恢复企业"), lambda firm: {})
    form = over.form(VersionedForm)
    if not form.version_seen and (told := request.args.get("version")):
        form = VersionedForm(MultiDict({"version": told}))

    def write() -> None:
        actions.restore(db.session(), firm, actor=actor(), version=form.version_seen)

    def done() -> Any:
        flash(gettext("已恢复「%(name)s」。", name=firm.name), "done")
        return back_to("firms.show", firm_id=firm_id)

    def again(refused: str | None) -> Any:
        flash(refused or "", "error")
        return page(firm_id)

    return save(form, write, done=done, again=again, over=over)
