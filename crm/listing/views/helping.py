"""Who works on a listing, what stands in its way, the markets before it, and who owns the firm."""

from __future__ import annotations

from typing import Any

from flask import request
from werkzeug.datastructures import MultiDict

from crm.core.clock import today
from crm.core.db import db
from crm.core.forms import options
from crm.core.i18n import gettext
from crm.core.permissions import needs
from crm.core.web import actor
from crm.core.words import N_, Missing
from crm.listing import actions, queries
from crm.listing.forms import (
    HoldersForm,
    IntermediaryForm,
    LeaveForm,
    MarketForm,
    ObstacleForm,
    SettleForm,
)
from crm.listing.models import Candidate, Intermediary, Obstacle
from crm.listing.rules.words import IntermediaryKind, Market
from crm.listing.views.blueprint import bp, form_page, load, over_candidate, started, take
from crm.listing.views.entering import people_of


def _engage_page(form: IntermediaryForm, candidate: Candidate, refused: str | None = None) -> str:
    sentence = gettext("同类的前一家在这一天退出。")
    return form_page(form, candidate, gettext("登记中介机构"), gettext("登记"), sentence, refused)


@bp.get("/listing/<int:candidate_id>/intermediaries/new")
@needs("listing:edit")
def engage(candidate_id: int) -> Any:
    asked = request.args.get("kind", "")
    kind = {"kind": asked} if asked in {each.value for each in IntermediaryKind} else {}
    return _engage_page(IntermediaryForm(started(None, **kind)), load(candidate_id))


@bp.post("/listing/<int:candidate_id>/intermediaries/new")
@needs("listing:edit")
def engage_save(candidate_id: int) -> Any:
    candidate, form = load(candidate_id), IntermediaryForm()

    def write() -> None:
        actions.engage(
            db.session(), candidate, actor=actor(), today=today(), kind=IntermediaryKind(form.kind.data),
            name=form.name.value, from_on=form.from_on.value, person=form.person.value, phone=form.phone.value,
        )  # fmt: skip

    return take(
        form, candidate_id, write, lambda sentence, _items: _engage_page(form, load(candidate_id), sentence),
        lambda: gettext("中介机构已登记。"),
    )  # fmt: skip


def _intermediary(candidate: Candidate, row_id: int) -> Intermediary:
    rows = queries.intermediaries_of(db.session(), candidate.id)
    found = next((row for row in rows if row.id == row_id), None)
    if found is None:
        raise Missing(N_("没有这家机构。"))
    return found


@bp.get("/listing/<int:candidate_id>/intermediaries/<int:row_id>/leave")
@needs("listing:edit")
def dismiss(candidate_id: int, row_id: int) -> Any:
    candidate = load(candidate_id)
    row = _intermediary(candidate, row_id)
    return form_page(LeaveForm(started()), candidate, gettext("中介机构退出"), gettext("保存"), row.name)


@bp.post("/listing/<int:candidate_id>/intermediaries/<int:row_id>/leave")
@needs("listing:edit")
def dismiss_save(candidate_id: int, row_id: int) -> Any:
    candidate = load(candidate_id)
    row, form = _intermediary(candidate, row_id), LeaveForm()

    def write() -> None:
        actions.dismiss(db.session(), candidate, row, actor=actor(), today=today(), on=form.on.value)

    def page(sentence: str | None, _items: Any) -> str:
        return form_page(
            form, load(candidate_id), gettext("中介机构退出"), gettext("保存"), row.name, sentence
        )

    return take(form, candidate_id, write, page, lambda: gettext("已记下「%(name)s」退出。", name=row.name))


def _obstacle_page(form: ObstacleForm, candidate: Candidate, refused: str | None = None) -> str:
    return form_page(
        form,
        candidate,
        gettext("登记一企一策难题"),
        gettext("登记"),
        refused=refused,
        hints={"due_on": gettext("如 明天、下周三、11-30")},
    )


def _offer(form: ObstacleForm) -> ObstacleForm:
    people = people_of()
    form.owner.choices = options([("", gettext("请选择")), *people[1:]])
    units = [(str(key), name) for key, name in queries.units_in_use(db.session())]
    form.unit.choices = options([("", gettext("请选择")), *units])
    return form


@bp.get("/listing/<int:candidate_id>/obstacles/new")
@needs("listing:edit")
def obstacle(candidate_id: int) -> Any:
    viewer = actor()
    start = {"owner": str(viewer.user_id or ""), "unit": str(viewer.unit_id or "")}
    return _obstacle_page(_offer(ObstacleForm(MultiDict(start))), load(candidate_id))


@bp.post("/listing/<int:candidate_id>/obstacles/new")
@needs("listing:edit")
def obstacle_save(candidate_id: int) -> Any:
    candidate, form = load(candidate_id), _offer(ObstacleForm())

    def write() -> None:
        actions.raise_obstacle(
            db.session(), candidate, actor=actor(), today=today(), text=form.text.value,
            owner_id=int(form.owner.data) if form.owner.value else None,
            unit_id=int(form.unit.data) if form.unit.value else None, due_on=form.due_on.value,
        )  # fmt: skip

    return take(
        form, candidate_id, write, lambda sentence, _items: _obstacle_page(form, load(candidate_id), sentence),
        lambda: gettext("难题已登记。"),
    )  # fmt: skip


def _obstacle(candidate: Candidate, row_id: int) -> Obstacle:
    found = next((row for row in queries.obstacles_of(db.session(), candidate.id) if row.id == row_id), None)
    if found is None:
        raise Missing(N_("没有这件难题。"))
    return found


@bp.get("/listing/<int:candidate_id>/obstacles/<int:row_id>/settle")
@needs("listing:edit")
def settle(candidate_id: int, row_id: int) -> Any:
    candidate = load(candidate_id)
    row = _obstacle(candidate, row_id)
    form = SettleForm(MultiDict({"version": str(row.version), "on": today().isoformat()}))
    return form_page(form, candidate, gettext("办结难题"), gettext("办结"), row.text)


@bp.post("/listing/<int:candidate_id>/obstacles/<int:row_id>/settle")
@needs("listing:edit")
def settle_save(candidate_id: int, row_id: int) -> Any:
    candidate = load(candidate_id)
    row, form = _obstacle(candidate, row_id), SettleForm()

    def write() -> None:
        actions.settle_obstacle(
            db.session(), candidate, row, actor=actor(), today=today(), on=form.on.value,
            outcome=form.outcome.value, version=form.version_seen,
        )  # fmt: skip

    def page(sentence: str | None, _items: Any) -> str:
        return form_page(form, load(candidate_id), gettext("办结难题"), gettext("办结"), row.text, sentence)

    return take(form, candidate_id, write, page, lambda: gettext("难题已办结。"))


@bp.get("/listing/<int:candidate_id>/markets/new")
@needs("listing:edit")
def market(candidate_id: int) -> Any:
    sentence = gettext("新三板、区域性股权市场不算上市，前一段在这一天结束。")
    return form_page(
        MarketForm(started()), load(candidate_id), gettext("登记挂牌"), gettext("登记"), sentence
    )


@bp.post("/listing/<int:candidate_id>/markets/new")
@needs("listing:edit")
def market_save(candidate_id: int) -> Any:
    candidate, form = load(candidate_id), MarketForm()

    def write() -> None:
        actions.stay(
            db.session(), candidate, actor=actor(), today=today(), market=Market(form.market.data),
            from_on=form.from_on.value, to_on=form.to_on.value, code=form.code.value,
        )  # fmt: skip

    def page(sentence: str | None, _items: Any) -> str:
        return form_page(form, load(candidate_id), gettext("登记挂牌"), gettext("登记"), refused=sentence)

    return take(form, candidate_id, write, page, lambda: gettext("挂牌已登记。"))


def _holders_text(candidate_id: int) -> str:
    """The shareholders of the latest day, as the form takes them."""
    rows = queries.shareholders_of(db.session(), candidate_id)
    return "\n".join(f"{row.name} {row.basis_points / 100:g} {gettext(row.kind.label)}" for row in rows)


def _holders_page(form: HoldersForm, candidate: Candidate, refused: str | None = None) -> str:
    sentence = gettext(
        "一行一名：名称、比例、类别，如「张三 35.5 创始人」。同一天的整份替换，别的日子都留着。"
    )
    return form_page(form, candidate, gettext("登记股权结构"), gettext("保存"), sentence, refused)


@bp.get("/listing/<int:candidate_id>/shareholders")
@needs("listing:edit")
def holders(candidate_id: int) -> Any:
    candidate, text = load(candidate_id), _holders_text(candidate_id)
    return _holders_page(HoldersForm(started(candidate, holders=text, was_holders=text)), candidate)


@bp.post("/listing/<int:candidate_id>/shareholders")
@needs("listing:edit")
def holders_save(candidate_id: int) -> Any:
    candidate = load(candidate_id)
    over = over_candidate(
        candidate_id, gettext("登记股权结构"), lambda _row: {"holders": _holders_text(candidate_id)},
        lambda _row: {"holders": str(form.was_holders.data or "")},
        lambda name, value: gettext("；").join(value.splitlines()) if name == "holders" else None,
    )  # fmt: skip
    form = over.form(HoldersForm)

    def write() -> None:
        actions.set_holders(
            db.session(), candidate, actor=actor(), today=today(), on=form.on.value,
            holders=form.holders.value or [], version=form.version_seen,
        )  # fmt: skip

    return take(
        form, candidate_id, write, lambda sentence, _items: _holders_page(form, load(candidate_id), sentence),
        lambda: gettext("股权结构已保存。"), over,
    )  # fmt: skip
