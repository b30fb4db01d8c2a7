"""One firm's page, its lazily loaded panels, and its facts edited in place."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, render_template, request, url_for
from werkzeug.datastructures import MultiDict

from crm.core.clock import today
from crm.core.conflicts import merged, originals, sides
from crm.core.db import db
from crm.core.forms import options
from crm.core.i18n import gettext, say, wan, word
from crm.core.permissions import Forbidden, needs
from crm.core.transaction import commit
from crm.core.undo import ACTIONS
from crm.core.web import actor, back_to
from crm.core.words import N_, Conflict, Refused, Word
from crm.firms import actions, queries
from crm.firms.forms import SECTIONS, FirmForm, keep
from crm.firms.models import Firm
from crm.firms.rules.columns import REGISTRY
from crm.firms.rules.standing import mask_mail, mask_phone
from crm.firms.rules.words import Act, FirmStatus, LeadingIndustry, Metric, SizeClass
from crm.firms.views.blueprint import bp

LABELS = {rule.name: rule.label for rule in REGISTRY} | {
    "source": N_("来源"), "capital_yuan": N_("注册资本"), "capital_text": N_("注册资本"), "street_id": N_("街道"),
    "officer_id": N_("服务专员"), "status_on": N_("状态日期"), "status_reason": N_("状态原因"),
    "archived_on": N_("归档日期"), "archive_reason": N_("归档原因"), "merged_into_id": N_("并入"),
}  # fmt: skip
HIDDEN = frozenset({"name_key", "name_sort", "version"})


@bp.get("/firms/<int:firm_id>")
@needs("firm:read")
def show(firm_id: int) -> Any:
    return page(firm_id)


def page(firm_id: int, revealed: Any = None) -> str:
    """The record; `revealed` is a contact shown in full, once."""
    session, viewer = db.session(), actor()
    firm = queries.get_firm(session, firm_id, viewer=viewer)
    rights = queries.rights(session, firm_id, viewer)
    figures = list(reversed(queries.figures_of(session, firm_id))) if rights.figures else []
    return render_template(
        "firms/show.html",
        firm=firm,
        rights=rights,
        tags=[tag for make in queries.TAGS for tag in make(session, firm_id, today())],
        contacts=queries.contacts_of(session, firm_id),
        revealed=revealed,
        mask_phone=mask_phone,
        mask_mail=mask_mail,
        names=queries.names_of(session, firm_id),
        taken_in=queries.taken_in(session, firm_id),
        figures=figures,
        metrics=[m for m in Metric if any(getattr(row, m.value) is not None for row in figures)],
        above=queries.above_scale_of(session, firm_id),
        panels=[panel for panel in queries.PANELS if viewer.may(panel.needs)],
        fact_sections=SECTIONS,
        labels=LABELS,
        facts=facts(firm),
    )


def capital_text(firm: Firm) -> str:
    """Registered capital as a form shows it: 万元, or as written when it is foreign money."""
    if firm.capital_text:
        return firm.capital_text
    return "" if firm.capital_yuan is None else wan(firm.capital_yuan).replace(",", "")


def texts(firm: Firm) -> dict[str, str]:
    """The facts of a firm as its form shows them."""
    return {
        "name": firm.name,
        "code": firm.code or "",
        "registered_on": firm.registered_on.isoformat() if firm.registered_on else "",
        "capital": capital_text(firm),
        "size_class": firm.size_class.value if firm.size_class else "",
        "leading_industry": firm.leading_industry.value,
        "industry_code": firm.industry_code or "",
        "street": str(firm.street_id or ""),
        "address": firm.address or "",
        "officer": str(firm.officer_id or ""),
        "business": firm.business or "",
        "source": firm.source or "",
        "source_number": firm.source_number or "",
    }


def facts(firm: Firm) -> dict[str, str | None]:
    """The facts as a reader sees them, by field."""
    shown: dict[str, str | None] = dict(texts(firm))
    shown["size_class"] = word(firm.size_class) if firm.size_class else None
    shown["leading_industry"] = word(firm.leading_industry)
    shown["street"] = firm.street.short_name if firm.street else None
    shown["officer"] = firm.officer.name if firm.officer else None
    if firm.capital_yuan is not None and not firm.capital_text:
        shown["capital"] = gettext("%(amount)s 万元", amount=wan(firm.capital_yuan))
    return shown


def offer(form: FirmForm) -> FirmForm:
    """Fill the selects that depend on the data."""
    session = db.session()
    if "street" in form:
        form.street.choices = options(
            [("", gettext("未填")), *((str(key), name) for key, name in queries.streets(session))]
        )
    if "officer" in form:
        form.officer.choices = options(
            [("", gettext("未定")), *((str(key), name) for key, name in queries.officers(session))]
        )
    return form


def fields_of(section: str) -> tuple[str, ...]:
    """The fields of a section, or of the whole record. Aborts 404 for one that does not exist."""
    if section == "all":
        return tuple(name for _label, names in SECTIONS.values() for name in names)
    if section not in SECTIONS:
        abort(404)
    return SECTIONS[section][1]


@bp.get("/firms/<int:firm_id>/edit/<string:section>")
@needs("firm:edit")
def edit(firm_id: int, section: str) -> Any:
    """The form of a section (or `all`): a part of the page for htmx, else a page of its own."""
    names = fields_of(section)
    firm = _editable(firm_id)
    form = FirmForm(MultiDict({**texts(firm), "version": str(firm.version)}))
    keep(form, names)
    return _form(offer(form), firm, section)


def _editable(firm_id: int) -> Firm:
    firm = queries.get_firm(db.session(), firm_id, viewer=actor())
    if not queries.rights(db.session(), firm_id, actor()).edit:
        raise Forbidden(N_("您的角色只能改本街道或本人负责的企业。"))
    return firm


def _form(form: FirmForm, firm: Firm, section: str, refused: str | None = None, duplicate: Any = None) -> str:
    is_part = request.headers.get("HX-Request") == "true"
    return render_template(
        "firms/_section_form.html" if is_part else "firms/edit.html",
        form=form,
        firm=firm,
        section=section,
        title=gettext("编辑企业") if section == "all" else say(SECTIONS[section][0]),
        refused=refused,
        duplicate=duplicate,
    )


@bp.post("/firms/<int:firm_id>/edit/<string:section>")
@needs("firm:edit")
def save(firm_id: int, section: str) -> Any:
    names = fields_of(section)
    firm = _editable(firm_id)
    theirs, current = texts(firm), firm.version
    form = FirmForm(merged(request.form, {name: theirs[name] for name in names}))
    keep(form, names)
    offer(form)
    refused, duplicate = None, None
    if form.validate():
        try:
            actions.edit(
                db.session(), firm, actor=actor(), today=today(), version=form.version_seen or 0, **form.facts
            )
            commit()
            flash(gettext("已保存「%(name)s」。", name=firm.name), "done")
            return back_to("firms.show", firm_id=firm_id)
        except Conflict:
            db.session.rollback()
            return _conflict(form, firm_id, section, theirs, current), 409
        except Refused as refusal:
            db.session.rollback()
            refused = form.refuse(refusal)
            duplicate = refusal if isinstance(refusal, actions.Duplicate) else None
            firm = queries.get_firm(db.session(), firm_id, viewer=actor())
    return _form(form, firm, section, refused, duplicate), 422


_COLUMNS = {"capital": "capital_yuan", "street": "street_id", "officer": "officer_id"}


def _conflict(form: FirmForm, firm_id: int, section: str, theirs: dict[str, str], current: int) -> str:
    names = fields_of(section)
    before = originals(db.session(), "firms", firm_id, steps=current - (form.version_seen or 0))
    was = {name: before[_COLUMNS.get(name, name)] for name in names if _COLUMNS.get(name, name) in before}
    if was.get("capital") is not None:
        was["capital"] = wan(was["capital"]).replace(",", "")
    shown = {
        name: {str(value): str(label) for value, label, *_ in form[name].iter_choices()}
        for name in names
        if form[name].type == "ChoiceField"
    }
    rows = sides(
        [(name, form[name].label.text) for name in names],
        before=was,
        theirs=theirs,
        mine={name: form[name].data or "" for name in names},
        show=lambda name, value: shown.get(name, {}).get(value, value),
    )
    editor = queries.last_editor(db.session(), firm_id)
    return render_template(
        "firms/conflict.html",
        rows=rows,
        version=current,
        editor=editor,
        action=url_for("firms.save", firm_id=firm_id, section=section),
        firm_id=firm_id,
    )


@bp.get("/firms/<int:firm_id>/holdings")
@needs("firm:read")
def holdings_panel(firm_id: int) -> Any:
    """IP, equity and institutions: a part loaded when it comes into view."""
    session, viewer = db.session(), actor()
    firm = queries.get_firm(session, firm_id, viewer=viewer)
    rights = queries.rights(session, firm_id, viewer)
    return render_template(
        "firms/_holdings.html",
        firm=firm,
        rights=rights,
        ip=queries.ip_of(session, firm_id),
        equity=queries.equity_of(session, firm_id) if rights.figures else [],
        institutions=queries.institutions_of(session, firm_id),
    )


@bp.get("/firms/<int:firm_id>/history")
@needs("firm:read")
def history_panel(firm_id: int) -> Any:
    """What was done to the record, the latest first."""
    session, viewer = db.session(), actor()
    firm = queries.get_firm(session, firm_id, viewer=viewer)
    acts = {**ACTIONS, **{act.value: act.label for act in Act}}
    entries = [
        {
            "at": entry.at,
            "who": entry.who,
            "title": say(acts[entry.action]) if entry.action in acts else entry.action,
            "year": entry.params.get("year"),
            "changes": [
                (say(LABELS.get(key, key)), _told(key, old), _told(key, new))
                for key, old, new in entry.changes
                if key not in HIDDEN
            ],
        }
        for entry in queries.history_of(session, firm_id)
    ]
    return render_template("firms/_history.html", firm=firm, entries=entries)


def _told(key: str, value: Any) -> str:
    """A value of the journal as a reader understands it."""
    if value is None:
        return "—"
    words: dict[str, type[Word]] = {
        "status": FirmStatus, "size_class": SizeClass, "leading_industry": LeadingIndustry,
    }  # fmt: skip
    if key in words and value in {member.value for member in words[key]}:
        return word(words[key](value))
    if key.endswith("_yuan"):
        return str(gettext("%(amount)s 万元", amount=wan(value)))
    if key == "street_id":
        return dict(queries.streets(db.session())).get(value, str(value))
    if key == "officer_id":
        return dict(queries.officers(db.session())).get(value, str(value)).partition(" · ")[0]
    return str(value)
