"""Units: the tree, new, edit, heads by date."""

from __future__ import annotations

from typing import Any

from flask import flash, render_template, url_for
from werkzeug.datastructures import MultiDict

from crm.accounts import queries
from crm.accounts.actions import units as actions
from crm.accounts.forms import HeadForm, UnitForm, as_id
from crm.accounts.models import Unit
from crm.accounts.rules import UnitKind
from crm.accounts.views.blueprint import bp
from crm.core.clock import now, today
from crm.core.db import db
from crm.core.forms import options
from crm.core.i18n import gettext
from crm.core.permissions import needs
from crm.core.saving import Over, save
from crm.core.web import actor, back_to

NAMES = ("name", "short_name", "kind", "parent_id", "starts_on", "ends_on", "successor_id")


@bp.get("/units")
@needs("account:manage", "role:grant")
def units() -> Any:
    lines = queries.tree(db.session(), on=today())
    return render_template("accounts/units.html", lines=lines, today=today())


def _choices(form: UnitForm, unit: Unit | None) -> None:
    found = options(
        [
            ("", "—"),
            *(
                (str(key), name)
                for key, name in queries.unit_choices(db.session())
                if unit is None or key != unit.id
            ),
        ]
    )
    form.parent_id.choices = form.successor_id.choices = found


def _texts(unit: Unit) -> dict[str, str]:
    values = {name: getattr(unit, name) for name in NAMES}
    return {name: "" if value is None else str(value) for name, value in values.items()}


def _facts(form: UnitForm) -> dict[str, Any]:
    return {
        "name": form.name.value,
        "short_name": form.short_name.value,
        "kind": UnitKind(form.kind.data),
        "parent_id": as_id(form.parent_id),
        "starts_on": form.starts_on.value,
        "ends_on": form.ends_on.value,
        "successor_id": as_id(form.successor_id),
    }


@bp.get("/units/new")
@needs("account:manage")
def units_new() -> Any:
    form = UnitForm()
    _choices(form, None)
    return render_template("accounts/unit_form.html", form=form, unit=None)


@bp.post("/units/new")
@needs("account:manage")
def units_add() -> Any:
    form = UnitForm()
    _choices(form, None)
    made: list[Unit] = []

    def done() -> Any:
        flash(gettext("已新建「%(name)s」。", name=made[0].name), "done")
        return back_to("accounts.units_show", unit_id=made[0].id)

    return save(
        form,
        lambda: made.append(actions.add(db.session(), actor=actor(), **_facts(form))),
        done=done,
        again=lambda refused: render_template(
            "accounts/unit_form.html", form=form, unit=None, refused=refused
        ),
    )


@bp.get("/units/<int:unit_id>")
@needs("account:manage", "role:grant")
def units_show(unit_id: int) -> Any:
    return _show(unit_id)


def _show(unit_id: int, form: HeadForm | None = None, refused: str | None = None) -> str:
    unit = queries.get_unit(db.session(), unit_id)
    if form is None:
        form = HeadForm(MultiDict({"version": str(unit.version), "starts_on": today().isoformat()}))
        _head_choices(form)
    return render_template(
        "accounts/unit.html",
        unit=unit,
        heads=queries.heads_of(db.session(), unit_id),
        form=form,
        refused=refused,
        today=today(),
    )


def _head_choices(form: HeadForm) -> None:
    form.user_id.choices = options(
        [
            ("", gettext("空缺")),
            *(
                (str(key), f"{name} · {unit}" if unit else name)
                for key, name, unit in queries.officers(db.session())
            ),
        ]
    )


@bp.get("/units/<int:unit_id>/edit")
@needs("account:manage")
def units_edit(unit_id: int) -> Any:
    unit = queries.get_unit(db.session(), unit_id)
    form = UnitForm(MultiDict({**_texts(unit), "version": str(unit.version)}))
    _choices(form, unit)
    return render_template("accounts/unit_form.html", form=form, unit=unit)


@bp.post("/units/<int:unit_id>/edit")
@needs("account:manage")
def units_save(unit_id: int) -> Any:
    over = Over(
        lambda: queries.get_unit(db.session(), unit_id), _texts, title=gettext("编辑单位"),
        back=url_for("accounts.units_show", unit_id=unit_id),
    )  # fmt: skip
    unit = over.row
    form = over.form(UnitForm, lambda form: _choices(form, unit))

    def write() -> None:
        actions.edit(db.session(), unit, actor=actor(), version=form.version_seen, **_facts(form))

    def done() -> Any:
        flash(gettext("已保存「%(name)s」。", name=unit.name), "done")
        return back_to("accounts.units_show", unit_id=unit_id)

    def again(refused: str | None) -> str:
        found = queries.get_unit(db.session(), unit_id)
        return render_template("accounts/unit_form.html", form=form, unit=found, refused=refused)

    return save(form, write, done=done, again=again, over=over)


@bp.post("/units/<int:unit_id>/head")
@needs("account:manage")
def units_head(unit_id: int) -> Any:
    over = Over(
        lambda: queries.get_unit(db.session(), unit_id), _head_texts, title=gettext("负责人"),
        back=url_for("accounts.units_show", unit_id=unit_id), was=_head_before,
    )  # fmt: skip
    unit = over.row
    form = over.form(HeadForm, _head_choices)

    def write() -> None:
        actions.name_head(
            db.session(), unit, actor=actor(), version=form.version_seen, user_id=as_id(form.user_id),
            on=form.starts_on.value, at=now(),
        )  # fmt: skip

    def done() -> Any:
        flash(gettext("已记下「%(name)s」的负责人。", name=unit.name), "done")
        return back_to("accounts.units_show", unit_id=unit_id)

    return save(form, write, done=done, again=lambda refused: _show(unit_id, form, refused), over=over)


def _head_texts(unit: Unit) -> dict[str, str]:
    """Who heads the unit by the latest record, as the form shows it."""
    return _head(unit, 0)


def _head_before(unit: Unit) -> dict[str, str]:
    """Who headed it before that."""
    return _head(unit, 1)


def _head(unit: Unit, place: int) -> dict[str, str]:
    heads = queries.heads_of(db.session(), unit.id)
    if len(heads) <= place:
        return {"user_id": "", "starts_on": ""}
    return {"user_id": str(heads[place].user_id), "starts_on": heads[place].starts_on.isoformat()}
