"""One's own account: facts, devices signed in, password."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_login import current_user

from crm.accounts import queries
from crm.accounts.actions import sessions
from crm.accounts.actions.hashing import hash_password, is_right
from crm.accounts.forms import PasswordForm
from crm.accounts.models import Unit, User
from crm.accounts.rules import Role, check_password
from crm.accounts.views.asking import ask_password
from crm.accounts.views.blueprint import bp
from crm.accounts.views.door import enter
from crm.core.clock import now
from crm.core.db import db
from crm.core.i18n import gettext, say
from crm.core.permissions import signed_in
from crm.core.transaction import commit
from crm.core.web import actor
from crm.core.words import N_, Refused


@bp.get("/account")
@signed_in
def profile() -> Any:
    user = db.session.get_one(User, current_user.id)
    unit = db.session.get(Unit, user.unit_id) if user.unit_id else None
    return render_template(
        "accounts/profile.html",
        user=user,
        unit=unit,
        roles=sorted((Role(role) for role in actor().roles), key=list(Role).index),
        sessions=queries.sessions_of(db.session(), user.id, at=now()),
        policy=queries.password_policy(db.session()),
        codes_left=queries.codes_left(db.session(), user.id) if current_user.has_factor else 0,
    )


@bp.get("/account/password")
@signed_in
def change_password() -> Any:
    return _page(PasswordForm())


def _page(form: PasswordForm) -> str:
    return render_template("accounts/password.html", form=form, policy=queries.password_policy(db.session()))


@bp.post("/account/password")
@signed_in
def change_password_now() -> Any:
    form = PasswordForm()
    me = current_user._get_current_object()
    try:
        if not form.validate():
            raise Refused(N_("请按提示修改后再提交。"))
        if form.password.data != form.again.data:
            raise Refused(N_("两次输入的新口令不一样。"), field="again")
        _change(me, form.current.data or "", form.password.data or "")
    except Refused as refused:
        db.session.rollback()
        if refused.field in form._fields:
            form[refused.field].errors = [*form[refused.field].errors, say(refused)]
        return _page(form), 422
    flash(gettext("口令已修改，其他设备都已退出。"), "done")
    return redirect(url_for("overview.home" if me.forced_to else "accounts.profile"), 303)


def _change(me: queries.SignedIn, current: str, wanted: str) -> None:
    """Check, hash with no transaction open, write."""
    database, at = db.session(), now()
    old_hash = ask_password(me.id, current, at=at)
    policy = queries.password_policy(database)
    before = queries.old_passwords(database, me.id, policy.remembered)
    database.rollback()
    check_password(wanted, policy, username=me.username, name=me.name)
    if is_right(old_hash, wanted):
        raise Refused(N_("新口令不能和现在的一样。"), field="password")
    if any(is_right(old, wanted) for old in before):
        raise Refused(N_("新口令不能和最近 %(n)s 个旧口令一样。"), n=policy.remembered, field="password")
    new_hash = hash_password(wanted)
    user = database.get_one(User, me.id, populate_existing=True)
    if user.password_hash != old_hash:
        raise Refused(N_("口令刚刚被改过，请重新登录。"), field="current")
    token = sessions.change_password(
        database,
        user,
        actor=actor(),
        new_hash=new_hash,
        address=request.remote_addr or "",
        agent=request.user_agent.string,
        at=at,
    )
    commit()
    enter(token)


change_password.__dict__["while_forced"] = True
change_password_now.__dict__["while_forced"] = True
