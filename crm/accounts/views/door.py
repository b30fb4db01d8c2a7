"""The door: sign in, sign out, who this request is, and the language of the pages."""

from __future__ import annotations

import datetime as dt
import hashlib
from contextlib import suppress
from typing import Any

from flask import current_app, flash, g, make_response, redirect, render_template, request, session, url_for
from flask_login import current_user, login_user
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response

from crm.accounts import queries
from crm.accounts.actions import factors, hashing, sessions
from crm.accounts.forms import CodeForm, SignInForm
from crm.accounts.models import User
from crm.accounts.rules import MAX_LENGTH, account_key, address_key, fold_name, is_spent
from crm.accounts.rules.second_factor import PENDING_MINUTES, recovery_form
from crm.accounts.rules.sign_in import FAILED_LATELY, SEEN_EVERY, SEEN_STORED, is_fresh, is_idle, pause_for
from crm.accounts.views.blueprint import bp
from crm.accounts.views.known import accounts_known, remember_browser
from crm.core.clock import now
from crm.core.db import db, intent
from crm.core.i18n import COOKIE, LANGUAGES, gettext, say
from crm.core.permissions import public, signed_in
from crm.core.transaction import commit, fresh
from crm.core.web import actor, back_to, safe_next
from crm.core.words import N_, Later

ASK_CODE = "ask-code"  # the password was right, a second factor is asked for
TOO_FAST = N_("这个地址刚才输错太多，请过 %(n)s 秒再试。账号没有因此被锁定。")


def load(token: str) -> queries.SignedIn | None:
    """Flask-login's question: who is behind this cookie? Nobody after half an hour (by setting) without a click."""
    at, database = now(), db.session()
    seen = session.get("seen")
    if not isinstance(seen, int) or is_idle(seen, at, queries.idle_minutes(database)):
        return None
    person = queries.load(database, token, at=at, has_demo=current_app.config["TIDUI"].has_demo)
    if person is not None:
        if person.language in LANGUAGES:
            g.language = person.language
        if at.timestamp() - seen > SEEN_EVERY:
            session["seen"] = int(at.timestamp())
        if person.seen_at is None or at - person.seen_at > dt.timedelta(seconds=SEEN_STORED):
            _note_seen(person.session_id, at)
    return person


def _note_seen(session_id: int, at: dt.datetime) -> None:
    """Store that the session is in use, if the database is free at once: no page waits for this, none fails by it."""
    with suppress(SQLAlchemyError), fresh(patience=0.05) as own:
        sessions.see(own, session_id, at=at)
        commit(own)


def remember(person: queries.SignedIn) -> None:
    """Put the session's secret into a new, empty cookie."""
    session.clear()
    session["seen"] = int(now().timestamp())
    login_user(person)


def enter(token: str) -> None:
    """Make the session with this secret the one of this browser."""
    with intent("read"):
        person = queries.load(db.session(), token, at=now(), has_demo=current_app.config["TIDUI"].has_demo)
        db.session.rollback()
    assert person is not None  # noqa: S101 - just made
    remember(person)
    remember_browser(person.id)


@bp.route("/sign-in", methods=["GET", "POST"])
@public
def sign_in() -> Any:
    if request.method == "POST":
        return _sign_in_now()
    if current_user.is_authenticated:
        return redirect(safe_next(request.args.get("next")) or url_for("overview.home"), 303)
    return _page(SignInForm())


def _page(form: SignInForm, refused: str | None = None) -> str:
    with intent("read"):
        contact = queries.contact(db.session())
        db.session.rollback()
    return render_template("accounts/sign_in.html", form=form, refused=refused, contact=contact)


def _sign_in_now() -> Any:
    form = SignInForm()
    username, password = form.username.data or "", form.password.data or ""
    if not form.validate():
        return _page(form), 422
    try:
        found = _try(username, password)
    except Later as later:
        form.password.data = ""
        response = make_response(_page(form, say(later.message)), 429)
        response.headers["Retry-After"] = str(later.seconds)
        return response
    if found is ASK_CODE:
        return redirect(url_for("accounts.sign_in_code", next=safe_next(request.args.get("next"))), 303)
    if found is None:
        refused = gettext(
            "用户名或口令不对，或者账号暂时不能登录。连错 5 次会锁定 10 分钟；忘了口令请找系统管理员。"
        )
        form.password.data = ""
        session["failed"] = int(now().timestamp())
        return _page(form, refused), 422
    enter(found)
    return redirect(safe_next(request.args.get("next")) or url_for("overview.home"), 303)


def _try(username: str, password: str) -> str | None:
    """The secret of a new session, None, or `ASK_CODE`. Reads, then hashes with no transaction open, then writes.

    Raises `Later`, whatever the account, when this browser tries too fast or too many sign in at this moment.
    """
    at, address = now(), request.remote_addr or ""
    key = fold_name(username)
    database = db.session()
    database.rollback()
    with intent("read"):
        known = queries.credentials(database, key)
        locked = queries.locked_until(database, account_key(username), at)
        tries = queries.attempt(database, address_key(address))
        hours = queries.one_time_hours(database)
        failures = tries.failures if tries is not None and is_fresh(tries.key, tries.first_at, at) else 0
        database.rollback()
    is_known = known is not None and known.user_id in accounts_known()
    failed = session.get("failed")
    ago = at.timestamp() - failed if isinstance(failed, int) else None
    if pause := 0 if is_known else pause_for(failures, ago):
        raise Later(TOO_FAST, seconds=pause, n=pause)
    # few within at once, to hash and to write down: else all would wait for SQLite's one writer, each with a connection
    kept = 0 if is_known else hashing.FOR_KNOWN
    if not is_known and ago is not None and ago < FAILED_LATELY:
        kept += hashing.FOR_FRESH
    with hashing.GATE.pass_through(kept=kept):
        return _check(known, locked is not None, username, password, at, hours)


def _check(
    known: queries.Credentials | None, locked: bool, username: str, password: str, at: dt.datetime, hours: int
) -> str | None:
    database, address, agent = db.session(), request.remote_addr or "", request.user_agent.string
    is_good = hashing.fits(known.password_hash if known else None, password)
    spent = known is not None and is_spent(known.one_time_at, at, hours)
    if known and is_good and known.is_active and not locked and not spent:
        if known.has_factor:
            session.clear()
            session["pending"] = [known.user_id, username, _mark(known.password_hash), int(at.timestamp())]
            return ASK_CODE
        before = current_user.session_id if current_user.is_authenticated else None
        token = sessions.sign_in(
            database,
            user_id=known.user_id,
            password_hash=known.password_hash,
            username=username,
            address=address,
            agent=agent,
            at=at,
            replaces=before,
        )
    else:
        token = None
        reason = (
            "too-long"
            if len(password) > MAX_LENGTH
            else "unknown"
            if not known
            else "locked"
            if locked
            else "inactive"
            if not known.is_active
            else "spent"
            if is_good and spent
            else "password"
        )
        sessions.refuse(
            database,
            username=username,
            user_id=known.user_id if known else None,
            address=address,
            reason=reason,
            at=at,
        )
    commit()
    return token


def _mark(password_hash: str) -> str:
    """Tells a later step whether the password is still the one that was right."""
    return hashlib.sha256(password_hash.encode()).hexdigest()[:16]


@bp.route("/sign-in/code", methods=["GET", "POST"])
@public
def sign_in_code() -> Any:
    """The second step for those who have a second factor: the code of the app, within five minutes."""
    pending, at = session.get("pending"), now()
    if not isinstance(pending, list) or at.timestamp() - pending[3] > PENDING_MINUTES * 60:
        session.pop("pending", None)
        return redirect(url_for("accounts.sign_in", next=safe_next(request.args.get("next"))), 303)
    form = CodeForm()
    if request.method == "GET":
        return render_template("accounts/sign_in_code.html", form=form)
    token = _try_code(pending, form.code.data or "")
    if token is None:
        refused = gettext("验证码不对，或者账号暂时不能登录。连错 5 次会锁定 10 分钟。")
        form.code.data = ""
        return render_template("accounts/sign_in_code.html", form=form, refused=refused), 422
    enter(token)
    if recovery_form(form.code.data or ""):
        left = queries.codes_left(db.session(), current_user.id)
        flash(gettext("您用了一个恢复码，还剩 %(n)s 个。手机找不回来就请更换第二因素。", n=left), "info")
    return redirect(safe_next(request.args.get("next")) or url_for("overview.home"), 303)


def _try_code(pending: list[Any], code: str) -> str | None:
    user_id, username, mark, _asked = pending
    database, at, address = db.session(), now(), request.remote_addr or ""
    known = queries.credentials(database, fold_name(username))
    locked = queries.locked_until(database, account_key(username), at)
    token = None
    if (
        known is None
        or known.user_id != user_id
        or _mark(known.password_hash) != mark
        or is_spent(known.one_time_at, at, queries.one_time_hours(database))
    ):
        session.pop("pending", None)
    elif not locked and factors.use(database, user_id, code, at=at):
        token = sessions.sign_in(
            database,
            user_id=user_id,
            password_hash=known.password_hash,
            username=username,
            address=address,
            agent=request.user_agent.string,
            at=at,
        )
        commit()
        return token
    reason = "locked" if locked else "code"
    sessions.refuse(database, username=username, user_id=user_id, address=address, reason=reason, at=at)
    commit()
    return None


@bp.post("/sign-out")
@signed_in
def sign_out() -> Any:
    sessions.end(db.session(), actor=actor(), session_id=current_user.session_id, at=now())
    commit()
    session.clear()
    flash(gettext("您已退出。"), "info")
    return back_to("accounts.sign_in")


sign_out.__dict__["while_forced"] = True


@bp.post("/language")
@public
def set_language() -> Response:
    """Choose the language: kept with the account when signed in, in a cookie in any case."""
    chosen = request.form.get("language", "")
    if chosen not in LANGUAGES:
        chosen = "zh"
    if current_user.is_authenticated:
        user = db.session.get(User, current_user.id)
        if user is not None:
            sessions.choose_language(db.session(), user, actor=actor(), language=chosen)
            commit()
    target = safe_next(request.form.get("next")) or url_for("overview.home")
    response = make_response(redirect(target, 303))
    response.set_cookie(
        COOKIE,
        chosen,
        max_age=365 * 24 * 3600,
        httponly=True,
        samesite="Lax",
        path="/",
        secure=request.is_secure,
    )
    return response
