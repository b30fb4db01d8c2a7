"""Settings: what can be set, by section; who changed what when; two editors at once see both sides."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, render_template, request, url_for
from werkzeug.datastructures import MultiDict

from crm.accounts.queries import names
from crm.core import settings as stored
from crm.core.conflicts import merged, sides
from crm.core.db import db
from crm.core.forms import VersionedForm
from crm.core.i18n import gettext, say
from crm.core.permissions import needs
from crm.core.settings import DECLARED, Section, Setting
from crm.core.transaction import commit
from crm.core.web import actor, back_to
from crm.core.words import Conflict, Refused
from crm.overview.forms import section_form, value_of
from crm.overview.views.blueprint import bp

ALL = ("setting:manage", "policy:manage", "audit:read")  # see every section
OWN = ("listing:edit",)  # of a bureau: see and change the own section, no other


def sees_all() -> bool:
    """Whether this person sees every section, not only the own."""
    return any(actor().may(permission) for permission in ALL)


def sections() -> list[Section]:
    """The sections this person may see."""
    return [section for section in stored.sections() if sees_all() or actor().may(section.by)]


def of(section: Section) -> list[Setting[Any]]:
    return [setting for setting in DECLARED.values() if setting.section == section]


def shown(setting: Setting[Any], value: Any) -> str:
    """A value in words, with its unit."""
    labels = {key: say(label) for key, label in setting.options}
    text = setting.text(value)
    if setting.options:
        return str(gettext("、").join(labels[key] for key in text.split(",") if key) or gettext("无"))
    unit = f" {say(setting.unit)}" if setting.unit and text else ""
    return f"{text}{unit}" if text else str(gettext("空"))


def _texts(section: Section) -> tuple[dict[str, str], int]:
    """What the section's fields hold now, by field name, and its version."""
    rows = stored.rows_of(db.session(), [setting.key for setting in of(section)])
    texts = {
        setting.name: setting.text(
            setting.revive(rows[setting.key].value) if setting.key in rows else setting.default
        )
        for setting in of(section)
    }
    return texts, stored.version_of(rows)


def _posted(section: Section, texts: dict[str, str]) -> MultiDict[str, str]:
    """Form data of texts; several choices become several values."""
    data: MultiDict[str, str] = MultiDict(texts)
    for setting in of(section):
        if setting.kind == "choices":
            data.setlist(setting.name, [item for item in texts.get(setting.name, "").split(",") if item])
    return data


def _filled(section: Section) -> VersionedForm:
    texts, version = _texts(section)
    data = _posted(section, texts)
    data.update({f"was_{name}": text for name, text in texts.items()})
    data["version"] = str(version)
    return section_form(of(section))(data)


def _page(
    form: VersionedForm | None = None, section: Section | None = None, refused: str | None = None
) -> str:
    database, seen = db.session(), sections()
    keys = [setting.key for item in seen for setting in of(item)]
    changed = stored.rows_of(database, keys)
    people = names(database, {row.updated_by_id for row in changed.values() if row.updated_by_id})
    return render_template(
        "overview/settings.html",
        sections=[
            (
                item,
                of(item),
                form if form is not None and item == section else _filled(item),
                actor().may(item.by),
            )
            for item in seen
        ],
        refused_in=section.key if section else None,
        refused=refused,
        changed=changed,
        people=people,
        history=stored.history(database, keys),
        is_whole=sees_all(),
        shown=shown,
        can_read_log=actor().may("audit:read"),
    )


@bp.get("/settings")
@needs(*ALL, *OWN)
def settings() -> Any:
    return _page()


@bp.post("/settings/<string:key>")
@needs("setting:manage", "policy:manage", *OWN)
def settings_save(key: str) -> Any:
    section = next((item for item in stored.sections() if item.key == key), None)
    if section is None:
        abort(404)
    actor().require(section.by)
    theirs, _version = _texts(section)
    picked = merged(request.form, theirs)
    answered = picked is not request.form  # the page with both sides was answered
    form = section_form(of(section))(_posted(section, picked.to_dict()) if answered else request.form)
    refused = None
    if form.validate():
        try:
            values = {setting.key: value_of(form, setting) for setting in of(section)}
            keys = stored.change(db.session(), section, values, actor=actor(), version=form.version_seen)
            commit()
            flash(gettext("设置已保存。") if keys else gettext("没有改动。"), "done")
            return back_to("overview.settings")
        except Conflict:
            db.session.rollback()
            return _both(section, form)
        except Refused as refusal:
            db.session.rollback()
            refused = form.refuse(refusal)
    return _page(form, section, refused), 422


def _both(section: Section, form: VersionedForm) -> Any:
    theirs, current = _texts(section)
    by_name = {setting.name: setting for setting in of(section)}
    rows = sides(
        [(setting.name, say(setting.label)) for setting in of(section)],
        before={
            name: form[f"was_{name}"].data or "" for name in by_name if form[f"was_{name}"].data is not None
        },
        theirs=theirs,
        mine={name: by_name[name].text(value_of(form, by_name[name])) for name in by_name},
        show=lambda name, value: (
            shown(by_name[name], by_name[name].revive(value.split(",")))
            if by_name[name].kind == "choices"
            else shown(by_name[name], by_name[name].revive(value))
        ),
    )
    return render_template(
        "overview/settings_conflict.html",
        rows=rows,
        version=current,
        action=url_for("overview.settings_save", key=section.key),
    ), 409
