"""Everything a person has in hand goes to somebody else: looked at first, then done; the brief of it."""

from __future__ import annotations

from typing import Any

from flask import flash, render_template, request, url_for
from werkzeug.datastructures import MultiDict

from crm.core import audit
from crm.core.clock import now, today
from crm.core.db import db
from crm.core.forms import options
from crm.core.i18n import gettext
from crm.core.permissions import needs
from crm.core.saving import save
from crm.core.web import actor, back_to
from crm.projects import actions, queries
from crm.projects.forms import PortfolioForm
from crm.projects.queries.portfolio import Held
from crm.projects.views.blueprint import bp


def _offer(form: PortfolioForm) -> PortfolioForm:
    people = [("", gettext("请选择")), *((str(key), name) for key, name in queries.officers(db.session()))]
    form.from_user.choices = form.to_user.choices = options(people)
    return form


def _number(raw: Any) -> int | None:
    text = str(raw or "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


@bp.get("/projects/handover")
@needs("project:assign")
def handover() -> Any:
    """Choose who gives; what would move is listed."""
    asked = _number(request.args.get("from_user"))
    form = _offer(PortfolioForm(MultiDict({"from_user": str(asked or "")})))
    return _page(form, asked)


def _page(form: PortfolioForm, from_id: int | None, refused: str | None = None) -> str:
    held: list[Held] = queries.portfolio(db.session(), from_id, actor=actor()) if from_id else []
    return render_template(
        "projects/handover.html", form=form, held=held, from_id=from_id, refused=refused, today=today()
    )


@bp.post("/projects/handover")
@needs("project:assign")
def handover_save() -> Any:
    form = _offer(PortfolioForm())
    done_with: list[int] = []
    operations: list[str] = []

    def write() -> None:
        held = actions.hand_over_all(
            db.session(), actor=actor(), at=now(), today=today(), from_id=_number(form.from_user.data),
            to_id=_number(form.to_user.data), reason=form.reason.value,
        )  # fmt: skip
        done_with.append(len(held))
        running = audit.running(db.session())
        operations.extend([running.id] if running is not None else [])

    def done() -> Any:
        text = gettext("已交接 %(n)s 个项目，接手人会收到提醒。", n=done_with[0])
        message: Any = text
        if operations:
            message = {"text": text, "undo": url_for("overview.operation_undo", operation=operations[0])}
        flash(message, "done")
        return back_to("projects.workload")

    def again(sentence: str | None) -> str:
        return _page(form, _number(form.from_user.data), sentence)

    return save(form, write, done=done, again=again)
