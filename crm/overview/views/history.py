"""The history of a record's fields, beside every field; putting an old value back."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, render_template, request, url_for
from werkzeug.datastructures import MultiDict

from crm.core import history
from crm.core.clock import today
from crm.core.db import db
from crm.core.i18n import gettext, say
from crm.core.permissions import signed_in
from crm.core.records import RecordKind, editable, kind_of, load, name_of
from crm.core.saving import save
from crm.core.telling import NOTHING, Teller
from crm.core.web import actor, back_to, is_htmx
from crm.core.words import Missing, Refused
from crm.overview import actions, queries
from crm.overview.forms import RestoreForm
from crm.overview.rules import MESSAGES
from crm.overview.views.blueprint import bp

IN_PANEL = 8
LOOKED_AT = 60  # changes a panel looks at: many that one operation made are one line of it


def operation(action: str, params: Any) -> str:
    """Which operation made a change, in words: an import with its file, an undo with what it took back."""
    text = MESSAGES.get(action, action).partition("：")[0]
    told = say(text) if "%(" not in text else str(action)
    if source := params.get("filename") or params.get("title"):
        return str(gettext("%(what)s「%(file)s」", what=told, file=source))
    if of := params.get("undone_action") or params.get("of_action"):
        return str(gettext("%(what)s（%(of)s）", what=told, of=operation(of, {})))
    return told


def who(name: str) -> str:
    """The actor of an operation as people call it."""
    return str(gettext("系统")) if name.startswith("system:") else name


def number(raw: str | None) -> int | None:
    """An id of the query string; None for anything else."""
    return int(raw) if raw and raw.isascii() and raw.isdigit() and len(raw) < 18 else None


def _asked(kind: RecordKind) -> history.Asked:
    args = request.args
    table = args.get("part")
    return history.Asked(
        part=kind.part(table) if table else None,
        row_id=number(args.get("row")),
        field=args.get("field") or None,
        before=number(args.get("before")),
    )


@bp.get("/records/<string:kind_code>/<int:record_id>/history")
@signed_in
def record_history(kind_code: str, record_id: int) -> Any:
    """``?field=`` one field, ``?part=&row=`` one row of a part; a part of the page for htmx, as a panel of its own with
    ``panel=1``."""
    session, viewer = db.session(), actor()
    kind = kind_of(kind_code)
    record = load(session, kind, record_id, viewer=viewer)
    asked = _asked(kind)
    is_panel = bool(request.args.get("panel"))
    found, more = history.entries(
        session, kind, record, asked, viewer=viewer, size=LOOKED_AT if is_panel else history.PAGE
    )
    if is_panel:
        found = history.folded(found)[:IN_PANEL]
    fact = (asked.part or kind).fact(asked.field) if asked.field else None
    template = "overview/history.html"
    if is_panel:
        template = "overview/_history_panel.html"
    elif is_htmx():
        template = "overview/_history.html"
    return render_template(
        template,
        kind=kind,
        record=record,
        name=name_of(kind, record) or say(kind.label),
        entries=found,
        more=more,
        asked=asked,
        field_label=say(fact.label) if fact else None,
        operation=operation,
        who=who,
        back=url_for(kind.endpoint, **{kind.id_name: getattr(record, kind.id_from)}),
    )


@bp.route("/records/<string:kind_code>/<int:record_id>/restore", methods=["GET", "POST"])
@signed_in
def record_restore(kind_code: str, record_id: int) -> Any:
    """Put the value before a change back: what is there now, what was then, a reason where the kind asks for one."""
    session, viewer = db.session(), actor()
    kind = kind_of(kind_code)
    record = editable(session, kind, record_id, actor=viewer)
    name = request.args.get("field", "")
    change_id = number(request.args.get("change"))
    if change_id is None:
        abort(404)
    change = history.get_change(session, kind, record_id, change_id)
    envelope = queries.envelope_of(session, change.operation)
    back = url_for(kind.endpoint, **{kind.id_name: getattr(record, kind.id_from)})
    is_asked = request.method == "GET"
    form = RestoreForm(MultiDict({"version": str(record.version)})) if is_asked else RestoreForm()
    if kind.needs_reason:
        form.reason.flags.required = True
    try:
        values = actions.old_values(kind, change, name)
    except Missing:
        raise
    except Refused as refusal:
        flash(say(refusal), "error")
        return back_to(kind.endpoint, **{kind.id_name: getattr(record, kind.id_from)})

    def write() -> None:
        actions.restore(
            db.session(), kind, record, change=change, of=envelope, name=name, actor=viewer, today=today(),
            version=form.version_seen, reason=form.reason.value or "",
        )  # fmt: skip

    def done() -> Any:
        flash(gettext("已改回原来的值。"), "done")
        return back_to(kind.endpoint, **{kind.id_name: getattr(record, kind.id_from)})

    def again(refused: str | None) -> str:
        row = load(db.session(), kind, record_id, viewer=viewer)
        form.version.raw_data = [str(row.version)]
        form.version.data = str(row.version)
        teller = Teller(db.session())
        facts = history.namesakes(kind, name)
        now = [teller.tell(kind.model, fact, getattr(row, fact.name)) for fact in facts]
        old = [teller.tell(kind.model, fact, values.get(fact.name)) for fact in facts]
        return render_template(
            "overview/restore.html",
            form=form,
            refused=refused,
            label=say(facts[0].label),
            now=next((text for text in now if text != NOTHING), NOTHING),
            old=next((text for text in old if text != NOTHING), NOTHING),
            name=name_of(kind, row) or say(kind.label),
            back=back,
            envelope=envelope,
            who=who,
            operation=operation(envelope.action, envelope.params),
        )

    if is_asked:
        return again(None)
    return save(form, write, done=done, again=again)
