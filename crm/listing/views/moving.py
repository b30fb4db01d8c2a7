"""Moving a candidate on, putting it aside, going on with it, aiming at another board."""

from __future__ import annotations

from typing import Any

from flask import render_template, request

from crm.core.clock import today
from crm.core.db import db
from crm.core.i18n import gettext, word
from crm.core.permissions import needs
from crm.core.pipeline import Wants
from crm.core.web import actor
from crm.core.words import Message
from crm.listing import actions, queries
from crm.listing.forms import AsideForm, BoardForm, MoveForm, ResumeForm
from crm.listing.models import Candidate
from crm.listing.rules.stages import PIPELINE
from crm.listing.rules.words import Board, Stage, State
from crm.listing.views.blueprint import bp, form_page, load, over_candidate, started, take


def _standing(row: Candidate) -> dict[str, str]:
    return {"stage": row.stage.value, "on": row.stage_on.isoformat()}


def _move_page(
    form: MoveForm, candidate: Candidate, refused: str | None = None, items: list[Message] | None = None
) -> str:
    target, lines = queries.next_gate(db.session(), candidate)
    return render_template(
        "listing/move.html", form=form, candidate=candidate, target=target, lines=lines, wants=Wants,
        may_edit=True, refused=refused, items=items or [],
    )  # fmt: skip


@bp.get("/listing/<int:candidate_id>/move")
@needs("listing:edit")
def move(candidate_id: int) -> Any:
    candidate = load(candidate_id)
    asked = request.args.get("stage", "")
    known = {stage.value for stage in Stage}
    target = asked if asked in known else PIPELINE.next_of(candidate.stage) or candidate.stage
    return _move_page(MoveForm(started(candidate, stage=str(target))), candidate)


@bp.post("/listing/<int:candidate_id>/move")
@needs("listing:edit")
def move_save(candidate_id: int) -> Any:
    candidate = load(candidate_id)
    over = over_candidate(candidate_id, gettext("移到阶段"), _standing)
    form = over.form(MoveForm)

    def write() -> None:
        actions.move(
            db.session(), candidate, actor=actor(), today=today(), stage=Stage(form.stage.data), on=form.on.value,
            reason=form.reason.value, version=form.version_seen,
        )  # fmt: skip

    def told() -> str:
        return gettext(
            "「%(name)s」已到「%(stage)s」。", name=candidate.firm.name, stage=word(candidate.stage)
        )

    return take(
        form, candidate_id, write, lambda sentence, items: _move_page(form, load(candidate_id), sentence, items),
        told, over,
    )  # fmt: skip


@bp.get("/listing/<int:candidate_id>/aside")
@needs("listing:edit")
def aside(candidate_id: int) -> Any:
    candidate = load(candidate_id)
    return form_page(AsideForm(started(candidate)), candidate, gettext("暂缓或退出"), gettext("保存"))


@bp.post("/listing/<int:candidate_id>/aside")
@needs("listing:edit")
def aside_save(candidate_id: int) -> Any:
    candidate = load(candidate_id)
    over = over_candidate(candidate_id, gettext("暂缓或退出"), lambda row: {"state": row.state.value})
    form = over.form(AsideForm)

    def write() -> None:
        actions.set_aside(
            db.session(), candidate, actor=actor(), today=today(), state=State(form.state.data), on=form.on.value,
            reason=form.reason.value, version=form.version_seen,
        )  # fmt: skip

    def page(sentence: str | None, _items: Any) -> str:
        return form_page(form, load(candidate_id), gettext("暂缓或退出"), gettext("保存"), refused=sentence)

    def told() -> str:
        return gettext(
            "「%(name)s」已转为「%(state)s」。", name=candidate.firm.name, state=word(candidate.state)
        )

    return take(form, candidate_id, write, page, told, over)


@bp.get("/listing/<int:candidate_id>/resume")
@needs("listing:edit")
def resume(candidate_id: int) -> Any:
    candidate = load(candidate_id)
    return form_page(ResumeForm(started(candidate)), candidate, gettext("重新推进"), gettext("重新推进"))


@bp.post("/listing/<int:candidate_id>/resume")
@needs("listing:edit")
def resume_save(candidate_id: int) -> Any:
    candidate = load(candidate_id)
    over = over_candidate(candidate_id, gettext("重新推进"), lambda row: {"state": row.state.value})
    form = over.form(ResumeForm)

    def write() -> None:
        actions.resume(
            db.session(), candidate, actor=actor(), today=today(), on=form.on.value, reason=form.reason.value,
            version=form.version_seen,
        )  # fmt: skip

    def page(sentence: str | None, _items: Any) -> str:
        return form_page(form, load(candidate_id), gettext("重新推进"), gettext("重新推进"), refused=sentence)

    return take(
        form,
        candidate_id,
        write,
        page,
        lambda: gettext("「%(name)s」重新推进。", name=candidate.firm.name),
        over,
    )


def _board_form(form: BoardForm, candidate: Candidate) -> None:
    """A first board needs no reason, another one does."""
    form.reason.flags.required = candidate.board is not None


@bp.get("/listing/<int:candidate_id>/board")
@needs("listing:edit")
def board(candidate_id: int) -> Any:
    candidate = load(candidate_id)
    form = BoardForm(started(candidate, board=candidate.board.value if candidate.board else ""))
    _board_form(form, candidate)
    return form_page(form, candidate, gettext("更换板块"), gettext("保存"))


@bp.post("/listing/<int:candidate_id>/board")
@needs("listing:edit")
def board_save(candidate_id: int) -> Any:
    candidate = load(candidate_id)
    over = over_candidate(
        candidate_id, gettext("更换板块"), lambda row: {"board": row.board.value if row.board else ""}
    )
    form = over.form(BoardForm, lambda made: _board_form(made, candidate))

    def write() -> None:
        actions.change_board(
            db.session(), candidate, actor=actor(), today=today(),
            board=Board(form.board.data) if form.board.value else None, on=form.on.value, reason=form.reason.value,
            version=form.version_seen,
        )  # fmt: skip

    def page(sentence: str | None, _items: Any) -> str:
        return form_page(form, load(candidate_id), gettext("更换板块"), gettext("保存"), refused=sentence)

    return take(
        form, candidate_id, write, page,
        lambda: gettext("「%(name)s」的目标板块已更换。", name=candidate.firm.name), over,
    )  # fmt: skip
