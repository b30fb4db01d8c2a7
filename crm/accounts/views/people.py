"""People: list, record, new, edit, deactivate and back, unlock, a new one-time password."""

from __future__ import annotations

from typing import Any

from flask import flash, render_template, url_for
from werkzeug.datastructures import MultiDict

from crm.accounts import queries
from crm.accounts.actions import factors
from crm.accounts.actions import people as actions
from crm.accounts.actions.hashing import hash_password, one_time_password
from crm.accounts.forms import DeactivateForm, PersonForm, as_id
from crm.accounts.models import User
from crm.accounts.queries import people as reads
from crm.accounts.rules import ADMINISTRATORS, one_time_until
from crm.accounts.views.blueprint import bp
from crm.core.clock import now, today
from crm.core.conflicts import Texts
from crm.core.db import db
from crm.core.forms import VersionedForm, options
from crm.core.i18n import gettext
from crm.core.lists.showing import list_page
from crm.core.permissions import needs
from crm.core.saving import Over, save
from crm.core.transaction import commit
from crm.core.web import actor, back_to


@bp.get("/people")
@needs("account:manage", "role:grant")
def people() -> Any:
    return list_page(reads.LIST, "accounts/people.html")


def _choices(form: PersonForm, also: int | None = None) -> None:
    units = queries.unit_choices(db.session(), on=today(), also=also)
    form.unit_id.choices = options([("", "—"), *((str(key), name) for key, name in units)])


@bp.get("/people/new")
@needs("account:manage")
def people_new() -> Any:
    form = PersonForm()
    _choices(form)
    return render_template("accounts/person_form.html", form=form, user=None)


@bp.post("/people/new")
@needs("account:manage")
def people_add() -> Any:
    form = PersonForm()
    _choices(form)
    made: list[User] = []
    db.session.rollback()
    password = one_time_password()
    # slow: with no transaction open, and only for what can be read
    password_hash = hash_password(password) if form.validate() else ""

    def write() -> None:
        made.append(
            actions.add(
                db.session(), actor=actor(), username=form.username.value, name=form.name.value,
                unit_id=as_id(form.unit_id), password_hash=password_hash, at=now(), email=form.email.value,
            )
        )  # fmt: skip

    def done() -> Any:
        return render_template(
            "accounts/one_time.html",
            user=made[0],
            password=password,
            is_new=True,
            hours=queries.one_time_hours(db.session()),
        )

    def again(refused: str | None) -> str:
        return render_template("accounts/person_form.html", form=form, user=None, refused=refused)

    return save(form, write, done=done, again=again)


@bp.get("/people/<int:user_id>")
@needs("account:manage", "role:grant")
def people_show(user_id: int) -> Any:
    return _show(user_id)


def _show(user_id: int, deactivate: DeactivateForm | None = None, refused: str | None = None) -> str:
    database, at = db.session(), now()
    user = queries.get_person(database, user_id, viewer=actor())
    form = deactivate or DeactivateForm(MultiDict({"version": str(user.version)}))
    return render_template(
        "accounts/person.html",
        user=user,
        locked_until=reads.lock_of(database, user, at=at),
        roles=queries.roles_of(database, [user.id]).get(user.id, []),
        is_administrator=bool(ADMINISTRATORS & {row.role for row in user.roles}),
        sessions=queries.sessions_of(database, user.id, at=at),
        deactivate=form,
        refused=refused,
        seen=queries.last_seen(database, [user.id]).get(user.id),
        has_factor=queries.has_factor(database, user.id),
        one_time_until=one_time_until(user.one_time_at, queries.one_time_hours(database)),
        at=at,
    )


def _texts(user: User) -> dict[str, str]:
    return {
        "username": user.username,
        "name": user.name,
        "unit_id": "" if user.unit_id is None else str(user.unit_id),
        "email": user.email or "",
    }


@bp.get("/people/<int:user_id>/edit")
@needs("account:manage")
def people_edit(user_id: int) -> Any:
    user = queries.get_person(db.session(), user_id, viewer=actor())
    form = PersonForm(MultiDict({**_texts(user), "version": str(user.version)}))
    _choices(form, user.unit_id)
    return render_template("accounts/person_form.html", form=form, user=user)


@bp.post("/people/<int:user_id>/edit")
@needs("account:manage")
def people_save(user_id: int) -> Any:
    over = _over(user_id, gettext("编辑账号"), _texts)
    user = over.row
    form = over.form(PersonForm, lambda form: _choices(form, user.unit_id))

    def write() -> None:
        actions.edit(
            db.session(), user, actor=actor(), version=form.version_seen, username=form.username.value,
            name=form.name.value, unit_id=as_id(form.unit_id), email=form.email.value,
        )  # fmt: skip

    def done() -> Any:
        flash(gettext("已保存「%(name)s」。", name=form.name.value), "done")
        return back_to("accounts.people_show", user_id=user_id)

    def again(refused: str | None) -> str:
        found = queries.get_person(db.session(), user_id, viewer=actor())
        return render_template("accounts/person_form.html", form=form, user=found, refused=refused)

    return save(form, write, done=done, again=again, over=over)


def _over(user_id: int, title: str, texts: Texts) -> Over:
    return Over(
        lambda: queries.get_person(db.session(), user_id, viewer=actor()), texts, title=title,
        back=url_for("accounts.people_show", user_id=user_id),
    )  # fmt: skip


@bp.post("/people/<int:user_id>/deactivate")
@needs("account:manage")
def people_deactivate(user_id: int) -> Any:
    over = _over(user_id, gettext("停用账号"), lambda user: {"reason": user.deactivation_reason or ""})
    user = over.row
    form = over.form(DeactivateForm)

    def write() -> None:
        actions.deactivate(
            db.session(), user, actor=actor(), version=form.version_seen, on=today(),
            reason=form.reason.value, at=now(),
        )  # fmt: skip

    def done() -> Any:
        flash(gettext("已停用「%(name)s」，所有设备都已退出。", name=user.name), "done")
        return back_to("accounts.people_show", user_id=user_id)

    return save(form, write, done=done, again=lambda refused: _show(user_id, form, refused), over=over)


@bp.post("/people/<int:user_id>/reactivate")
@needs("account:manage")
def people_reactivate(user_id: int) -> Any:
    over = _over(user_id, gettext("恢复账号"), lambda user: {})
    user = over.row
    form = over.form(VersionedForm)

    def write() -> None:
        actions.reactivate(db.session(), user, actor=actor(), version=form.version_seen)

    def done() -> Any:
        flash(gettext("已恢复「%(name)s」。", name=user.name), "done")
        return back_to("accounts.people_show", user_id=user_id)

    return save(form, write, done=done, again=lambda refused: _show(user_id, refused=refused), over=over)


@bp.post("/people/<int:user_id>/unlock")
@needs("account:manage")
def people_unlock(user_id: int) -> Any:
    user = queries.get_person(db.session(), user_id, viewer=actor())
    actions.unlock(db.session(), user, actor=actor())
    commit()
    flash(gettext("已解锁「%(name)s」。", name=user.name), "done")
    return back_to("accounts.people_show", user_id=user_id)


@bp.post("/people/<int:user_id>/end-sessions")
@needs("account:manage")
def people_end_sessions(user_id: int) -> Any:
    user = queries.get_person(db.session(), user_id, viewer=actor())
    actions.end_sessions(db.session(), user, actor=actor(), at=now())
    commit()
    flash(gettext("「%(name)s」在所有设备上都已退出。", name=user.name), "done")
    return back_to("accounts.people_show", user_id=user_id)


@bp.post("/people/<int:user_id>/remove-factor")
@needs("account:manage")
def people_remove_factor(user_id: int) -> Any:
    user = queries.get_person(db.session(), user_id, viewer=actor())
    factors.remove(db.session(), user, actor=actor())
    commit()
    flash(gettext("已取消「%(name)s」的第二因素。", name=user.name), "done")
    return back_to("accounts.people_show", user_id=user_id)


@bp.post("/people/<int:user_id>/reset-password")
@needs("account:manage")
def people_reset_password(user_id: int) -> Any:
    """The new one-time password is shown on this answer and never again."""
    user = queries.get_person(db.session(), user_id, viewer=actor())
    actions.check_may_reset(db.session(), user, actor=actor())
    db.session.rollback()
    password = one_time_password()
    password_hash = hash_password(password)
    user = queries.get_person(db.session(), user_id, viewer=actor())
    actions.reset_password(db.session(), user, actor=actor(), password_hash=password_hash, at=now())
    commit()
    return render_template(
        "accounts/one_time.html",
        user=user,
        password=password,
        is_new=False,
        hours=queries.one_time_hours(db.session()),
    )
