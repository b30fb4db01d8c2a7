"""Instructions 批示: given from a record in one short form; and the lists of all steps and of all instructions."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import flash, render_template, request
from werkzeug.datastructures import MultiDict

from crm.activities import actions, queries
from crm.activities.actions import Planned
from crm.activities.forms import InstructForm
from crm.activities.rules.steps import asked_of
from crm.activities.rules.words import ActivityKind
from crm.activities.views.blueprint import bp
from crm.activities.views.mentioning import mentions
from crm.activities.views.timeline import page_of, subject
from crm.core.clock import now, today
from crm.core.db import db
from crm.core.i18n import gettext
from crm.core.lists.showing import list_page
from crm.core.permissions import needs
from crm.core.records import name_of
from crm.core.transaction import commit
from crm.core.web import actor, back_to
from crm.core.words import Refused

DAYS = 7  # until when an answer is asked for, unless another day is said


@bp.get("/steps/all")
@needs("activity:add")
def all_steps() -> Any:
    return list_page(queries.LIST, "activities/all_steps.html", today=today())


@bp.get("/instructions")
@needs("instruction:write")
def instructions() -> Any:
    return list_page(queries.INSTRUCTIONS, "activities/instructions.html", today=today())


@bp.route("/records/<string:kind>/<int:row_id>/instruct", methods=["GET", "POST"])
@needs("instruction:write")
def instruct(kind: str, row_id: int) -> Any:
    """What is to be done, who answers (`owner` of the address is chosen already) and by when."""
    found, row = subject(kind, row_id)
    people = queries.colleagues(db.session())
    start = MultiDict(
        {"owner": request.args.get("owner", ""), "due_on": (today() + dt.timedelta(DAYS)).isoformat()}
    )
    form, refused = InstructForm() if request.method == "POST" else InstructForm(start), None
    form.offer(people, actor().user_id)
    if request.method == "POST" and form.validate():
        text = form.summary.value or ""
        try:
            actions.log(
                db.session(), actor=actor(), at=now(), today=today(), kind=ActivityKind.INSTRUCTION, on=today(),
                summary=text, subjects=[(kind, row_id)], mentions=mentions(text),
                step=Planned(asked_of(text), form.due_on.value, int(form.owner.value) if form.owner.value else None),
            )  # fmt: skip
            commit()
            flash(gettext("批示已发出，对方的收件箱里会看到。"), "done")
            return back_to(found.endpoint, **{found.id_name: getattr(row, found.id_from)})
        except Refused as refusal:
            db.session.rollback()
            refused = form.refuse(refusal)
            found, row = subject(kind, row_id)
    page = render_template(
        "activities/instruct.html", form=form, kind=found, row_id=row_id, title=name_of(found, row),
        back=page_of(found, row), refused=refused,
    )  # fmt: skip
    return (page, form.http_status) if refused or form.errors else page
