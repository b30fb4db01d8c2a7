"""One's own address: where the weekly mail goes. Asked with the password, so that a stolen session turns no mail away."""

from __future__ import annotations

from typing import Any

from flask import flash, render_template
from flask_login import current_user
from werkzeug.datastructures import MultiDict

from crm.accounts.actions import people as actions
from crm.accounts.forms import EmailForm
from crm.accounts.models import User
from crm.accounts.views.asking import ask_password
from crm.accounts.views.blueprint import bp
from crm.core.clock import now
from crm.core.db import db
from crm.core.i18n import gettext
from crm.core.permissions import signed_in
from crm.core.saving import save
from crm.core.web import actor, back_to


def _me() -> User:
    return db.session.get_one(User, current_user.id, populate_existing=True)


def _page(form: EmailForm, refused: str | None = None) -> str:
    return render_template("accounts/email.html", form=form, user=_me(), refused=refused)


@bp.get("/account/email")
@signed_in
def choose_email() -> Any:
    me = _me()
    return _page(EmailForm(MultiDict({"email": me.email or "", "version": str(me.version)})))


@bp.post("/account/email")
@signed_in
def choose_email_now() -> Any:
    """The second of two who change it at once is told, and sees what is there now."""
    form, said = EmailForm(), {"text": gettext("邮箱没有变。")}

    def write() -> None:
        ask_password(current_user.id, form.current.data or "", at=now())
        if actions.choose_email(
            db.session(), _me(), actor=actor(), version=form.version_seen, email=form.email.value
        ):
            said["text"] = gettext("邮箱已保存。")

    def done() -> Any:
        flash(said["text"], "done")
        return back_to("accounts.profile")

    return save(form, write, done=done, again=lambda refused: _page(form, refused))
