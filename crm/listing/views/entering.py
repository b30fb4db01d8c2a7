"""A firm enters the reserve; what a firm's page shows of it."""

from __future__ import annotations

from typing import Any

from flask import flash, render_template
from werkzeug.datastructures import MultiDict

from crm.core.clock import today
from crm.core.db import db
from crm.core.forms import options
from crm.core.i18n import gettext
from crm.core.permissions import needs
from crm.core.saving import save
from crm.core.web import actor, back_to
from crm.firms.models import Firm
from crm.firms.queries import get_firm
from crm.listing import actions, queries
from crm.listing.forms import EnterForm
from crm.listing.models import Candidate
from crm.listing.rules.words import Board
from crm.listing.views.blueprint import bp


def people_of() -> list[tuple[str, str]]:
    """The people a candidate may be given to, as the choices of a select."""
    found = [(str(key), name) for key, name in queries.finance_people(db.session())]
    return [("", gettext("未定")), *found]


def _page(form: EnterForm, firm: Firm, refused: str | None = None) -> str:
    form.officer.choices = options(people_of())
    return render_template("listing/enter.html", form=form, firm=firm, refused=refused)


@bp.get("/firms/<int:firm_id>/listing/new")
@needs("listing:edit")
def enter(firm_id: int) -> Any:
    firm = get_firm(db.session(), firm_id, viewer=actor())
    start = {"on": today().isoformat(), "officer": str(actor().user_id or "")}
    return _page(EnterForm(MultiDict(start)), firm)


@bp.post("/firms/<int:firm_id>/listing/new")
@needs("listing:edit")
def enter_save(firm_id: int) -> Any:
    firm = get_firm(db.session(), firm_id, viewer=actor())
    form = EnterForm()
    form.officer.choices = options(people_of())
    made: list[Candidate] = []

    def write() -> None:
        made.append(
            actions.enter(
                db.session(), firm, actor=actor(), today=today(), on=form.on.value,
                board=Board(form.board.data) if form.board.value else None,
                officer_id=int(form.officer.data) if form.officer.value else None, note=form.note.value,
            )
        )  # fmt: skip

    def done() -> Any:
        flash(gettext("「%(name)s」已入上市后备库。", name=firm.name), "done")
        return back_to("listing.show", candidate_id=made[0].id)

    return save(form, write, done=done, again=lambda sentence: _page(form, firm, sentence))


@bp.get("/firms/<int:firm_id>/listing")
@needs("listing:read")
def firm_panel(firm_id: int) -> Any:
    """Where a firm stands on its way to a listing: a part of the firm's page."""
    session, viewer = db.session(), actor()
    firm = get_firm(session, firm_id, viewer=viewer)
    candidate = queries.of_firm(session, firm_id, viewer=viewer)
    return render_template(
        "listing/_firm_panel.html", firm=firm, candidate=candidate, may_edit=viewer.may("listing:edit")
    )
