"""Recent operations: who did what to how many rows, and the way back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from flask import flash, render_template, request, url_for

from crm.core import undo
from crm.core.audit import AuditEnvelope, revive
from crm.core.audit.journal import columns_of
from crm.core.db import Base, db
from crm.core.i18n import gettext, say, word
from crm.core.lists.showing import list_page
from crm.core.permissions import Forbidden, needs
from crm.core.records import Fact, facts_of, listed
from crm.core.telling import Teller
from crm.core.transaction import commit
from crm.core.web import actor, back_to
from crm.core.words import Refused, Word
from crm.firms.rules.columns import OPENS
from crm.overview.actions.undoing import closed_since, rights, undo_operation
from crm.overview.queries import operations as queries
from crm.overview.queries.audit import Changed
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
        refusal = rights(session, envelope, actor=viewer) or closed_since(session, envelope)
        if refusal is None and envelope.changes_count <= READY:
            refusal = undo.can_undo(session, envelope.operation)
    hidden = queries.withheld(session, envelope, viewer=viewer)
    # a reason may tell of what one does not see: it is for those who see something of what was changed
    sees = hidden < envelope.changes_count or envelope.actor_id == viewer.user_id
    work = OF.get(envelope.action)
    if envelope.action in SELECTED and envelope.changes_count > FEW:
        work = Work.TAG
    return render_template(
        "overview/operation.html",
        envelope=envelope,
        sentence=sentence(envelope),
        changes=changes,
        more=more,
        withheld=hidden,
        undone=queries.operation_at(session, undone) if undone else None,
        refusal=refusal,
        refused=refused,
        work=work,
        verbs={item.value: item for item in Verb},
        fact=fact_name,
        shown=Values(change for change, *_ in changes).shown,
        reason=envelope.params.get("reason") if sees else None,
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
    fact = _fact(table, column)
    return say(fact.label) if fact is not None else column


def _fact(table: str, column: str) -> Fact | None:
    return next((fact for fact in facts_of(table) if fact.name == column), None)


def _model(table: str) -> type[Base] | None:
    """The model of a table of records or of their parts."""
    of_kinds = (model for kind in listed().values() for model in (kind.model, *(p.model for p in kind.parts)))
    return next((model for model in of_kinds if model.__tablename__ == table), None)


class Values:
    """Values of the journal in words: a member of an enum by its label, an id by the name behind it; the names of a page
    in one statement a table of names."""

    def __init__(self, changes: Iterable[Changed]) -> None:
        self._teller = Teller(db.session())
        self._teller.prepare(
            (fact, _id(value))
            for change in changes
            for column, *sides in change.columns
            if (fact := _fact(change.kind, column)) is not None
            for value in sides
            if isinstance(value, str)
        )

    def shown(self, table: str, column: str, value: Any) -> Any:
        model = _model(table)
        if model is None or not isinstance(value, str):
            return value
        fact = _fact(table, column)
        try:
            typed = revive(columns_of(model)[column].type, value)
        except (KeyError, ValueError, TypeError):
            return value
        if isinstance(typed, Word):
            return word(typed)
        if fact is not None and fact.show is not None:
            return self._teller.tell(model, fact, _id(value))
        return value


def _id(value: str) -> str | int:
    """What was made text for the page is an id again."""
    return int(value) if value.isascii() and value.isdigit() else value


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
