"""What a person is told: the page of one's own, and the signed link of a mail, which works signed out.

The link's GET asks, its POST does (RFC 8058: a mail program may send it by itself). Its token is what it is trusted
by: no session, so nothing a cookie could be abused for, and no form token.
"""

from __future__ import annotations

from typing import Any

from flask import abort, current_app, flash, render_template
from flask_login import current_user

from crm.accounts.actions import sessions
from crm.accounts.models import User
from crm.accounts.queries import actor_of
from crm.core.db import db
from crm.core.i18n import gettext, say, word
from crm.core.permissions import Actor, public, signed_in
from crm.core.reminders import Group
from crm.core.transaction import commit
from crm.core.web import actor, back_to, csrf
from crm.core.words import Refused
from crm.digest import actions
from crm.digest.actions.muting import MUTABLE
from crm.digest.forms import PreferencesForm
from crm.digest.queries.preferences import muted_by
from crm.digest.rules.links import ALL, read_token
from crm.digest.views.blueprint import bp


@bp.get("/digest/preferences")
@signed_in
def preferences() -> Any:
    """What I am told every week, and in which language."""
    muted = muted_by(db.session(), actor().user_id or 0)
    form = PreferencesForm(
        language=current_user.language or "zh",
        groups=[group.value for group in MUTABLE if group.value not in muted],
    )
    return _page(form)


def _page(form: PreferencesForm, refused: str | None = None) -> Any:
    fixed = [group for group in Group if not group.can_be_muted]
    address = db.session.get_one(User, actor().user_id).email
    return render_template(
        "digest/preferences.html", form=form, refused=refused, fixed=fixed, address=address
    )


@bp.post("/digest/preferences")
@signed_in
def preferences_save() -> Any:
    form = PreferencesForm()
    if not form.validate():
        return _page(form, gettext("请按提示修改后再提交。")), 422
    session, me = db.session(), actor()
    try:
        user = session.get_one(User, me.user_id)
        sessions.choose_language(session, user, actor=me, language=form.language.data)
        wanted = set(form.groups.data or ())
        actions.settle(
            session, actor=me, groups=[group.value for group in MUTABLE if group.value not in wanted]
        )
        commit()
    except Refused as refusal:
        session.rollback()
        return _page(form, form.refuse(refusal)), form.http_status
    flash(gettext("提醒设置已保存。"), "done")
    return back_to("digest.preferences")


def _meant(token: str) -> tuple[Actor, str, str]:
    """Whose mail and which group a link means, and what it is called. 404 for one this server has not signed."""
    found = read_token(str(current_app.config["SECRET_KEY"]), token)
    person = actor_of(db.session(), found[0]) if found is not None else None
    names = {group.value: word(group) for group in MUTABLE} | {ALL: gettext("全部提醒（上报给您的除外）")}
    if found is None or person is None or found[1] not in names:
        abort(404)
    return person, found[1], names[found[1]]


@bp.get("/digest/mute/<string:token>")
@public
def mute(token: str) -> Any:
    """Asks whether this group should be left out: looking at a link changes nothing."""
    _person, _group, name = _meant(token)
    return render_template("digest/mute.html", name=name, token=token, is_done=False)


@bp.post("/digest/mute/<string:token>")
@public
@csrf.exempt  # type: ignore[untyped-decorator]
def mute_now(token: str) -> Any:
    """Leaves the group out, whether a person pressed the button or a mail program did."""
    person, group, name = _meant(token)
    try:
        if actions.mute(db.session(), actor=person, group=group):
            commit()
    except Refused as refusal:
        db.session.rollback()
        return say(refusal), 409
    return render_template("digest/mute.html", name=name, token=token, is_done=True)
