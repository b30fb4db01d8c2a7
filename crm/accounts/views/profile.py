"""One's own account: facts, devices signed in, password."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, session, url_for
from flask_login import current_user

from crm.accounts import queries
from crm.accounts.actions import factors, sessions
from crm.accounts.actions.hashing import hash_password, is_right
from crm.accounts.forms import CodeForm, PasswordForm
from crm.accounts.models import Unit, User
from crm.accounts.rules import MAX_AGE_DAYS, Role, account_key, check_password
from crm.accounts.rules.second_factor import setup_link
from crm.accounts.views.blueprint import bp
from crm.accounts.views.door import enter
from crm.core.clock import now
from crm.core.db import db
from crm.core.i18n import gettext, say
from crm.core.permissions import signed_in
from crm.core.transaction import commit
from crm.core.web import actor, back_to
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
        max_age=MAX_AGE_DAYS,
    )


@bp.get("/account/password")
@signed_in
def change_password() -> Any:
    return render_template("accounts/password.html", form=PasswordForm())


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
        commit()  # what was counted against guessing
        if refused.field in form._fields:
            form[refused.field].errors = [*form[refused.field].errors, say(refused)]
        return render_template("accounts/password.html", form=form), 422
    flash(gettext("口令已修改，其他设备都已退出。"), "done")
    return redirect(url_for("overview.home" if me.forced_to else "accounts.profile"), 303)


def _change(me: queries.SignedIn, current: str, wanted: str) -> None:
    """Check, hash with no transaction open, write."""
    database, at = db.session(), now()
    known = database.get_one(User, me.id)
    old_hash, username = known.password_hash, known.username
    locked = queries.locked_until(database, account_key(username), at)
    database.rollback()
    if locked or not is_right(old_hash, current):
        sessions.refuse_password(database, actor=actor(), username=username, at=at)
        raise Refused(N_("现在的口令不对；连错 5 次会锁定 10 分钟。"), field="current")
    check_password(wanted, username=username, name=me.name)
    if is_right(old_hash, wanted):
        raise Refused(N_("新口令不能和现在的一样。"), field="password")
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


@bp.route("/account/second-factor", methods=["GET", "POST"])
@signed_in
def second_factor() -> Any:
    """Set up the authenticator app: the key waits in the cookie until its first code has proved it."""
    form = CodeForm()
    secret = session.get("factor_secret")
    if not isinstance(secret, str):
        secret = session["factor_secret"] = factors.new_secret()
    refused = None
    if request.method == "POST" and form.validate():
        try:
            factors.confirm(db.session(), actor=actor(), secret=secret, code=form.code.data or "", at=now())
            commit()
            session.pop("factor_secret", None)
            flash(gettext("第二因素已启用，下次登录要输入手机上的验证码。"), "done")
            return redirect(url_for("overview.home" if current_user.forced_to else "accounts.profile"), 303)
        except Refused as refusal:
            db.session.rollback()
            refused = form.refuse(refusal)
    page = render_template(
        "accounts/second_factor.html",
        form=form,
        secret=" ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
        link=setup_link(secret, current_user.username),
        refused=refused,
    )
    return (page, 422) if request.method == "POST" else page


second_factor.__dict__["while_forced"] = True


@bp.post("/account/sign-out-everywhere")
@signed_in
def sign_out_everywhere() -> Any:
    sessions.end_everywhere(db.session(), actor=actor(), at=now())
    commit()
    session.clear()
    flash(gettext("您在所有设备上都已退出。"), "info")
    return back_to("accounts.sign_in")
