"""Contacts across firms: what waits for review, how many one has looked at, taking them out."""

from __future__ import annotations

import io
from typing import Any

from flask import flash, render_template, request, url_for

from crm.core import lists
from crm.core.clock import now, today
from crm.core.db import db
from crm.core.downloads import download
from crm.core.i18n import gettext, say
from crm.core.permissions import Forbidden, needs
from crm.core.transaction import commit
from crm.core.web import actor, back_to
from crm.core.words import Conflict, Missing, Refused
from crm.firms import actions, queries, sheets
from crm.firms.queries.contacts import SORT
from crm.firms.rules.contacts import MANY, MOST_A_DAY
from crm.firms.rules.standing import mask_mail, mask_phone
from crm.firms.views.blueprint import bp


@bp.get("/contacts")
@needs("firm:edit", "contact:reveal")
def contacts() -> Any:
    """What the person may do with contacts, and which wait for review."""
    session, viewer = db.session(), actor()
    after, before = request.args.get("after"), request.args.get("before")
    position = lists.position(after, SORT) if after else None
    if before and position is None:
        position = lists.position(before, SORT, is_back=True)
    page, total, capped = queries.list_unused(session, position, viewer=viewer, today=today())
    return render_template(
        "firms/contacts.html",
        page=page,
        total=total,
        capped=capped,
        looked=queries.looked(session, viewer.user_id, now()),
        most=MOST_A_DAY,
        many=MANY,
        mask_phone=mask_phone,
        mask_mail=mask_mail,
        next_url=url_for("firms.contacts", after=page.after) if page.after else None,
        previous_url=url_for("firms.contacts", before=page.before) if page.before else None,
    )


@bp.post("/contacts/<int:contact_id>/keep")
@needs("firm:edit")
def contact_keep(contact_id: int) -> Any:
    """Confirm that a contact is still needed."""
    session = db.session()
    try:
        contact = queries.get_contact(session, contact_id)
        queries.get_firm(session, contact.firm_id, viewer=actor())
        raw = request.form.get("version", "")
        version = int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 10 else 0
        actions.keep_contact(session, contact, actor=actor(), today=today(), version=version)
        commit()
        flash(gettext("已确认还要用，一年后再复核。"), "done")
    except Refused as refusal:
        session.rollback()
        if isinstance(refusal, Missing | Forbidden | Conflict):
            raise
        flash(say(refusal), "error")
    return back_to("firms.contacts")


@bp.post("/contacts/export")
@needs("contact:reveal")
def contacts_export() -> Any:
    """Contacts one may look at in full, as a workbook; many need a reason."""
    session, viewer = db.session(), actor()
    try:
        rows = actions.export_contacts(
            session,
            actor=viewer,
            at=now(),
            mine=request.form.get("which") == "mine",
            reason=request.form.get("reason"),
        )
        target = io.BytesIO()
        sheets.contacts_xlsx(target, rows, say)
        commit()
    except Refused as refusal:
        session.rollback()
        if isinstance(refusal, Forbidden):
            raise
        flash(say(refusal), "error")
        return back_to("firms.contacts")
    return download(target.getvalue(), f"{gettext('联系人')}-{today().isoformat()}.xlsx")
