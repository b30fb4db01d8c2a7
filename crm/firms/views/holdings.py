"""Forms over what is dated or counted: figures, IP, equity, institutions, above scale."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict

from crm.core.clock import today
from crm.core.db import db
from crm.core.i18n import gettext, wan
from crm.core.permissions import Forbidden, needs
from crm.core.transaction import commit
from crm.core.web import actor, back_to
from crm.core.words import N_, Conflict, Missing, Refused
from crm.firms import actions, queries
from crm.firms.forms import AboveScaleForm, EquityForm, FiguresForm, InstitutionForm, IpRowForm
from crm.firms.models import EquityRound, Firm, RdInstitution, YearFigures
from crm.firms.rules.words import Acquisition, EquityKind, InstitutionLevel, IpKind, Metric
from crm.firms.views.blueprint import bp


def _firm(firm_id: int) -> Firm:
    """The firm, when the viewer may edit its figures; refused before anything typed is looked at."""
    firm = queries.get_firm(db.session(), firm_id, viewer=actor())
    if not queries.rights(db.session(), firm_id, actor()).edit_figures:
        raise Forbidden(N_("您的角色不能修改这家企业的数据。"))
    return firm


@bp.get("/firms/<int:firm_id>/figures")
@needs("figure:edit")
def figures_choose(firm_id: int) -> Any:
    """Leads on to a year's form: ``?year=2025``, by default last year."""
    raw = request.args.get("year", "")
    year = int(raw) if raw.isascii() and raw.isdigit() and len(raw) == 4 else today().year - 1
    return redirect(url_for("firms.figures", firm_id=firm_id, year=year), 303)


def _figure_texts(row: YearFigures | None) -> dict[str, str]:
    texts: dict[str, str] = {}
    for metric in Metric:
        value = getattr(row, metric.value) if row is not None else None
        shown = "" if value is None else (wan(value).replace(",", "") if metric.is_money else str(value))
        texts[metric.value] = shown
    return texts


def _check_year(year: int) -> None:
    if not 1990 <= year <= today().year:
        abort(404)


@bp.get("/firms/<int:firm_id>/figures/<int:year>")
@needs("figure:edit")
def figures(firm_id: int, year: int) -> Any:
    _check_year(year)
    firm = _firm(firm_id)
    row = queries.figures_in(db.session(), firm_id, year)
    form = FiguresForm(MultiDict({**_figure_texts(row), "version": str(row.version if row else 0)}))
    return _figures_form(form, firm, year, row)


def _figures_form(
    form: FiguresForm, firm: Firm, year: int, row: YearFigures | None, refused: str | None = None
) -> str:
    return render_template(
        "firms/figures.html", firm=firm, form=form, year=year, refused=refused, this_year=today().year,
        metrics=list(Metric), sources=row.sources if row is not None else {},
    )  # fmt: skip


@bp.post("/firms/<int:firm_id>/figures/<int:year>")
@needs("figure:edit")
def figures_save(firm_id: int, year: int) -> Any:
    _check_year(year)
    firm, form, refused = _firm(firm_id), FiguresForm(), None
    row = queries.figures_in(db.session(), firm_id, year)
    if form.validate():
        typed = {metric.value: form[metric.value].value for metric in Metric}
        was = _figure_texts(row)
        # a figure shown rounded to 万元 that nobody touched keeps its exact yuan
        figures = {
            name: value for name, value in typed.items() if (form[name].data or "").strip() != was[name]
        }
        try:
            if (row.version if row else 0) != (form.version_seen or 0):
                raise Conflict(N_("这一年的数据刚刚被别人改过，请核对后再保存。"))
            actions.set_figures(
                db.session(), firm, actor=actor(), today=today(), year=year, figures=figures,
                source=form.source.value or "", on=form.on.value,
            )  # fmt: skip
            commit()
            flash(gettext("已保存 %(year)s 年的数据。", year=year), "done")
            return back_to("firms.show", firm_id=firm_id)
        except Conflict:
            db.session.rollback()
            return _figures_conflict(form, firm_id, year), 409
        except Refused as refusal:
            db.session.rollback()
            refused, firm = form.refuse(refusal), _firm(firm_id)
    return _figures_form(form, firm, year, row, refused), 422


def _figures_conflict(form: FiguresForm, firm_id: int, year: int) -> str:
    """Theirs stands in the form's hints, mine in its fields: the next save writes mine, knowingly."""
    firm = _firm(firm_id)
    row = queries.figures_in(db.session(), firm_id, year)
    theirs = _figure_texts(row)
    differing = [m for m in Metric if (form[m.value].data or "").strip() != theirs[m.value]]
    form.version.data = str(row.version if row else 0)
    form.version.raw_data = [form.version.data]
    return render_template(
        "firms/figures.html", firm=firm, form=form, year=year, refused=None, this_year=today().year,
        metrics=list(Metric), sources=row.sources if row is not None else {}, theirs=theirs, differing=differing,
    )  # fmt: skip


@bp.get("/firms/<int:firm_id>/ip")
@needs("figure:edit")
def ip(firm_id: int) -> Any:
    start = {"counted_on": today().isoformat(), "acquisition": Acquisition.OWN.value}
    return _ip_form(IpRowForm(MultiDict(start)), _firm(firm_id))


def _ip_form(form: IpRowForm, firm: Firm, refused: str | None = None) -> str:
    counts = queries.ip_of(db.session(), firm.id)
    return render_template("firms/ip.html", firm=firm, form=form, counts=counts, refused=refused)


@bp.post("/firms/<int:firm_id>/ip")
@needs("figure:edit")
def ip_save(firm_id: int) -> Any:
    firm, form, refused = _firm(firm_id), IpRowForm(), None
    if form.validate():
        key = (IpKind(form.kind.value or ""), Acquisition(form.acquisition.value or ""))
        try:
            actions.set_ip(
                db.session(), firm, actor=actor(), today=today(), counted_on=form.counted_on.value,
                counts={key: form["count"].value}, source=form.source.value,
            )  # fmt: skip
            commit()
            flash(gettext("已保存知识产权数量。"), "done")
            return back_to("firms.ip", firm_id=firm_id)
        except Refused as refusal:
            db.session.rollback()
            refused, firm = form.refuse(refusal), _firm(firm_id)
    return _ip_form(form, firm, refused), 422


def _equity(firm_id: int, round_id: int | None) -> EquityRound | None:
    if round_id is None:
        return None
    found = db.session.get(EquityRound, round_id)
    if found is None or found.firm_id != firm_id:
        raise Missing(N_("没有这一轮融资。"))
    return found


@bp.get("/firms/<int:firm_id>/equity/new")
@needs("figure:edit")
def equity_new(firm_id: int) -> Any:
    form = EquityForm(MultiDict())
    return render_template("firms/equity.html", firm=_firm(firm_id), form=form, row=None, refused=None)


@bp.post("/firms/<int:firm_id>/equity/new")
@needs("figure:edit")
def equity_add(firm_id: int) -> Any:
    return _save_equity(firm_id, None)


@bp.get("/firms/<int:firm_id>/equity/<int:round_id>")
@needs("figure:edit")
def equity_edit(firm_id: int, round_id: int) -> Any:
    firm, row = _firm(firm_id), _equity(firm_id, round_id)
    assert row is not None  # noqa: S101 a missing one has been answered with 404
    texts = {
        "version": str(row.version),
        "on": row.on.isoformat(),
        "investor": row.investor,
        "kind": row.kind.value,
        "paid_in_yuan": "" if row.paid_in_yuan is None else wan(row.paid_in_yuan).replace(",", ""),
        "source": row.source or "",
    }
    return render_template(
        "firms/equity.html", firm=firm, form=EquityForm(MultiDict(texts)), row=row, refused=None
    )


@bp.post("/firms/<int:firm_id>/equity/<int:round_id>")
@needs("figure:edit")
def equity_save(firm_id: int, round_id: int) -> Any:
    return _save_equity(firm_id, round_id)


def _save_equity(firm_id: int, round_id: int | None) -> Any:
    firm, row, form, refused = _firm(firm_id), _equity(firm_id, round_id), EquityForm(), None
    if form.validate():
        try:
            actions.save_equity(
                db.session(), firm, actor=actor(), today=today(), on=form.on.value, investor=form.investor.value,
                kind=EquityKind(form.kind.value or ""), paid_in_yuan=form.paid_in_yuan.value,
                source=form.source.value, round_id=round_id, version=form.version_seen,
            )  # fmt: skip
            commit()
            flash(gettext("已保存这一轮融资。"), "done")
            return back_to("firms.show", firm_id=firm_id)
        except Refused as refusal:
            db.session.rollback()
            refused, firm, row = form.refuse(refusal), _firm(firm_id), _equity(firm_id, round_id)
            status = 409 if isinstance(refusal, Conflict) else 422
            return render_template(
                "firms/equity.html", firm=firm, form=form, row=row, refused=refused
            ), status
    return render_template("firms/equity.html", firm=firm, form=form, row=row, refused=refused), 422


@bp.post("/firms/<int:firm_id>/equity/<int:round_id>/drop")
@needs("figure:edit")
def equity_drop(firm_id: int, round_id: int) -> Any:
    actions.drop_equity(db.session(), _firm(firm_id), actor=actor(), round_id=round_id)
    commit()
    flash(gettext("已删除这一轮融资。"), "done")
    return back_to("firms.show", firm_id=firm_id)


def _institution(firm_id: int, institution_id: int | None) -> RdInstitution | None:
    if institution_id is None:
        return None
    found = db.session.get(RdInstitution, institution_id)
    if found is None or found.firm_id != firm_id:
        raise Missing(N_("没有这个研发机构。"))
    return found


@bp.get("/firms/<int:firm_id>/institutions/new")
@needs("figure:edit")
def institution_new(firm_id: int) -> Any:
    form = InstitutionForm(MultiDict())
    return render_template("firms/institution.html", firm=_firm(firm_id), form=form, row=None, refused=None)


@bp.post("/firms/<int:firm_id>/institutions/new")
@needs("figure:edit")
def institution_add(firm_id: int) -> Any:
    return _save_institution(firm_id, None)


@bp.get("/firms/<int:firm_id>/institutions/<int:institution_id>")
@needs("figure:edit")
def institution_edit(firm_id: int, institution_id: int) -> Any:
    firm, row = _firm(firm_id), _institution(firm_id, institution_id)
    assert row is not None  # noqa: S101 a missing one has been answered with 404
    texts = {
        "version": str(row.version),
        "name": row.name,
        "kind": row.kind or "",
        "level": row.level.value,
        "recognised_on": row.recognised_on.isoformat(),
        "ended_on": row.ended_on.isoformat() if row.ended_on else "",
        "document": row.document or "",
    }
    form = InstitutionForm(MultiDict(texts))
    return render_template("firms/institution.html", firm=firm, form=form, row=row, refused=None)


@bp.post("/firms/<int:firm_id>/institutions/<int:institution_id>")
@needs("figure:edit")
def institution_save(firm_id: int, institution_id: int) -> Any:
    return _save_institution(firm_id, institution_id)


def _save_institution(firm_id: int, institution_id: int | None) -> Any:
    firm, row, form = _firm(firm_id), _institution(firm_id, institution_id), InstitutionForm()
    refused, status = None, 422
    if form.validate():
        try:
            actions.save_institution(
                db.session(), firm, actor=actor(), today=today(), name=form["name"].value,
                level=InstitutionLevel(form.level.value or ""), recognised_on=form.recognised_on.value,
                kind=form.kind.value, ended_on=form.ended_on.value, document=form.document.value,
                institution_id=institution_id, version=form.version_seen,
            )  # fmt: skip
            commit()
            flash(gettext("已保存研发机构。"), "done")
            return back_to("firms.show", firm_id=firm_id)
        except Refused as refusal:
            db.session.rollback()
            refused, firm, row = form.refuse(refusal), _firm(firm_id), _institution(firm_id, institution_id)
            status = 409 if isinstance(refusal, Conflict) else 422
    return render_template("firms/institution.html", firm=firm, form=form, row=row, refused=refused), status


@bp.post("/firms/<int:firm_id>/institutions/<int:institution_id>/drop")
@needs("figure:edit")
def institution_drop(firm_id: int, institution_id: int) -> Any:
    actions.drop_institution(db.session(), _firm(firm_id), actor=actor(), institution_id=institution_id)
    commit()
    flash(gettext("已删除研发机构。"), "done")
    return back_to("firms.show", firm_id=firm_id)


@bp.get("/firms/<int:firm_id>/above-scale")
@needs("figure:edit")
def above_scale(firm_id: int) -> Any:
    form = AboveScaleForm(
        MultiDict({"year": str(today().year - 1), "is_above": "yes", "is_industrial": "yes"})
    )
    return _above_form(form, _firm(firm_id))


def _above_form(form: AboveScaleForm, firm: Firm, refused: str | None = None) -> str:
    rows = queries.above_scale_of(db.session(), firm.id)
    return render_template("firms/above_scale.html", firm=firm, form=form, rows=rows, refused=refused)


@bp.post("/firms/<int:firm_id>/above-scale")
@needs("figure:edit")
def above_scale_save(firm_id: int) -> Any:
    firm, form, refused = _firm(firm_id), AboveScaleForm(), None
    if form.validate():
        try:
            actions.set_above_scale(
                db.session(), firm, actor=actor(), today=today(), year=form.year.value,
                is_above=form.is_above.value == "yes", is_industrial=form.is_industrial.value == "yes",
                source=form.source.value,
            )  # fmt: skip
            commit()
            flash(gettext("已标记 %(year)s 年规上情况。", year=form.year.value), "done")
            return back_to("firms.above_scale", firm_id=firm_id)
        except Refused as refusal:
            db.session.rollback()
            refused, firm = form.refuse(refusal), _firm(firm_id)
    return _above_form(form, firm, refused), 422
