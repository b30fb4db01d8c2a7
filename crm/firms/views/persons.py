"""Finding one person across the tables, giving him a copy, erasing him."""

from __future__ import annotations

import io
from typing import Any

from flask import flash, render_template, request

from crm.core.clock import now, today
from crm.core.db import db
from crm.core.downloads import download
from crm.core.i18n import gettext, say
from crm.core.permissions import Forbidden, needs
from crm.core.transaction import commit
from crm.core.web import actor, back_to
from crm.core.words import N_, Refused
from crm.firms import actions, sheets
from crm.firms.forms import PersonForm
from crm.firms.queries.persons import Person
from crm.firms.rules.contacts import Identity, identity
from crm.firms.rules.standing import mask_mail, mask_phone
from crm.firms.views.blueprint import bp


@bp.get("/contacts/person")
@needs("firm:edit")
def person() -> Any:
    return _page(PersonForm(), None)


def _page(
    form: PersonForm,
    found: Person | None,
    refused: str | None = None,
    erase_reason: str = "",
    status: int = 200,
) -> Any:
    return render_template(
        "firms/person.html", form=form, found=found, refused=refused, mask_phone=mask_phone, mask_mail=mask_mail,
        reason=erase_reason, batches=sorted({(row.batch_id, row.filename) for row in found.staged}) if found else [],
    ), status  # fmt: skip


@bp.post("/contacts/person")
@needs("firm:edit")
def person_find() -> Any:
    """By POST, so that no number or name stands in an address or a log."""
    return _find(PersonForm())


def _find(form: PersonForm, refused: str | None = None, reason: str = "") -> Any:
    if not form.validate():
        return _page(form, None, status=422)
    try:
        found = actions.search_person(db.session(), actor=actor(), at=now(), **form.typed)
        commit()
    except Refused as refusal:
        db.session.rollback()
        if isinstance(refusal, Forbidden):
            raise
        return _page(form, None, form.refuse(refusal), status=422)
    return _page(form, found, refused, reason, 422 if refused else 200)


def _chosen(form: PersonForm) -> Person:
    """The person the form means: the ticked contacts, or the number and address typed. Raises `Refused`."""
    raw = request.form.getlist("ids")[:200]
    ids = [int(text) for text in raw if text.isascii() and text.isdigit() and len(text) < 16]
    typed = form.typed
    who = identity([typed["name"]], [typed["phone"]], [typed["mail"]])
    if ids:  # what was ticked says who it is; a number beside it would only be a guess
        who = Identity()
    else:
        actions.search_person(db.session(), actor=actor(), at=now(), **typed)
        commit()  # counted by itself: nobody tries numbers out
    return actions.chosen(db.session(), ids, typed=who, actor=actor())


@bp.post("/contacts/person/export")
@needs("firm:edit")
def person_export() -> Any:
    """A copy of what is kept about a person, to hand over."""
    form, session = PersonForm(), db.session()
    if not form.validate():
        return _page(form, None, status=422)
    try:
        found = _chosen(form)
        places = actions.export_person(session, found, actor=actor(), reason=request.form.get("reason"))
        target = io.BytesIO()
        sheets.person_xlsx(target, found, places, say)
        commit()
    except Refused as refusal:
        session.rollback()
        if isinstance(refusal, Forbidden):
            raise
        return _find(form, say(refusal))
    name = gettext("个人信息副本")
    return download(target.getvalue(), f"{name}-{today().isoformat()}.xlsx")


@bp.post("/contacts/person/erase")
@needs("firm:edit")
def person_erase() -> Any:
    """Erase a person, for good."""
    form, session = PersonForm(), db.session()
    if not form.validate():
        return _page(form, None, status=422)
    try:
        if request.form.get("sure") != "yes":
            raise Refused(N_("抹去不能撤销：请先勾选「已核对」。"))
        found = _chosen(form)
        done = actions.erase_person(session, found, actor=actor(), reason=request.form.get("reason"))
        commit()
    except Refused as refusal:
        session.rollback()
        if isinstance(refusal, Forbidden):
            raise
        return _find(form, say(refusal), request.form.get("reason", "")[:200])
    text = gettext(
        "已抹去：联系人 %(contacts)s 条、日志里的内容 %(logged)s 处、导入行 %(staged)s 行。",
        contacts=done.contacts, logged=done.logged, staged=done.staged,
    )  # fmt: skip
    flash(text, "done")
    if done.left:
        text = gettext(
            "还有 %(n)s 家企业的记录不在您的范围，请由其同事抹去：%(names)s",
            n=len(done.left),
            names=gettext("、").join(done.left[:5]),
        )
        flash(text, "error")
    return back_to("firms.person")
