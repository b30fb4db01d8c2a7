"""Recent operations: who did what to how many rows, and the way back."""

from __future__ import annotations

from typing import Any, cast

from flask import flash, render_template, request, url_for

from crm.core import undo
from crm.core.audit import AuditEnvelope, revive
from crm.core.audit.journal import columns_of
from crm.core.db import db
from crm.core.i18n import gettext, say, word
from crm.core.lists.showing import list_page
from crm.core.permissions import Forbidden, needs
from crm.core.records import SUBJECTS
from crm.core.transaction import commit
from crm.core.web import actor, back_to
from crm.core.words import Refused, Word
from crm.firms.rules.columns import OPENS
from crm.overview.actions.undoing import rights, undo_operation
from crm.overview.queries import operations as queries
from crm.overview.rules import Verb
from crm.overview.rules.operations import FEW, IMPORT_WRITE, OF, SELECTED, TAG_WRITE, Work
from crm.overview.views.audit import sentence
from crm.overview.views.blueprint import bp

READY = 5_000  # change rows up to which the page itself looks whether an undo would go through
RESULTS = {
    IMPORT_WRITE: ("firms.import_show", "batch_id"),
    TAG_WRITE: ("ladder.tag_review", "batch_id"),
}


@bp.get("/operations")
@needs("firm:read")
def operations() -> Any:
    return list_page(queries.LIST, "overview/operations.html", sentence=sentence)


@bp.get("/operations/<string:operation>")
@needs("firm:read")
def operation(operation: str) -> Any:
    return _page(queries.get_operation(db.session(), operation, viewer=actor()))


def _page(envelope: AuditEnvelope, refused: Refused | None = None) -> str:
    session, viewer = db.session(), actor()
    raw = request.args.get("after", "")
    after = int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 10 else -1
    changes, more = queries.changed_rows(session, envelope, viewer=viewer, after=after)
    undone = queries.undone_by(session, [envelope.operation]).get(envelope.operation)
    refusal = None
    if not undone:
        refusal = rights(session, envelope, actor=viewer)
        if refusal is None and envelope.changes_count <= READY:
            refusal = undo.can_undo(session, envelope.operation)
    work = OF.get(envelope.action)
    if envelope.action in SELECTED and envelope.changes_count > FEW:
        work = Work.TAG
    return render_template(
        "overview/operation.html",
        envelope=envelope,
        sentence=sentence(envelope),
        changes=changes,
        more=more,
        withheld=queries.withheld(session, envelope, viewer=viewer),
        undone=queries.operation_at(session, undone) if undone else None,
        refusal=refusal,
        refused=refused,
        work=work,
        verbs={item.value: item for item in Verb},
        fact=fact_name,
        shown=value_shown,
        reason=envelope.params.get("reason"),
        batch_url=_result_url(envelope),
    )


def _result_url(envelope: AuditEnvelope) -> str | None:
    """The page of the result of a bulk change of one's own, an import or a published list."""
    viewer = actor()
    if envelope.subject_kind == "bulk" and envelope.actor_id == viewer.user_id:
        return url_for("overview.bulk_show", run_id=envelope.subject_id)
    found = RESULTS.get(envelope.action)
    if (
        found is None
        or envelope.subject_id is None
        or not any(map(viewer.may, OPENS if envelope.action == IMPORT_WRITE else ("ladder:tag",)))
    ):
        return None
    values: dict[str, Any] = {found[1]: envelope.subject_id}
    return url_for(found[0], **values)


def fact_name(table: str, column: str) -> str:
    """A column as people know it."""
    for kind in SUBJECTS.values():
        if kind.table == table and (fact := kind.fact(column)):
            return say(fact.label)
    return column


def value_shown(table: str, column: str, value: str) -> str:
    """A journal's value in words: a member of an enum by its label, an id by the name behind it."""
    for kind in SUBJECTS.values():
        if kind.table != table:
            continue
        fact = kind.fact(column)
        try:
            typed = revive(columns_of(kind.model)[column].type, value)
        except (KeyError, ValueError, TypeError):
            return value
        if isinstance(typed, Word):
            return word(typed)
        if fact is not None and fact.show is not None:
            return fact.show(db.session(), int(value) if value.isascii() and value.isdigit() else value)
    return value


@bp.post("/operations/<string:operation>/undo")
@needs("firm:read")
def operation_undo(operation: str) -> Any:
    """Take an operation back, whole. What stands in the way is shown on its page."""
    session, viewer = db.session(), actor()
    envelope = queries.get_operation(session, operation, viewer=viewer)
    try:
        done = undo_operation(session, envelope, actor=viewer)
        commit()
    except Refused as refusal:
        db.session.rollback()
        code = 403 if isinstance(refusal, Forbidden) else 422
        return _page(queries.get_operation(db.session(), operation, viewer=viewer), refusal), code
    text = gettext("已撤销整次操作，共 %(n)s 处改动。", n=envelope.changes_count)
    undo_url = url_for("overview.operation_undo", operation=done.id)
    flash(cast(Any, {"text": text, "undo": undo_url}), "done")
    return back_to("overview.operation", operation=operation)
