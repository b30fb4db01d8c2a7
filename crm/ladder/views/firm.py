"""One firm on the ladder: the panel on its page, and the forms for its certificates and applications."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from flask import flash, render_template, request, url_for
from werkzeug.datastructures import MultiDict

from crm.core.clock import today
from crm.core.conflicts import Texts
from crm.core.db import Base, db
from crm.core.forms import VersionedForm
from crm.core.history import changed_fields
from crm.core.i18n import gettext, say, word
from crm.core.permissions import needs
from crm.core.saving import Over, save
from crm.core.transaction import commit
from crm.core.web import actor, back_to
from crm.core.words import Refused
from crm.firms.models import Firm
from crm.firms.queries import get_firm
from crm.ladder import actions, queries
from crm.ladder.forms import CorrectForm, EndForm, FollowForm, GrantForm, ReasonForm, RenewForm, StepForm
from crm.ladder.models import Application, Certification
from crm.ladder.rules.board import report_missed, report_years
from crm.ladder.rules.certifications import next_step
from crm.ladder.rules.kinds import HIGH_TECH, KINDS
from crm.ladder.rules.words import ApplicationStep, EndCause
from crm.ladder.views.blueprint import bp, kind_name

F = TypeVar("F", bound=VersionedForm)


@bp.get("/ladder/firms/<int:firm_id>/panel")
@needs("firm:read")
def firm_panel(firm_id: int) -> Any:
    """Certificates, applications and stage history, for the firm's page."""
    viewer, session = actor(), db.session()
    firm = get_firm(session, firm_id, viewer=viewer)
    day = today()
    intervals = queries.stages_of(session, firm_id, viewer=viewer)
    certifications = queries.certifications_of(session, firm_id, viewer=viewer)
    applications = queries.applications_of(session, firm_id, viewer=viewer)
    rows: dict[type[Base], list[int]] = {
        Certification: [item.id for item in certifications],
        Application: [item.application.id for item in applications],
    }
    return render_template(
        "ladder/_firm_panel.html",
        firm=firm,
        day=day,
        certifications=certifications,
        applications=applications,
        changed=changed_fields(session, rows),
        intervals=intervals,
        current=next(
            (item for item in intervals if item.from_on <= day and (item.to_on is None or item.to_on > day)),
            None,
        ),
        kinds=KINDS,
        may_tag=viewer.may("ladder:tag"),
        next_step=next_step,
        reports=_reports(firm_id, certifications, day),
    )


def _reports(
    firm_id: int, certifications: Sequence[Certification], day: dt.date
) -> list[tuple[int, dt.date | None, bool]]:
    """(year, day entered, whether it is overdue) of the yearly reports that can be entered now, of a high-tech
    enterprise; the years before it had the title are left out."""
    titles = [item for item in certifications if item.kind == HIGH_TECH]
    holds = any(
        (item.expires_on is None or item.expires_on >= day) and (item.ended_on is None or item.ended_on > day)
        for item in titles
    )
    if not holds:
        return []
    first, filed = min(item.granted_on.year for item in titles), queries.reports_of(db.session(), firm_id)
    return [
        (year, filed.get(year), year <= report_missed(day)) for year in report_years(day) if year >= first
    ]


@bp.post("/ladder/firms/<int:firm_id>/reports")
@needs("ladder:tag")
def report(firm_id: int) -> Any:
    """The firm has made its yearly report: entered with today's day, or taken back."""
    session, me = db.session(), actor()
    firm = get_firm(session, firm_id, viewer=me)
    raw = request.form.get("year", "")
    year = int(raw) if raw.isascii() and raw.isdigit() and len(raw) == 4 else 0
    try:
        if request.form.get("drop"):
            actions.unfile_report(session, firm.id, year=year, actor=me)
            said = gettext("已撤回 %(year)s 年度的高企年报。", year=year)
        else:
            actions.file_report(session, firm.id, year=year, on=today(), actor=me, today=today())
            said = gettext("已登记 %(year)s 年度的高企年报。", year=year)
        commit()
        flash(said, "done")
    except Refused as refusal:
        session.rollback()
        flash(say(refusal), "error")
    return back_to("firms.show", firm_id=firm.id)


def _page(template: str, form: Any, firm: Firm, refused: str | None = None, **more: Any) -> str:
    return render_template(template, form=form, firm=firm, refused=refused, **more)


@bp.route("/ladder/firms/<int:firm_id>/certifications/new", methods=["GET", "POST"])
@needs("ladder:tag")
def grant(firm_id: int) -> Any:
    firm, form = _firm(firm_id), GrantForm()
    if not form.is_submitted():
        return _page("ladder/certification_new.html", form, firm)

    def write() -> None:
        values = form.values()
        actions.grant(
            db.session(), firm, actor=actor(), today=today(), **{**values, "kind": values["kind"] or ""}
        )

    def done() -> Any:
        flash(gettext("已登记 %(kind)s，阶段已重新推出。", kind=kind_name(form.kind.value or "")), "done")
        return back_to("firms.show", firm_id=firm_id)

    def again(refused: str | None) -> str:
        return _page("ladder/certification_new.html", form, _firm(firm_id), refused)

    return save(form, write, done=done, again=again)


def _firm(firm_id: int) -> Firm:
    return get_firm(db.session(), firm_id, viewer=actor())


def _day(value: dt.date | None) -> str:
    return value.isoformat() if value else ""


def _facts(row: Certification) -> dict[str, str]:
    """A certificate as the form that corrects it shows it."""
    return {
        "number": row.number or "",
        "granted_on": row.granted_on.isoformat(),
        "expires_on": _day(row.expires_on),
        "document": row.document or "",
        "note": row.note or "",
    }


def _end(row: Certification) -> dict[str, str]:
    """The end of a certificate as its form shows it."""
    cause = row.end_cause.value if row.end_cause else ""
    return {"cause": cause, "on": _day(row.ended_on), "reason": row.end_reason or ""}


def _on_certification(
    certification_id: int,
    template: str,
    title: str,
    make: type[F],
    *,
    texts: Texts,
    start: Callable[[Certification], Mapping[str, str]],
    act: Callable[[Certification, F], object],
    told: Callable[[Certification], str],
) -> Any:
    """One of the forms over a certificate: filled by `start`, sent to `act`, `told` when done."""

    def load() -> Certification:
        return queries.get_certification(db.session(), certification_id, viewer=actor())[0]

    found = load()
    firm_id = found.firm_id
    back = url_for("firms.show", firm_id=firm_id)
    over = Over(load, texts, title=title, back=back)
    if request.method == "GET":
        form = make(MultiDict({**start(found), "version": str(found.version)}))
        return _page(template, form, _firm(firm_id), certification=found)
    sent = over.form(make)

    def done() -> Any:
        flash(told(found), "done")
        return back_to("firms.show", firm_id=firm_id)

    def again(refused: str | None) -> str:
        return _page(template, sent, _firm(firm_id), refused, certification=load())

    return save(sent, lambda: act(found, sent), done=done, again=again, over=over)


@bp.route("/ladder/certifications/<int:certification_id>/renew", methods=["GET", "POST"])
@needs("ladder:tag")
def renew(certification_id: int) -> Any:
    def act(found: Certification, form: RenewForm) -> None:
        actions.renew(
            db.session(), found, actor=actor(), today=today(), version=form.version_seen, **form.values()
        )

    return _on_certification(
        certification_id, "ladder/certification_renew.html", gettext("续期"), RenewForm,
        texts=lambda row: {}, start=lambda row: {}, act=act,
        told=lambda row: gettext("已登记续期的%(kind)s。", kind=kind_name(row.kind)),
    )  # fmt: skip


@bp.route("/ladder/certifications/<int:certification_id>/end", methods=["GET", "POST"])
@needs("ladder:tag")
def end(certification_id: int) -> Any:
    """Revoked, entered wrongly, …: a certificate stops holding, with day and reason."""

    def act(found: Certification, form: EndForm) -> None:
        values = form.values()
        actions.end(
            db.session(), found, on=values["on"] or today(), cause=EndCause(values["cause"]),
            reason=values["reason"] or "", actor=actor(), today=today(), version=form.version_seen,
        )  # fmt: skip

    return _on_certification(
        certification_id, "ladder/certification_end.html", gettext("终止证书"), EndForm,
        texts=_end, start=lambda row: {}, act=act,
        told=lambda row: gettext("%(kind)s已终止，阶段已重新推出。", kind=kind_name(row.kind)),
    )  # fmt: skip


@bp.route("/ladder/certifications/<int:certification_id>/reopen", methods=["GET", "POST"])
@needs("ladder:tag")
def reopen(certification_id: int) -> Any:
    def act(found: Certification, form: ReasonForm) -> None:
        actions.reopen(
            db.session(), found, reason=form.reason.value or "", actor=actor(), version=form.version_seen
        )

    return _on_certification(
        certification_id, "ladder/certification_reopen.html", gettext("撤销终止"), ReasonForm,
        texts=lambda row: {}, start=lambda row: {}, act=act,
        told=lambda row: gettext("已撤销终止，阶段已重新推出。"),
    )  # fmt: skip


@bp.route("/ladder/certifications/<int:certification_id>/correct", methods=["GET", "POST"])
@needs("ladder:tag")
def correct(certification_id: int) -> Any:
    def act(found: Certification, form: CorrectForm) -> None:
        values = form.values()
        actions.correct(
            db.session(), found, actor=actor(), today=today(), version=form.version_seen,
            **{**values, "reason": values["reason"] or ""},
        )  # fmt: skip

    return _on_certification(
        certification_id, "ladder/certification_correct.html", gettext("更正证书"), CorrectForm,
        texts=_facts, start=_facts, act=act,
        told=lambda row: gettext("证书已更正，阶段已重新推出。"),
    )  # fmt: skip


@bp.route("/ladder/firms/<int:firm_id>/applications/new", methods=["GET", "POST"])
@needs("ladder:tag")
def follow(firm_id: int) -> Any:
    """Start following a firm towards a title."""
    firm, form = _firm(firm_id), FollowForm(on=today().isoformat())
    if not form.is_submitted():
        return _page("ladder/application_new.html", form, firm)

    def write() -> None:
        values = form.values()
        actions.open_application(
            db.session(), firm, actor=actor(), today=today(),
            **{**values, "kind": values["kind"] or "", "step": ApplicationStep(values["step"])},
        )  # fmt: skip

    def done() -> Any:
        flash(gettext("已开始跟踪%(kind)s申报。", kind=kind_name(form.kind.value or "")), "done")
        return back_to("firms.show", firm_id=firm_id)

    def again(refused: str | None) -> str:
        return _page("ladder/application_new.html", form, _firm(firm_id), refused)

    return save(form, write, done=done, again=again)


def _step(row: Application) -> dict[str, str]:
    return {"step": row.step.value, "on": row.step_on.isoformat(), "batch": row.batch or ""}


@bp.route("/ladder/applications/<int:application_id>/step", methods=["GET", "POST"])
@needs("ladder:tag")
def advance(application_id: int) -> Any:
    """The next step of an application, or its end."""

    def load() -> Application:
        return queries.get_application(db.session(), application_id, viewer=actor())[0]

    found = load()
    firm_id, template = found.firm_id, "ladder/application_step.html"
    if request.method == "GET":
        usual = next_step(found.step)
        offered = usual.value if usual is not None and usual is not ApplicationStep.GRANTED else None
        start = StepForm(version=found.version, on=today().isoformat(), step=offered)
        return _page(template, start, _firm(firm_id), application=found)
    over = Over(load, _step, title=gettext("推进申报"), back=url_for("firms.show", firm_id=firm_id))
    form = over.form(StepForm)

    def write() -> None:
        values = form.values()
        actions.advance(
            db.session(), found, step=ApplicationStep(values["step"]), on=values["on"], batch=values["batch"],
            reason=values["reason"], actor=actor(), today=today(), version=form.version_seen,
        )  # fmt: skip

    def done() -> Any:
        flash(gettext("申报已到「%(step)s」。", step=word(ApplicationStep(form.step.value or ""))), "done")
        return back_to("firms.show", firm_id=firm_id)

    def again(refused: str | None) -> str:
        return _page(template, form, _firm(firm_id), refused, application=load())

    return save(form, write, done=done, again=again, over=over)
