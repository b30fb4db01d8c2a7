"""One firm on the ladder: the panel on its page, and the forms for its certificates and applications."""

from __future__ import annotations

from typing import Any

from flask import flash, render_template
from werkzeug.wrappers import Response

from crm.core.clock import today
from crm.core.db import db
from crm.core.i18n import gettext, word
from crm.core.permissions import needs
from crm.core.transaction import commit
from crm.core.web import actor, back_to
from crm.core.words import Refused
from crm.firms.models import Firm
from crm.firms.queries import get_firm
from crm.ladder import actions, queries
from crm.ladder.forms import CorrectForm, EndForm, FollowForm, GrantForm, ReasonForm, RenewForm, StepForm
from crm.ladder.models import Application, Certification
from crm.ladder.rules.certifications import next_step
from crm.ladder.rules.kinds import KINDS
from crm.ladder.rules.words import ApplicationStep, EndCause
from crm.ladder.views.blueprint import bp, kind_name

Answer = str | Response | tuple[str, int]


def _refused(refusal: Refused, form: Any) -> str | None:
    """Put a refusal beside its field; the sentence when it belongs to none."""
    db.session.rollback()
    return form.refuse(refusal)  # type: ignore[no-any-return]


@bp.get("/ladder/firms/<int:firm_id>/panel")
@needs("firm:read")
def firm_panel(firm_id: int) -> Any:
    """Certificates, applications and stage history, for the firm's page."""
    viewer, session = actor(), db.session()
    firm = get_firm(session, firm_id, viewer=viewer)
    day = today()
    intervals = queries.stages_of(session, firm_id, viewer=viewer)
    return render_template(
        "ladder/_firm_panel.html",
        firm=firm,
        day=day,
        certifications=queries.certifications_of(session, firm_id, viewer=viewer),
        applications=queries.applications_of(session, firm_id, viewer=viewer),
        intervals=intervals,
        current=next(
            (item for item in intervals if item.from_on <= day and (item.to_on is None or item.to_on > day)),
            None,
        ),
        kinds=KINDS,
        may_tag=viewer.may("ladder:tag"),
        next_step=next_step,
    )


def _page(template: str, form: Any, firm: Firm, refused: str | None = None, **more: Any) -> Answer:
    page = render_template(template, form=form, firm=firm, refused=refused, **more)
    return (page, form.http_status) if refused or form.errors else page


@bp.route("/ladder/firms/<int:firm_id>/certifications/new", methods=["GET", "POST"])
@needs("ladder:tag")
def grant(firm_id: int) -> Answer:
    session, viewer = db.session(), actor()
    firm = get_firm(session, firm_id, viewer=viewer)
    form = GrantForm()
    refused = None
    if form.is_submitted() and form.validate():
        values = form.values()
        try:
            actions.grant(
                session, firm, actor=viewer, today=today(), **{**values, "kind": values["kind"] or ""}
            )
            commit()
        except Refused as refusal:
            refused = _refused(refusal, form)
        else:
            flash(gettext("已登记 %(kind)s，阶段已重新推出。", kind=kind_name(values["kind"] or "")), "done")
            return back_to("firms.show", firm_id=firm_id)
    return _page("ladder/certification_new.html", form, firm, refused)


def _certification(certification_id: int) -> tuple[Certification, Firm]:
    viewer, session = actor(), db.session()
    found, _name = queries.get_certification(session, certification_id, viewer=viewer)
    return found, get_firm(session, found.firm_id, viewer=viewer)


@bp.route("/ladder/certifications/<int:certification_id>/renew", methods=["GET", "POST"])
@needs("ladder:tag")
def renew(certification_id: int) -> Answer:
    session, viewer = db.session(), actor()
    found, firm = _certification(certification_id)
    form = RenewForm()
    refused = None
    if form.is_submitted() and form.validate():
        try:
            actions.renew(session, found, actor=viewer, today=today(), **form.values())
            commit()
        except Refused as refusal:
            refused = _refused(refusal, form)
        else:
            flash(gettext("已登记续期的%(kind)s。", kind=kind_name(found.kind)), "done")
            return back_to("firms.show", firm_id=firm.id)
    return _page("ladder/certification_renew.html", form, firm, refused, certification=found)


@bp.route("/ladder/certifications/<int:certification_id>/end", methods=["GET", "POST"])
@needs("ladder:tag")
def end(certification_id: int) -> Answer:
    """Revoked, entered wrongly, …: a certificate stops holding, with day and reason."""
    session, viewer = db.session(), actor()
    found, firm = _certification(certification_id)
    form = EndForm(version=found.version)
    refused = None
    if form.is_submitted() and form.validate():
        values = form.values()
        try:
            actions.end(
                session, found, on=values["on"] or today(), cause=EndCause(values["cause"]),
                reason=values["reason"] or "", actor=viewer, today=today(), version=form.version_seen,
            )  # fmt: skip
            commit()
        except Refused as refusal:
            refused = _refused(refusal, form)
        else:
            flash(gettext("%(kind)s已终止，阶段已重新推出。", kind=kind_name(found.kind)), "done")
            return back_to("firms.show", firm_id=firm.id)
    return _page("ladder/certification_end.html", form, firm, refused, certification=found)


@bp.route("/ladder/certifications/<int:certification_id>/reopen", methods=["GET", "POST"])
@needs("ladder:tag")
def reopen(certification_id: int) -> Answer:
    session, viewer = db.session(), actor()
    found, firm = _certification(certification_id)
    form = ReasonForm(version=found.version)
    refused = None
    if form.is_submitted() and form.validate():
        try:
            actions.reopen(
                session, found, reason=form.values()["reason"] or "", actor=viewer, version=form.version_seen
            )
            commit()
        except Refused as refusal:
            refused = _refused(refusal, form)
        else:
            flash(gettext("已撤销终止，阶段已重新推出。"), "done")
            return back_to("firms.show", firm_id=firm.id)
    return _page("ladder/certification_reopen.html", form, firm, refused, certification=found)


@bp.route("/ladder/certifications/<int:certification_id>/correct", methods=["GET", "POST"])
@needs("ladder:tag")
def correct(certification_id: int) -> Answer:
    session, viewer = db.session(), actor()
    found, firm = _certification(certification_id)
    form = CorrectForm(
        version=found.version, number=found.number or "", granted_on=found.granted_on.isoformat(),
        expires_on=found.expires_on.isoformat() if found.expires_on else "", document=found.document or "",
        note=found.note or "",
    )  # fmt: skip
    refused = None
    if form.is_submitted() and form.validate():
        values = form.values()
        try:
            actions.correct(
                session, found, actor=viewer, today=today(), version=form.version_seen,
                **{**values, "reason": values["reason"] or ""},
            )  # fmt: skip
            commit()
        except Refused as refusal:
            refused = _refused(refusal, form)
        else:
            flash(gettext("证书已更正，阶段已重新推出。"), "done")
            return back_to("firms.show", firm_id=firm.id)
    return _page("ladder/certification_correct.html", form, firm, refused, certification=found)


@bp.route("/ladder/firms/<int:firm_id>/applications/new", methods=["GET", "POST"])
@needs("ladder:tag")
def follow(firm_id: int) -> Answer:
    """Start following a firm towards a title."""
    session, viewer = db.session(), actor()
    firm = get_firm(session, firm_id, viewer=viewer)
    form = FollowForm(on=today().isoformat())
    refused = None
    if form.is_submitted() and form.validate():
        values = form.values()
        try:
            actions.open_application(
                session, firm, actor=viewer, today=today(),
                **{**values, "kind": values["kind"] or "", "step": ApplicationStep(values["step"])},
            )  # fmt: skip
            commit()
        except Refused as refusal:
            refused = _refused(refusal, form)
        else:
            flash(gettext("已开始跟踪%(kind)s申报。", kind=kind_name(values["kind"] or "")), "done")
            return back_to("firms.show", firm_id=firm_id)
    return _page("ladder/application_new.html", form, firm, refused)


@bp.route("/ladder/applications/<int:application_id>/step", methods=["GET", "POST"])
@needs("ladder:tag")
def advance(application_id: int) -> Answer:
    """The next step of an application, or its end."""
    session, viewer = db.session(), actor()
    found: Application = queries.get_application(session, application_id, viewer=viewer)[0]
    firm = get_firm(session, found.firm_id, viewer=viewer)
    usual = next_step(found.step)
    offered = usual.value if usual is not None and usual is not ApplicationStep.GRANTED else None
    form = StepForm(version=found.version, on=today().isoformat(), step=offered)
    refused = None
    if form.is_submitted() and form.validate():
        values = form.values()
        try:
            step = ApplicationStep(values["step"])
            actions.advance(
                session, found, step=step, on=values["on"], batch=values["batch"], reason=values["reason"],
                actor=viewer, today=today(), version=form.version_seen,
            )  # fmt: skip
            commit()
        except Refused as refusal:
            refused = _refused(refusal, form)
        else:
            flash(gettext("申报已到「%(step)s」。", step=word(step)), "done")
            return back_to("firms.show", firm_id=firm.id)
    return _page("ladder/application_step.html", form, firm, refused, application=found)
