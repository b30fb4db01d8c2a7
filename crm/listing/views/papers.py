"""Documents of a candidate, why an item of its gate is not there, the planned days."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, request
from werkzeug.datastructures import MultiDict

from crm.activities.queries.files import list_files
from crm.core.clock import today
from crm.core.db import db
from crm.core.forms import options
from crm.core.i18n import gettext, say, word
from crm.core.permissions import needs
from crm.core.pipeline import Item, WaiverKind
from crm.core.transaction import commit
from crm.core.web import actor, back_to
from crm.core.words import N_, Missing
from crm.listing import actions, queries
from crm.listing.forms import EvidenceForm, PlanForm, ReasonForm, WaiverForm
from crm.listing.models import Candidate, CandidateEvidence
from crm.listing.rules.stages import PIPELINE
from crm.listing.rules.words import Evidence, Stage
from crm.listing.views.blueprint import bp, form_page, load, over_candidate, started, take


def _offer(form: EvidenceForm, candidate: Candidate) -> EvidenceForm:
    files = list_files(db.session(), "candidate", candidate.id, viewer=actor()).files
    form.attachment.choices = options(
        [("", gettext("不用文件，写文号")), *((str(row.attachment.id), row.attachment.name) for row in files)]
    )
    return form


def _evidence_page(form: EvidenceForm, candidate: Candidate, refused: str | None = None) -> str:
    sentence = gettext("先把文件传到「文件」里再选它，或写明文号。")
    return form_page(
        _offer(form, candidate), candidate, gettext("登记凭证"), gettext("登记"), sentence, refused
    )


@bp.get("/listing/<int:candidate_id>/evidence/new")
@needs("listing:edit")
def evidence(candidate_id: int) -> Any:
    asked = request.args.get("kind", "")
    kind = asked if asked in {kind.value for kind in Evidence} else ""
    return _evidence_page(EvidenceForm(started(kind=kind)), load(candidate_id))


@bp.post("/listing/<int:candidate_id>/evidence/new")
@needs("listing:edit")
def evidence_save(candidate_id: int) -> Any:
    candidate = load(candidate_id)
    form = _offer(EvidenceForm(), candidate)

    def write() -> None:
        actions.prove(
            db.session(), candidate, actor=actor(), today=today(), kind=Evidence(form.kind.data), on=form.on.value,
            reference=form.reference.value,
            attachment_id=int(form.attachment.data) if form.attachment.value else None,
        )  # fmt: skip

    return take(
        form, candidate_id, write, lambda sentence, _items: _evidence_page(form, load(candidate_id), sentence),
        lambda: gettext("凭证已登记。"),
    )  # fmt: skip


def _document(candidate: Candidate, row_id: int) -> CandidateEvidence:
    found = next((row for row in queries.evidence_of(db.session(), candidate.id) if row.id == row_id), None)
    if found is None:
        raise Missing(N_("没有这份凭证。"))
    return found


@bp.get("/listing/<int:candidate_id>/evidence/<int:row_id>/put-away")
@needs("listing:edit")
def evidence_drop(candidate_id: int, row_id: int) -> Any:
    candidate = load(candidate_id)
    row = _document(candidate, row_id)
    form = ReasonForm(MultiDict({"version": str(row.version)}))
    return form_page(form, candidate, gettext("收起凭证"), gettext("收起"), word(row.kind))


@bp.post("/listing/<int:candidate_id>/evidence/<int:row_id>/put-away")
@needs("listing:edit")
def evidence_drop_save(candidate_id: int, row_id: int) -> Any:
    candidate = load(candidate_id)
    row = _document(candidate, row_id)
    form = ReasonForm()

    def write() -> None:
        actions.put_away(db.session(), candidate, row, actor=actor(), today=today(), reason=form.reason.value)

    def page(sentence: str | None, _items: Any) -> str:
        return form_page(form, load(candidate_id), gettext("收起凭证"), gettext("收起"), refused=sentence)

    return take(form, candidate_id, write, page, lambda: gettext("凭证已收起。"))


def _item(code: str) -> Item:
    if code not in PIPELINE.items:
        abort(404)
    return PIPELINE.items[code]


def _kinds(form: WaiverForm, item: Item) -> WaiverForm:
    allowed = [WaiverKind.UNKNOWN] if item.can_be_unknown else []
    allowed += [WaiverKind.WAIVED] if item.can_be_waived else []
    form.kind.choices = options([(kind.value, say(kind.label)) for kind in allowed])
    return form


def _excuse_page(form: WaiverForm, candidate: Candidate, item: Item, refused: str | None = None) -> str:
    row = queries.waivers_of(db.session(), candidate.id).get(item.code)
    return form_page(
        _kinds(form, item), candidate, gettext("说明缺项"), gettext("保存"), say(item.label), refused,
        take_back=item.code if row is not None else None,
    )  # fmt: skip


@bp.get("/listing/<int:candidate_id>/items/<string:code>")
@needs("listing:edit")
def excuse(candidate_id: int, code: str) -> Any:
    candidate, item = load(candidate_id), _item(code)
    row = queries.waivers_of(db.session(), candidate_id).get(code)
    start = {"kind": (WaiverKind.UNKNOWN if item.can_be_unknown else WaiverKind.WAIVED).value}
    if row is not None:
        until = row.until_on.isoformat() if row.until_on else ""
        start = {"kind": row.kind.value, "reason": row.reason, "until_on": until}
    return _excuse_page(WaiverForm(MultiDict(start)), candidate, item)


@bp.post("/listing/<int:candidate_id>/items/<string:code>")
@needs("listing:edit")
def excuse_save(candidate_id: int, code: str) -> Any:
    candidate, item = load(candidate_id), _item(code)
    form = _kinds(WaiverForm(), item)

    def write() -> None:
        actions.excuse(
            db.session(), candidate, actor=actor(), today=today(), item=code, kind=WaiverKind(form.kind.data),
            reason=form.reason.value, until_on=form.until_on.value,
        )  # fmt: skip

    return take(
        form, candidate_id, write, lambda sentence, _items: _excuse_page(form, load(candidate_id), item, sentence),
        lambda: gettext("已说明「%(label)s」。", label=say(item.label)),
    )  # fmt: skip


@bp.post("/listing/<int:candidate_id>/items/<string:code>/take-back")
@needs("listing:edit")
def excuse_drop(candidate_id: int, code: str) -> Any:
    candidate, session = load(candidate_id), db.session()
    row = queries.waivers_of(session, candidate_id).get(code)
    if row is None:
        raise Missing(N_("没有这项说明。"))
    actions.take_back(session, candidate, row, actor=actor())
    commit()
    flash(gettext("说明已取消。"), "done")
    return back_to("listing.show", candidate_id=candidate_id)


def _planned(candidate_id: int, stage: str) -> str:
    plans = queries.plans_of(db.session(), candidate_id)
    return next((on.isoformat() for each, on in plans.items() if each.value == stage), "")


def _plan_page(form: PlanForm, candidate: Candidate, refused: str | None = None) -> str:
    plans = queries.plans_of(db.session(), candidate.id)
    return form_page(
        form, candidate, gettext("设定计划日期"), gettext("保存"), refused=refused,
        others=[
            (stage, plans.get(stage), stage.value == form.stage.data)
            for stage in PIPELINE.between(candidate.stage, Stage.LISTED)
        ],
    )  # fmt: skip


@bp.get("/listing/<int:candidate_id>/plan")
@needs("listing:edit")
def plan(candidate_id: int) -> Any:
    candidate = load(candidate_id)
    asked = request.args.get("stage", "")
    stage = next((each for each in Stage if each.value == asked), None) or PIPELINE.next_of(candidate.stage)
    named = stage.value if stage else ""
    day = _planned(candidate_id, named)
    return _plan_page(PlanForm(started(candidate, stage=named, on=day, was_on=day)), candidate)


@bp.post("/listing/<int:candidate_id>/plan")
@needs("listing:edit")
def plan_save(candidate_id: int) -> Any:
    candidate = load(candidate_id)
    # of the stage chosen, also when the page with both sides is answered
    stage = request.form.get("stage") or request.form.get("mine-stage", "")
    over = over_candidate(
        candidate_id, gettext("设定计划日期"), lambda _row: {"on": _planned(candidate_id, stage)},
        lambda _row: {"on": str(form.was_on.data or "")},
    )  # fmt: skip
    form = over.form(PlanForm)

    def write() -> None:
        actions.plan(
            db.session(), candidate, actor=actor(), stage=Stage(form.stage.data), on=form.on.value,
            version=form.version_seen,
        )  # fmt: skip

    return take(
        form, candidate_id, write, lambda sentence, _items: _plan_page(form, load(candidate_id), sentence),
        lambda: gettext("计划日期已保存。"), over,
    )  # fmt: skip
