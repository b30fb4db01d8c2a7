"""Roles: the written table as a page, and granting them to a person."""

from __future__ import annotations

from typing import Any

from flask import flash, render_template, request, url_for
from werkzeug.datastructures import MultiDict

from crm.accounts import queries
from crm.accounts.actions import roles as actions
from crm.accounts.forms import RolesForm
from crm.accounts.models import User
from crm.accounts.rules import GIVEN_TO_PERSONS, TABLE, Permission, Role
from crm.accounts.views.blueprint import bp
from crm.core.clock import now
from crm.core.conflicts import merged, sides
from crm.core.db import db
from crm.core.i18n import gettext, word
from crm.core.permissions import needs
from crm.core.transaction import commit
from crm.core.web import actor, back_to
from crm.core.words import Conflict, Refused


@bp.get("/roles")
@needs("account:manage", "role:grant", "audit:read")
def roles() -> Any:
    return render_template("accounts/roles.html", table=TABLE, roles=list(Role), given=GIVEN_TO_PERSONS)


def _texts(user: User) -> dict[str, str]:
    return {
        "roles": ",".join(sorted(row.role for row in user.roles)),
        "extras": ",".join(sorted(row.permission for row in user.extras)),
    }


def _filled(user: User) -> RolesForm:
    texts = _texts(user)
    data: MultiDict[str, str] = MultiDict(
        {"version": str(user.version), "was_roles": texts["roles"], "was_extras": texts["extras"]}
    )
    data.setlist("roles", [row.role.value for row in user.roles])
    data.setlist("extras", [row.permission.value for row in user.extras])
    return RolesForm(data)


def _chosen(posted: MultiDict[str, str], theirs: dict[str, str]) -> RolesForm:
    """The form as posted, or as the conflict page was answered (there the lists are one text each)."""
    one = merged(posted, theirs)
    if one is posted:
        return RolesForm()
    data: MultiDict[str, str] = MultiDict(
        {"version": one.get("version", ""), "was_roles": theirs["roles"], "was_extras": theirs["extras"]}
    )
    for name in ("roles", "extras"):
        data.setlist(name, [value for value in one.get(name, "").split(",") if value])
    return RolesForm(data)


@bp.get("/people/<int:user_id>/roles")
@needs("role:grant")
def people_roles(user_id: int) -> Any:
    user = queries.get_person(db.session(), user_id, viewer=actor())
    return render_template("accounts/person_roles.html", user=user, form=_filled(user))


@bp.post("/people/<int:user_id>/roles")
@needs("role:grant")
def people_grant(user_id: int) -> Any:
    user = queries.get_person(db.session(), user_id, viewer=actor())
    theirs, current = _texts(user), user.version
    form = _chosen(request.form, theirs)
    refused = None
    if form.validate():
        try:
            actions.grant(
                db.session(),
                user,
                actor=actor(),
                version=form.version_seen or 0,
                at=now(),
                roles=[Role(value) for value in form.roles.data or ()],
                extras=[Permission(value) for value in form.extras.data or ()],
            )
            commit()
            flash(gettext("已更新「%(name)s」的角色，下一次点击起生效。", name=user.name), "done")
            return back_to("accounts.people_show", user_id=user_id)
        except Conflict:
            db.session.rollback()
            labels = {item.value: word(item) for item in (*Role, *Permission)}
            mine = {name: ",".join(sorted(form[name].data or ())) for name in ("roles", "extras")}
            rows = sides(
                [("roles", gettext("角色")), ("extras", gettext("授予本人的权限"))],
                before={"roles": form.was_roles.data or "", "extras": form.was_extras.data or ""},
                theirs=theirs,
                mine=mine,
                show=lambda _name, value: gettext("、").join(
                    labels.get(part, part) for part in value.split(",")
                ),
            )
            return render_template(
                "accounts/conflict.html",
                rows=rows,
                version=current,
                title=gettext("授予角色"),
                action=url_for("accounts.people_roles", user_id=user_id),
                back=url_for("accounts.people_show", user_id=user_id),
            ), 409
        except Refused as refusal:
            db.session.rollback()
            refused = form.refuse(refusal)
            user = queries.get_person(db.session(), user_id, viewer=actor())
    return render_template("accounts/person_roles.html", user=user, form=form, refused=refused), 422
