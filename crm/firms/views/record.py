"""One firm's page, its lazily loaded panels, and its facts edited in place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import abort, flash, render_template, request, url_for
from werkzeug.datastructures import MultiDict

from crm.core import recent
from crm.core.clock import now, today
from crm.core.db import Base, db
from crm.core.forms import options
from crm.core.history import changed_fields
from crm.core.i18n import gettext, say, wan, word, yuan
from crm.core.permissions import Forbidden, needs
from crm.core.saving import Over
from crm.core.saving import save as save_form
from crm.core.web import actor, back_to
from crm.core.words import N_
from crm.firms import actions, queries
from crm.firms.forms import SECTIONS, FirmForm, keep
from crm.firms.models import Contact, EquityRound, Firm, IpCount, RdInstitution, YearFigures
from crm.firms.rules.columns import REGISTRY
from crm.firms.rules.contacts import MOST_A_DAY
from crm.firms.rules.standing import mask_mail, mask_phone
from crm.firms.rules.words import Metric
from crm.firms.views.blueprint import bp

LABELS = {rule.name: rule.label for rule in REGISTRY} | {"source": N_("来源")}
# the columns behind a field of the form, where they are called otherwise
COLUMNS = {"capital": ("capital_yuan", "capital_text"), "street": ("street_id",), "officer": ("officer_id",)}


@bp.get("/firms/<int:firm_id>")
@needs("firm:read")
def show(firm_id: int) -> Any:
    shown = page(firm_id)
    recent.note("firm", firm_id, user_id=actor().user_id)
    return shown


def page(firm_id: int, revealed: Any = None) -> str:
    """The record; `revealed` is a contact shown in full, once."""
    session, viewer = db.session(), actor()
    firm = queries.get_firm(session, firm_id, viewer=viewer)
    rights = queries.rights(session, firm_id, viewer)
    figures = list(reversed(queries.figures_of(session, firm_id))) if rights.figures else []
    contacts = queries.contacts_of(session, firm_id)
    rows: dict[type[Base], list[int]] = {
        Firm: [firm_id],
        YearFigures: [row.id for row in figures],
        Contact: [row.id for row in contacts],
    }
    changed = changed_fields(session, rows)
    return render_template(
        "firms/show.html",
        firm=firm,
        rights=rights,
        tags=[tag for make in queries.TAGS for tag in make(session, firm_id, today())],
        contacts=contacts,
        looked=queries.looked(session, viewer.user_id, now()) if rights.reveal and contacts else None,
        most_a_day=MOST_A_DAY,
        changed=changed,
        pasts=_pasts(changed.get(("firms", firm_id), set())),
        revealed=revealed,
        mask_phone=mask_phone,
        mask_mail=mask_mail,
        names=queries.names_of(session, firm_id),
        taken_in=queries.taken_in(session, firm_id) if rights.has_taken_in else [],
        figures=figures,
        metrics=[m for m in Metric if any(getattr(row, m.value) is not None for row in figures)],
        above=queries.above_scale_of(session, firm_id),
        panels=[panel for panel in queries.PANELS if viewer.may(panel.needs)],
        fact_sections=SECTIONS,
        labels=LABELS,
        facts=facts(firm),
    )


def _pasts(changed: set[str]) -> dict[str, str]:
    """The fields of the page that have a history, and the fact it is kept under."""
    found = {}
    for name in LABELS:
        columns = COLUMNS.get(name, (name,))
        if changed.intersection(columns):
            found[name] = columns[0]
    return found


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
        shown["capital"] = yuan(firm.capital_yuan)
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


@contextmanager
def keeping(found: list[actions.Duplicate]) -> Iterator[None]:
    """Notes the duplicate a block is refused for, so that the page can lead to it."""
    try:
        yield
    except actions.Duplicate as refusal:
        found.append(refusal)
        raise


@bp.post("/firms/<int:firm_id>/edit/<string:section>")
@needs("firm:edit")
def save(firm_id: int, section: str) -> Any:
    names = fields_of(section)
    firm = _editable(firm_id)
    over = Over(
        lambda: queries.get_firm(db.session(), firm_id, viewer=actor()),
        lambda row: {name: text for name, text in texts(row).items() if name in names},
        title=gettext("编辑企业") if section == "all" else say(SECTIONS[section][0]),
        back=url_for("firms.show", firm_id=firm_id),
    )

    def cut(form: FirmForm) -> None:
        keep(form, names)
        offer(form)

    form = over.form(FirmForm, cut)
    found: list[actions.Duplicate] = []

    def write() -> None:
        with keeping(found):
            actions.edit(
                db.session(), firm, actor=actor(), today=today(), version=form.version_seen, **form.facts
            )

    def done() -> Any:
        flash(gettext("已保存「%(name)s」。", name=firm.name), "done")
        return back_to("firms.show", firm_id=firm_id)

    def again(refused: str | None) -> str:
        return _form(
            form,
            queries.get_firm(db.session(), firm_id, viewer=actor()),
            section,
            refused,
            found[-1] if found else None,
        )

    return save_form(form, write, done=done, again=again, over=over)


@bp.get("/firms/<int:firm_id>/holdings")
@needs("firm:read")
def holdings_panel(firm_id: int) -> Any:
    """IP, equity and institutions: a part loaded when it comes into view."""
    session, viewer = db.session(), actor()
    firm = queries.get_firm(session, firm_id, viewer=viewer)
    rights = queries.rights(session, firm_id, viewer)
    ip, institutions = queries.ip_of(session, firm_id), queries.institutions_of(session, firm_id)
    equity = queries.equity_of(session, firm_id) if rights.figures else []
    rows: dict[type[Base], list[int]] = {
        IpCount: [row.id for row in ip],
        EquityRound: [row.id for row in equity],
        RdInstitution: [row.id for row in institutions],
    }
    return render_template(
        "firms/_holdings.html",
        firm=firm,
        rights=rights,
        ip=ip,
        equity=equity,
        institutions=institutions,
        changed=changed_fields(session, rows),
    )
