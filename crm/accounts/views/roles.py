"""Roles: the written table as a page, and granting them to a person."""

from __future__ import annotations

from typing import Any

from flask import flash, render_template, url_for
from werkzeug.datastructures import MultiDict

from crm.accounts import queries
from crm.accounts.actions import roles as actions
from crm.accounts.forms import RolesForm
from crm.accounts.models import User
from crm.accounts.rules import GIVEN_TO_PERSONS, TABLE, Permission, Role
from crm.accounts.views.blueprint import bp
from crm.core.clock import now
from crm.core.db import db
from crm.core.i18n import gettext
from crm.core.permissions import needs
from crm.core.saving import Over, save
from crm.core.web import actor, back_to


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


@bp.get("/people/<int:user_id>/roles")
@needs("role:grant")
def people_roles(user_id: int) -> Any:
    user = queries.get_person(db.session(), user_id, viewer=actor())
    return render_template("accounts/person_roles.html", user=user, form=_filled(user))


@bp.post("/people/<int:user_id>/roles")
@needs("role:grant")
def people_grant(user_id: int) -> Any:
    over = Over(
        lambda: queries.get_person(db.session(), user_id, viewer=actor()), _texts, title=gettext("授予角色"),
        back=url_for("accounts.people_show", user_id=user_id), lists=frozenset({"roles", "extras"}),
        was=lambda _user: {name: str(form[f"was_{name}"].data or "") for name in ("roles", "extras")},
    )  # fmt: skip
    user = over.row
    form = over.form(RolesForm)

    def write() -> None:
        actions.grant(
            db.session(), user, actor=actor(), version=form.version_seen, at=now(),
            roles=[Role(value) for value in form.roles.data or ()],
            extras=[Permission(value) for value in form.extras.data or ()],
        )  # fmt: skip

    def done() -> Any:
        flash(gettext("已更新「%(name)s」的角色，下一次点击起生效。", name=user.name), "done")
        return back_to("accounts.people_show", user_id=user_id)

    def again(refused: str | None) -> str:
        found = queries.get_person(db.session(), user_id, viewer=actor())
        return render_template("accounts/person_roles.html", user=found, form=form, refused=refused)

    return save(form, write, done=done, again=again, over=over)
