"""Former and other names of a firm, and its contacts."""

from __future__ import annotations

from typing import Any

from flask import flash, render_template, request, url_for
from werkzeug.datastructures import MultiDict

from crm.core.clock import now
from crm.core.db import db
from crm.core.i18n import gettext, say
from crm.core.permissions import needs
from crm.core.saving import Over, save
from crm.core.transaction import commit
from crm.core.web import actor, back_to
from crm.core.words import N_, Missing, Refused
from crm.firms import actions, queries
from crm.firms.forms import ContactForm, NameForm
from crm.firms.models import Contact, Firm, FirmName
from crm.firms.rules.contacts import COLLECTED, DEFAULT_PURPOSE
from crm.firms.rules.standing import mask_mail, mask_phone
from crm.firms.rules.words import NameKind
from crm.firms.views.blueprint import bp
from crm.firms.views.record import page


def _firm(firm_id: int) -> Firm:
    return queries.get_firm(db.session(), firm_id, viewer=actor())


@bp.get("/firms/<int:firm_id>/names/new")
@needs("firm:edit")
def name_new(firm_id: int) -> Any:
    form = NameForm(MultiDict({"kind": NameKind.FORMER.value}))
    return render_template("firms/name.html", firm=_firm(firm_id), form=form, refused=None)


@bp.post("/firms/<int:firm_id>/names/new")
@needs("firm:edit")
def name_add(firm_id: int) -> Any:
    """A name that is noted already, in another way, is shown with both versions: nothing is overwritten unseen."""
    firm, typed = (
        _firm(firm_id),
        " ".join(request.form.get("name", request.form.get("mine-name", "")).split()),
    )
    actions.check_editor(db.session(), firm, actor=actor())
    over = Over(
        lambda: queries.name_of(db.session(), firm_id, typed), _name_texts, title=gettext("添加名称"),
        back=url_for("firms.show", firm_id=firm_id),
    )  # fmt: skip
    form = over.form(NameForm)

    def write() -> None:
        actions.add_name(
            db.session(), firm, actor=actor(), name=form.name.value, kind=NameKind(form.kind.value or ""),
            until_on=form.until_on.value, version=form.version_seen,
        )  # fmt: skip

    def done() -> Any:
        flash(gettext("已添加「%(name)s」。", name=form.name.value), "done")
        return back_to("firms.show", firm_id=firm_id)

    def again(refused: str | None) -> str:
        return render_template("firms/name.html", firm=_firm(firm_id), form=form, refused=refused)

    return save(form, write, done=done, again=again, over=over)


def _name_texts(row: FirmName) -> dict[str, str]:
    return {"kind": row.kind.value, "until_on": row.until_on.isoformat() if row.until_on else ""}


def _contact(firm_id: int, contact_id: int) -> Contact:
    found = db.session.get(Contact, contact_id)
    if found is None or found.firm_id != firm_id:
        raise Missing(N_("没有这位联系人。"))
    return found


@bp.get("/firms/<int:firm_id>/contacts/new")
@needs("firm:edit")
def contact_new(firm_id: int) -> Any:
    return _contact_form(ContactForm(MultiDict({"purpose": DEFAULT_PURPOSE})), _firm(firm_id), None)


def _contact_form(form: ContactForm, firm: Firm, contact: Contact | None, refused: str | None = None) -> str:
    return render_template(
        "firms/contact.html", firm=firm, form=form, contact=contact, refused=refused, collected=COLLECTED,
        phone=mask_phone(contact.phone) if contact else None, email=mask_mail(contact.email) if contact else None,
    )  # fmt: skip


@bp.post("/firms/<int:firm_id>/contacts/new")
@needs("firm:edit")
def contact_add(firm_id: int) -> Any:
    return _save_contact(firm_id, None)


@bp.get("/firms/<int:firm_id>/contacts/<int:contact_id>")
@needs("firm:edit")
def contact_edit(firm_id: int, contact_id: int) -> Any:
    firm, contact = _firm(firm_id), _contact(firm_id, contact_id)
    actions.check_editor(db.session(), firm, actor=actor())
    form = ContactForm(MultiDict({**_contact_texts(contact), "version": str(contact.version)}))
    return _contact_form(form, firm, contact)


def _contact_texts(contact: Contact) -> dict[str, str]:
    """A contact as its form shows it: phone and mail never, left empty they stay."""
    return {
        "name": contact.name,
        "position": contact.position or "",
        "phone": "",
        "email": "",
        "is_primary": "yes" if contact.is_primary else "",
        "purpose": contact.purpose or DEFAULT_PURPOSE,
    }


@bp.post("/firms/<int:firm_id>/contacts/<int:contact_id>")
@needs("firm:edit")
def contact_save(firm_id: int, contact_id: int) -> Any:
    return _save_contact(firm_id, contact_id)


def _save_contact(firm_id: int, contact_id: int | None) -> Any:
    """A phone or mail left empty keeps the one there: the form never shows them in full."""
    firm = _firm(firm_id)
    actions.check_editor(db.session(), firm, actor=actor())
    over = Over(
        lambda: None if contact_id is None else _contact(firm_id, contact_id), _contact_texts,
        title=gettext("编辑联系人"), back=url_for("firms.show", firm_id=firm_id),
    )  # fmt: skip
    form = over.form(ContactForm)

    def write() -> None:
        values: dict[str, Any] = {
            "name": form.name.value,
            "position": form.position.value,
            "is_primary": form.is_primary.value == "yes",
            "purpose": form.purpose.value,
        }
        for name in ("phone", "email"):
            if form[name].value or contact_id is None:
                values[name] = form[name].value
        actions.save_contact(
            db.session(), firm, actor=actor(), contact_id=contact_id, version=form.version_seen, **values
        )

    def done() -> Any:
        flash(gettext("已保存联系人。"), "done")
        return back_to("firms.show", firm_id=firm_id)

    def again(refused: str | None) -> str:
        contact = None if contact_id is None else _contact(firm_id, contact_id)
        return _contact_form(form, _firm(firm_id), contact, refused)

    return save(form, write, done=done, again=again, over=over)


@bp.post("/firms/<int:firm_id>/contacts/<int:contact_id>/reveal")
@needs("contact:reveal")
def contact_reveal(firm_id: int, contact_id: int) -> Any:
    """Show one contact in full, with a reason the audit keeps."""
    try:
        contact = actions.reveal_contact(
            db.session(),
            _firm(firm_id),
            actor=actor(),
            contact_id=contact_id,
            reason=request.form.get("reason"),
            at=now(),
        )
        commit()
    except Refused as refusal:
        db.session.rollback()
        if type(refusal) is not Refused:
            raise
        flash(say(refusal), "error")
        return back_to("firms.show", firm_id=firm_id)
    return page(firm_id, revealed=contact)
