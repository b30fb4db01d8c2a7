"""One's own sessions on other devices, and the notice of a sign-in from a new place."""

from __future__ import annotations

from typing import Any

from flask import flash, request, session
from flask_login import current_user

from crm.accounts import queries
from crm.accounts.actions import notices, sessions
from crm.accounts.rules.messages import NOTICES
from crm.accounts.views.blueprint import bp
from crm.core.clock import now
from crm.core.db import db
from crm.core.i18n import gettext, say
from crm.core.permissions import signed_in
from crm.core.transaction import commit
from crm.core.web import actor, back_to


def _here() -> dict[str, str]:
    return {"address": request.remote_addr or "", "agent": request.user_agent.string[:200]}


def notices_here() -> list[dict[str, Any]]:
    """What the pages of this person show on top: sentence, id, whether "this wasn't me" makes sense here."""
    if not getattr(current_user, "has_notice", False):
        return []
    found = queries.open_notices(db.session(), current_user.id, **_here())
    return [
        {
            "id": row.id,
            "text": say(NOTICES[row.code], at=row.at, **row.params),
            "is_mine": queries.is_from_here(row, **_here()),
        }
        for row in found[:3]
        if row.code in NOTICES
    ]


@bp.post("/account/notices/<int:notice_id>/dismiss")
@signed_in
def dismiss_notice(notice_id: int) -> Any:
    notice = queries.get_notice(db.session(), notice_id, user_id=current_user.id)
    notices.dismiss(db.session(), notice, actor=actor(), at=now(), **_here())
    commit()
    return back_to("accounts.profile")


@bp.post("/account/notices/<int:notice_id>/not-me")
@signed_in
def disown_sign_in(notice_id: int) -> Any:
    """This wasn't me: the other devices are signed out and the password is changed first of all."""
    notice = queries.get_notice(db.session(), notice_id, user_id=current_user.id)
    notices.disown(db.session(), notice, actor=actor(), here=current_user.session_id, at=now(), **_here())
    commit()
    flash(gettext("其他设备都已退出。请马上改口令。"), "info")
    return back_to("accounts.change_password")


for view in (dismiss_notice, disown_sign_in):
    view.__dict__["while_forced"] = True


@bp.post("/account/sessions/<int:session_id>/end")
@signed_in
def end_session(session_id: int) -> Any:
    """Sign out one device; the own one leads to the sign-in page."""
    sessions.end_one(db.session(), actor=actor(), session_id=session_id, at=now())
    commit()
    if session_id == current_user.session_id:
        session.clear()
        flash(gettext("您已退出。"), "info")
        return back_to("accounts.sign_in")
    flash(gettext("那台设备已退出。"), "done")
    return back_to("accounts.profile")


@bp.post("/account/sign-out-elsewhere")
@signed_in
def sign_out_elsewhere() -> Any:
    sessions.end_elsewhere(db.session(), actor=actor(), here=current_user.session_id, at=now())
    commit()
    flash(gettext("其他设备都已退出。"), "done")
    return back_to("accounts.profile")
