"""Taking a wrongly entered line away: with a reason, told when others changed it meanwhile, undone from the toast."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import flash, render_template, request, url_for
from werkzeug.datastructures import MultiDict

from crm.core.db import db
from crm.core.i18n import gettext, say
from crm.core.permissions import needs
from crm.core.saving import Over, save
from crm.core.transaction import commit
from crm.core.undo import undo
from crm.core.web import actor, back_to
from crm.core.words import N_, Missing, Refused
from crm.firms import actions, queries
from crm.firms.forms import ReasonForm
from crm.firms.models import Contact, EquityRound, Firm, FirmName, RdInstitution
from crm.firms.rules.words import Act
from crm.firms.views.blueprint import bp, toast

Drop = Callable[..., str]
DROPS = (Act.CONTACT_DROP, Act.EQUITY_DROP, Act.INSTITUTION_DROP)


def _drop(firm: Firm, model: type[Any], row_id: int, act: Drop, id_name: str, title: str, done: str) -> Any:
    """The whole way of a drop; `act` is the action, `id_name` its argument."""
    firm_id = firm.id

    def load() -> Any:
        row = db.session.get(model, row_id)
        if row is None or row.firm_id != firm_id:
            raise Missing(N_("这一条已经不在了，可能刚被删除。"))
        return row

    back = url_for("firms.show", firm_id=firm_id)
    over = Over(load, lambda row: {}, title=title, back=back)
    operation: list[str] = []
    came_from = "review" if request.values.get("from") == "review" else ""
    is_asked = request.method == "GET"
    form = ReasonForm(MultiDict({"version": str(over.version)})) if is_asked else over.form(ReasonForm)

    def write() -> None:
        operation.append(
            act(
                db.session(), firm, actor=actor(), version=form.version_seen, reason=form.reason.value,
                **{id_name: row_id},
            )
        )  # fmt: skip

    def answer() -> Any:
        toast(done, undo=url_for("firms.undo_drop", operation=operation[0]))
        if came_from:
            return back_to("firms.contacts")
        return back_to("firms.show", firm_id=firm_id)

    def again(refused: str | None) -> str:
        found = queries.get_firm(db.session(), firm_id, viewer=actor())
        return render_template(
            "firms/drop.html", firm=found, form=form, refused=refused, title=title, came_from=came_from
        )

    if is_asked:
        return again(None)
    return save(form, write, done=answer, again=again, over=over)


def _firm(firm_id: int) -> Firm:
    return queries.get_firm(db.session(), firm_id, viewer=actor())


@bp.route("/firms/<int:firm_id>/names/<int:name_id>/drop", methods=["GET", "POST"])
@needs("firm:edit")
def name_drop(firm_id: int, name_id: int) -> Any:
    firm = _firm(firm_id)
    actions.check_editor(db.session(), firm, actor=actor())
    title, done = gettext("删除名称"), gettext("已删除这个名称。")
    return _drop(firm, FirmName, name_id, actions.drop_name, "name_id", title, done)


@bp.route("/firms/<int:firm_id>/contacts/<int:contact_id>/drop", methods=["GET", "POST"])
@needs("firm:edit")
def contact_drop(firm_id: int, contact_id: int) -> Any:
    firm = _firm(firm_id)
    actions.check_editor(db.session(), firm, actor=actor())
    title, done = gettext("删除联系人"), gettext("已删除联系人。")
    return _drop(firm, Contact, contact_id, actions.drop_contact, "contact_id", title, done)


@bp.route("/firms/<int:firm_id>/equity/<int:round_id>/drop", methods=["GET", "POST"])
@needs("figure:edit")
def equity_drop(firm_id: int, round_id: int) -> Any:
    firm = _firm(firm_id)
    actions.check_figures_editor(db.session(), firm, actor=actor())
    title, done = gettext("删除股权融资"), gettext("已删除这一轮融资。")
    return _drop(firm, EquityRound, round_id, actions.drop_equity, "round_id", title, done)


@bp.route("/firms/<int:firm_id>/institutions/<int:institution_id>/drop", methods=["GET", "POST"])
@needs("figure:edit")
def institution_drop(firm_id: int, institution_id: int) -> Any:
    firm = _firm(firm_id)
    actions.check_figures_editor(db.session(), firm, actor=actor())
    title, done = gettext("删除研发机构"), gettext("已删除研发机构。")
    return _drop(firm, RdInstitution, institution_id, actions.drop_institution, "institution_id", title, done)


@bp.post("/firms/drops/<string:operation>/undo")
@needs("firm:edit", "figure:edit")
def undo_drop(operation: str) -> Any:
    """Bring back what was just taken away. Only one's own, while one may still edit the firm."""
    session, viewer = db.session(), actor()
    firm_id = queries.own_operation(session, operation, actor=viewer, action=Act.NAME_DROP, also=DROPS)
    rights = queries.rights(session, _firm(firm_id).id, viewer)
    if not (rights.edit or rights.edit_figures):
        raise Missing(N_("没有这次操作。"))
    try:
        undo(session, operation, actor=viewer)
        commit()
        flash(gettext("已撤销。"), "done")
    except Refused as refusal:
        session.rollback()
        flash(say(refusal), "error")
    return back_to("firms.show", firm_id=firm_id)
