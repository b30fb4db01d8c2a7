"""One's own second factor: set up, replaced, taken off; recovery codes."""

from __future__ import annotations

import io
from typing import Any

import segno
from flask import flash, redirect, render_template, request, session, url_for
from flask_login import current_user
from markupsafe import Markup

from crm.accounts.actions import factors
from crm.accounts.forms import AgainForm, CodeForm, NewFactorForm
from crm.accounts.rules.second_factor import in_groups, setup_link
from crm.accounts.views.asking import ask_password
from crm.accounts.views.blueprint import bp
from crm.core.clock import now
from crm.core.db import db
from crm.core.i18n import gettext
from crm.core.permissions import signed_in
from crm.core.transaction import commit
from crm.core.web import actor, back_to
from crm.core.words import Refused


def drawn(link: str) -> Markup:
    """A QR code as an SVG of two paths: black on white in either theme, without any style or script."""
    out = io.BytesIO()
    code = segno.make(link, error="m", micro=False)
    code.save(
        out, kind="svg", border=4, dark="#000", light="#fff", xmldecl=False, svgns=False, omitsize=True,
        svgclass="td-qr", lineclass=None, nl=False,
    )  # fmt: skip
    return Markup(out.getvalue().decode())  # noqa: S704 - made here, of numbers only


@bp.route("/account/second-factor", methods=["GET", "POST"])
@signed_in
def second_factor() -> Any:
    """Set up the authenticator app: the key waits in the cookie until its first code has proved it.

    Who has a factor already gives the password again before it is replaced.
    """
    has_one = current_user.has_factor
    form: CodeForm = NewFactorForm() if has_one else CodeForm()
    secret = session.get("factor_secret")
    if not isinstance(secret, str):
        secret = session["factor_secret"] = factors.new_secret()
    refused = None
    if request.method == "POST" and form.validate():
        try:
            at = now()
            if has_one:
                ask_password(current_user.id, form["current"].data or "", at=at)
            codes = factors.confirm(
                db.session(), actor=actor(), secret=secret, code=form.code.data or "", at=at
            )
            commit()
            session.pop("factor_secret", None)
            return _show_codes(codes, is_new=True)
        except Refused as refusal:
            db.session.rollback()
            refused = form.refuse(refusal)
    link = setup_link(secret, current_user.username)
    page = render_template(
        "accounts/second_factor.html",
        form=form,
        secret=in_groups(secret).replace("-", " "),
        link=link,
        code=drawn(link),
        refused=refused,
    )
    return (page, form.http_status) if request.method == "POST" else page


second_factor.__dict__["while_forced"] = True


def _show_codes(codes: list[str], *, is_new: bool) -> Any:
    """Show recovery codes: on this answer and never again."""
    return render_template(
        "accounts/recovery_codes.html",
        codes=codes,
        is_new=is_new,
        onward=url_for("overview.home" if current_user.forced_to else "accounts.profile"),
    )


@bp.route("/account/recovery-codes", methods=["GET", "POST"])
@signed_in
def recovery_codes() -> Any:
    """Ten new codes after the password; the old ones stop working."""
    form, refused = AgainForm(), None
    if request.method == "POST" and form.validate():
        try:
            ask_password(current_user.id, form.current.data or "", at=now())
            codes = factors.renew_codes(db.session(), actor=actor())
            commit()
            return _show_codes(codes, is_new=False)
        except Refused as refusal:
            db.session.rollback()
            refused = form.refuse(refusal)
    return _ask(form, refused, "codes")


@bp.route("/account/second-factor/remove", methods=["GET", "POST"])
@signed_in
def remove_second_factor() -> Any:
    """Take one's own factor off after the password; not where it is required."""
    form, refused = AgainForm(), None
    if request.method == "POST" and form.validate():
        try:
            ask_password(current_user.id, form.current.data or "", at=now())
            factors.drop(db.session(), actor=actor(), is_required=current_user.needs_factor)
            commit()
            flash(gettext("第二因素已停用。"), "done")
            return back_to("accounts.profile")
        except Refused as refusal:
            db.session.rollback()
            refused = form.refuse(refusal)
    return _ask(form, refused, "remove")


def _ask(form: AgainForm, refused: str | None, what: str) -> Any:
    if not current_user.has_factor:
        return redirect(url_for("accounts.second_factor"), 303)
    page = render_template("accounts/factor_again.html", form=form, refused=refused, what=what)
    return (page, form.http_status) if request.method == "POST" else page
