"""Forms over what is dated or counted: figures, IP, equity, institutions, above scale."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict

from crm.core.clock import today
from crm.core.conflicts import is_answer, merged
from crm.core.db import db
from crm.core.i18n import gettext, wan
from crm.core.permissions import Forbidden, needs
from crm.core.saving import Over, save
from crm.core.web import actor, back_to
from crm.core.words import N_, Missing
from crm.firms import actions, queries
from crm.firms.forms import AboveScaleForm, EquityForm, FiguresForm, InstitutionForm, IpRowForm
from crm.firms.models import AboveScale, EquityRound, Firm, IpCount, RdInstitution, YearFigures
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
    firm = _firm(firm_id)
    over = Over(
        lambda: queries.figures_in(db.session(), firm_id, year), _figure_texts,
        title=gettext("%(year)s 年数据", year=year), back=url_for("firms.show", firm_id=firm_id),
    )  # fmt: skip
    form, was = over.form(FiguresForm), _figure_texts(over.row)

    def write() -> None:
        typed = {metric.value: form[metric.value].value for metric in Metric}
        # a figure shown rounded to 万元 that nobody touched keeps its exact yuan
        figures = {
            name: value for name, value in typed.items() if (form[name].data or "").strip() != was[name]
        }
        actions.set_figures(
            db.session(), firm, actor=actor(), today=today(), year=year, figures=figures,
            source=form.source.value or "", on=form.on.value, version=form.version_seen,
        )  # fmt: skip

    def done() -> Any:
        flash(gettext("已保存 %(year)s 年的数据。", year=year), "done")
        return back_to("firms.show", firm_id=firm_id)

    def again(refused: str | None) -> str:
        row = queries.figures_in(db.session(), firm_id, year)
        return _figures_form(form, _firm(firm_id), year, row, refused)

    return save(form, write, done=done, again=again, over=over)


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
    """A count that is there already is shown beside the new one: nothing is overwritten unseen."""
    firm, asked = _firm(firm_id), IpRowForm()
    asked.validate()
    key = _ip_key(request.form, asked)
    over = Over(
        lambda: None if key is None else queries.ip_in(db.session(), firm_id, *key), _ip_texts,
        title=gettext("知识产权数量"), back=url_for("firms.ip", firm_id=firm_id),
    )  # fmt: skip
    form = over.form(IpRowForm)

    def write() -> None:
        chosen = (IpKind(form.kind.value or ""), Acquisition(form.acquisition.value or ""))
        actions.set_ip(
            db.session(), firm, actor=actor(), today=today(), counted_on=form.counted_on.value,
            counts={chosen: form["count"].value}, source=form.source.value, version=form.version_seen,
        )  # fmt: skip

    def done() -> Any:
        flash(gettext("已保存知识产权数量。"), "done")
        return back_to("firms.ip", firm_id=firm_id)

    return save(
        form, write, done=done, again=lambda refused: _ip_form(form, _firm(firm_id), refused), over=over
    )


def _ip_texts(row: IpCount) -> dict[str, str]:
    return {"count": str(row.count), "source": row.source or ""}


def _ip_key(posted: MultiDict[str, str], form: IpRowForm) -> tuple[IpKind, Acquisition, dt.date] | None:
    """Which count a form is about, also as the conflict page answers it; None while that cannot be read."""
    if is_answer(posted):
        form = IpRowForm(merged(posted, {}))
        form.validate()
    if form.kind.errors or form.acquisition.errors or form.counted_on.value is None:
        return None
    return IpKind(form.kind.value or ""), Acquisition(form.acquisition.value or ""), form.counted_on.value


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
    form = EquityForm(MultiDict({**_equity_texts(row), "version": str(row.version)}))
    return render_template("firms/equity.html", firm=firm, form=form, row=row, refused=None)


def _equity_texts(row: EquityRound) -> dict[str, str]:
    return {
        "on": row.on.isoformat(),
        "investor": row.investor,
        "kind": row.kind.value,
        "paid_in_yuan": "" if row.paid_in_yuan is None else wan(row.paid_in_yuan).replace(",", ""),
        "source": row.source or "",
    }


@bp.post("/firms/<int:firm_id>/equity/<int:round_id>")
@needs("figure:edit")
def equity_save(firm_id: int, round_id: int) -> Any:
    return _save_equity(firm_id, round_id)


def _save_equity(firm_id: int, round_id: int | None) -> Any:
    firm = _firm(firm_id)
    over = Over(
        lambda: _equity(firm_id, round_id), _equity_texts, title=gettext("编辑股权融资"),
        back=url_for("firms.show", firm_id=firm_id),
    )  # fmt: skip
    form = over.form(EquityForm)

    def write() -> None:
        actions.save_equity(
            db.session(), firm, actor=actor(), today=today(), on=form.on.value, investor=form.investor.value,
            kind=EquityKind(form.kind.value or ""), paid_in_yuan=form.paid_in_yuan.value,
            source=form.source.value, round_id=round_id, version=form.version_seen,
        )  # fmt: skip

    def done() -> Any:
        flash(gettext("已保存这一轮融资。"), "done")
        return back_to("firms.show", firm_id=firm_id)

    def again(refused: str | None) -> str:
        row = _equity(firm_id, round_id)
        return render_template("firms/equity.html", firm=_firm(firm_id), form=form, row=row, refused=refused)

    return save(form, write, done=done, again=again, over=over)


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
    form = InstitutionForm(MultiDict({**_institution_texts(row), "version": str(row.version)}))
    return render_template("firms/institution.html", firm=firm, form=form, row=row, refused=None)


def _institution_texts(row: RdInstitution) -> dict[str, str]:
    return {
        "name": row.name,
        "kind": row.kind or "",
        "level": row.level.value,
        "recognised_on": row.recognised_on.isoformat(),
        "ended_on": row.ended_on.isoformat() if row.ended_on else "",
        "document": row.document or "",
    }


@bp.post("/firms/<int:firm_id>/institutions/<int:institution_id>")
@needs("figure:edit")
def institution_save(firm_id: int, institution_id: int) -> Any:
    return _save_institution(firm_id, institution_id)


def _save_institution(firm_id: int, institution_id: int | None) -> Any:
    firm = _firm(firm_id)
    over = Over(
        lambda: _institution(firm_id, institution_id), _institution_texts, title=gettext("编辑研发机构"),
        back=url_for("firms.show", firm_id=firm_id),
    )  # fmt: skip
    form = over.form(InstitutionForm)

    def write() -> None:
        actions.save_institution(
            db.session(), firm, actor=actor(), today=today(), name=form["name"].value,
            level=InstitutionLevel(form.level.value or ""), recognised_on=form.recognised_on.value,
            kind=form.kind.value, ended_on=form.ended_on.value, document=form.document.value,
            institution_id=institution_id, version=form.version_seen,
        )  # fmt: skip

    def done() -> Any:
        flash(gettext("已保存研发机构。"), "done")
        return back_to("firms.show", firm_id=firm_id)

    def again(refused: str | None) -> str:
        firm, row = _firm(firm_id), _institution(firm_id, institution_id)
        return render_template("firms/institution.html", firm=firm, form=form, row=row, refused=refused)

    return save(form, write, done=done, again=again, over=over)


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
    """A year that is marked already is shown beside the new mark: nothing is overwritten unseen."""
    firm = _firm(firm_id)
    raw = merged(request.form, {}).get("year", "").strip()
    year = int(raw) if raw.isascii() and raw.isdigit() and len(raw) == 4 else 0
    over = Over(
        lambda: queries.above_scale_in(db.session(), firm_id, year), _above_texts, title=gettext("标记规上"),
        back=url_for("firms.above_scale", firm_id=firm_id),
    )  # fmt: skip
    form = over.form(AboveScaleForm)

    def write() -> None:
        actions.set_above_scale(
            db.session(), firm, actor=actor(), today=today(), year=form.year.value,
            is_above=form.is_above.value == "yes", is_industrial=form.is_industrial.value == "yes",
            source=form.source.value, version=form.version_seen,
        )  # fmt: skip

    def done() -> Any:
        flash(gettext("已标记 %(year)s 年规上情况。", year=form.year.value), "done")
        return back_to("firms.above_scale", firm_id=firm_id)

    return save(
        form, write, done=done, again=lambda refused: _above_form(form, _firm(firm_id), refused), over=over
    )


def _above_texts(row: AboveScale) -> dict[str, str]:
    return {
        "is_above": "yes" if row.is_above else "no",
        "is_industrial": "yes" if row.is_industrial else "no",
        "source": row.source or "",
    }
