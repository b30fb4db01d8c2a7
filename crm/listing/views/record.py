"""One candidate's page, and its facts."""

from __future__ import annotations

from typing import Any

from flask import flash, render_template, request
from werkzeug.datastructures import MultiDict

from crm.activities.queries import of_subject
from crm.core import recent
from crm.core.clock import today
from crm.core.db import db
from crm.core.forms import options
from crm.core.history import changed_fields
from crm.core.i18n import gettext
from crm.core.permissions import needs
from crm.core.pipeline import Wants
from crm.core.transaction import commit
from crm.core.web import actor, back_to
from crm.core.workdays import add_workdays
from crm.firms.queries import equity_of
from crm.firms.rules.standing import mask_phone
from crm.listing import actions, queries
from crm.listing.forms import EditForm, ReasonForm
from crm.listing.models import Candidate
from crm.listing.rules.stages import PIPELINE, running
from crm.listing.views.blueprint import bp, form_page, load, over_candidate, take
from crm.listing.views.entering import people_of


@bp.get("/listing/<int:candidate_id>")
@needs("listing:read")
def show(candidate_id: int) -> Any:
    session, viewer = db.session(), actor()
    candidate = load(candidate_id)
    moves = queries.moves_of(session, candidate_id)
    target, lines = queries.next_gate(session, candidate)
    since = queries.term_days(session, [candidate_id])[candidate_id].get(candidate.stage, candidate.stage_on)
    recent.note("candidate", candidate_id, user_id=viewer.user_id)
    return render_template(
        "listing/show.html",
        candidate=candidate,
        may_edit=viewer.may("listing:edit") and candidate.archived_on is None,
        may_call=viewer.may("listing:edit"),
        mask_phone=mask_phone,
        may_restore=viewer.may("listing:edit") and candidate.archived_on is not None,
        milestones=PIPELINE.line(candidate.stage, moves, today(), queries.plans_of(session, candidate_id)),
        clock=running(candidate.stage, candidate.state, since, add_workdays(session, since, 20)),
        target=target,
        lines=lines,
        wants=Wants,
        steps=of_subject(session, viewer, ("candidate", candidate_id), today=today()),
        evidence=queries.evidence_of(session, candidate_id),
        intermediaries=queries.intermediaries_of(session, candidate_id),
        obstacles=queries.obstacles_of(session, candidate_id),
        markets=queries.markets_of(session, candidate_id),
        holders=queries.shareholders_of(session, candidate_id),
        equity=equity_of(session, candidate.firm_id) if viewer.may("figure:read") else None,
        may_edit_figures=viewer.may("figure:edit"),
        panels=[panel for panel in queries.PANELS if viewer.may(panel.needs)],
        waivers=queries.waivers_of(session, candidate_id),
        priority=queries.priority_of(session, candidate, today()),
        changed=changed_fields(session, {Candidate: [candidate_id]}).get(
            ("listing_candidates", candidate_id), set()
        ),
        today=today(),
    )


def _texts(row: Candidate) -> dict[str, str]:
    return {
        "officer": str(row.officer_id or ""), "stock_code": row.stock_code or "",
        "priority": "" if row.priority is None else "yes" if row.priority else "no",
        "priority_reason": row.priority_reason or "", "note": row.note or "",
    }  # fmt: skip


def _offer(form: EditForm) -> None:
    form.officer.choices = options(people_of())


def _edit_page(form: EditForm, candidate: Candidate, refused: str | None = None) -> str:
    return form_page(
        form,
        candidate,
        gettext("编辑上市后备"),
        gettext("保存"),
        refused=refused,
        hints={"priority_reason": gettext("人工改定时必填")},
    )


@bp.get("/listing/<int:candidate_id>/edit")
@needs("listing:edit")
def edit(candidate_id: int) -> Any:
    candidate = load(candidate_id)
    form = EditForm(MultiDict({**_texts(candidate), "version": str(candidate.version)}))
    _offer(form)
    return _edit_page(form, candidate)


@bp.post("/listing/<int:candidate_id>/edit")
@needs("listing:edit")
def edit_save(candidate_id: int) -> Any:
    candidate = load(candidate_id)
    over = over_candidate(candidate_id, gettext("编辑上市后备"), _texts)
    form = over.form(EditForm, _offer)

    def write() -> None:
        values = {
            "officer_id": int(form.officer.data) if form.officer.value else None,
            "stock_code": form.stock_code.value,
            "priority": {"yes": True, "no": False}.get(form.priority.data),
            "priority_reason": form.priority_reason.value,
            "note": form.note.value,
        }
        actions.edit(
            db.session(), candidate, actor=actor(), today=today(), values=values, version=form.version_seen
        )

    return take(
        form, candidate_id, write, lambda sentence, _items: _edit_page(form, load(candidate_id), sentence),
        lambda: gettext("已保存「%(name)s」。", name=candidate.firm.name), over,
    )  # fmt: skip


@bp.get("/listing/<int:candidate_id>/archive")
@needs("listing:edit")
def archive(candidate_id: int) -> Any:
    candidate = load(candidate_id)
    form = ReasonForm(MultiDict({"version": str(candidate.version)}))
    return form_page(form, candidate, gettext("归档上市后备"), gettext("归档"))


@bp.post("/listing/<int:candidate_id>/archive")
@needs("listing:edit")
def archive_save(candidate_id: int) -> Any:
    candidate = load(candidate_id)
    over = over_candidate(
        candidate_id, gettext("归档上市后备"), lambda row: {"reason": row.archive_reason or ""}
    )
    form = over.form(ReasonForm)

    def write() -> None:
        actions.archive(
            db.session(), candidate, actor=actor(), today=today(), reason=form.reason.value,
            version=form.version_seen,
        )  # fmt: skip

    def page(sentence: str | None, _items: Any) -> str:
        return form_page(form, load(candidate_id), gettext("归档上市后备"), gettext("归档"), refused=sentence)

    return take(
        form,
        candidate_id,
        write,
        page,
        lambda: gettext("「%(name)s」已归档。", name=candidate.firm.name),
        over,
    )


@bp.post("/listing/<int:candidate_id>/restore")
@needs("listing:edit")
def restore(candidate_id: int) -> Any:
    raw = request.form.get("version", "")
    candidate = load(candidate_id)
    actions.restore(
        db.session(),
        candidate,
        actor=actor(),
        version=int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 10 else 0,
    )
    commit()
    flash(gettext("「%(name)s」已恢复。", name=candidate.firm.name), "done")
    return back_to("listing.show", candidate_id=candidate_id)
