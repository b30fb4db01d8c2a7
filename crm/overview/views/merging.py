"""Two records become one: find the other, preview and choose, merge; what was merged, and back."""

from __future__ import annotations

import datetime as dt
from typing import Any, cast

from flask import flash, redirect, render_template, request, url_for

from crm.core import merging, records
from crm.core.clock import today
from crm.core.db import db
from crm.core.i18n import gettext, number, say, wan, word
from crm.core.merging import BOTH, EACH, LEFT, RIGHT, SIDES, Choice, Clash, Moving, Preview, default_side
from crm.core.permissions import needs
from crm.core.records import SUBJECTS, Fact, Part, RecordKind, kind_of
from crm.core.transaction import commit
from crm.core.undo import ACTIONS, can_undo
from crm.core.web import actor, back_to
from crm.core.words import N_, Conflict, Missing, Refused, Word
from crm.firms import queries as registry
from crm.overview.views.blueprint import bp
from crm.projects import queries as pipeline
from crm.projects.queries import alike
from crm.projects.queries.alike import Typed

MAY = ("firm:merge", "project:assign")  # of every kind that merges; each declares its own as well


def address(kind: RecordKind, row: Any) -> str:
    """Where a record is shown."""
    return url_for(kind.endpoint, **{kind.id_name: getattr(row, kind.id_from)})


def told(fact: Fact, value: Any) -> str | None:
    """A value as a reader understands it; None when there is none."""
    if value is None or value == "":
        return None
    if isinstance(value, Word):
        return word(value)
    if isinstance(value, bool):
        return str(gettext("是") if value else gettext("否"))
    if fact.show is not None:
        return say(fact.show(db.session(), value))
    if isinstance(value, dt.date):
        return value.isoformat()
    if fact.name == "yuan" or fact.name.endswith("_yuan"):
        return str(gettext("%(amount)s 万元", amount=wan(value)))
    return number(value) if isinstance(value, int) else str(value)


def _facts_of(model: Any) -> dict[str, Fact]:
    """How the columns of a table are called, where it is a kind of record itself."""
    kind = next((item for item in SUBJECTS.values() if item.model is model), None)
    return {fact.name: fact for fact in kind.facts} if kind else {}


def _choice(choice: Choice, picks: Any) -> dict[str, Any]:
    texts = {
        side: [
            text
            for fact, value in zip(choice.facts, choice.of(side), strict=True)
            if (text := told(fact, value))
        ]
        for side in SIDES
    }
    labels = dict.fromkeys(say(fact.label) for fact in choice.facts)
    picked = picks.get(choice.name)
    return {
        "name": choice.name,
        "label": gettext("、").join(labels),
        **{side: " · ".join(texts[side]) or None for side in SIDES},
        "picked": picked if picked in SIDES else choice.default,
    }


def _clash(clash: Clash, picks: Any) -> dict[str, Any]:
    part = clash.part
    known = _facts_of(part.model) or {fact.name: fact for fact in part.facts}
    shown = [
        told(known.get(name, Fact(name, "")), clash.left[name]) if name != "year" else str(clash.left[name])
        for name in part.key
        if not isinstance(clash.left[name], bool) and not name.startswith("is_")
    ]
    picked = picks.get(clash.name)
    about = [
        fact
        for name, fact in known.items()
        if name not in part.key and (fact.show is not None or not name.endswith("_id"))
    ]
    sides = {
        side: " · ".join(text for fact in about if (text := told(fact, clash.of(side)[fact.name])))
        for side in SIDES
    }
    return {
        "name": clash.name,
        "title": " · ".join(text for text in shown if text),
        # what reads the same on both sides needs no choosing (two entries of one certificate renewed)
        "choices": [
            shown_choice
            for choice in clash.choices
            if (shown_choice := _choice(choice, picks))[LEFT] != shown_choice[RIGHT]
        ],
        "picked": picked if picked in (*SIDES, EACH, BOTH) else clash.default,
        "has_facts": bool(part.facts) and not part.whole and part.either is None,
        "may_both": part.either is not None,
        **sides,
    }


def _moving(moving: Moving, shown: Preview, picks: Any) -> dict[str, Any]:
    part = moving.part
    lead = next((fact for fact in shown.kind.facts if fact.name == part.follows), None)
    return {
        "label": say(part.model.__label__),
        "left": len(moving.rows[LEFT]),
        "right": len(moving.rows[RIGHT]),
        "moves": len(moving.moves),
        "clashes": [_clash(clash, picks) for clash in moving.clashes],
        "cleared": len(moving.cleared),
        "left_over": say(part.left),
        "follows": say(lead.label) if lead and moving.moves else None,
    }


def _page(
    shown: Preview,
    picks: Any,
    *,
    refused: str | None = None,
    changes: list[Any] | None = None,
    reason: str = "",
) -> str:
    sides = [
        {
            "side": side, "row": shown.of(side), "name": records.name_of(shown.kind, shown.of(side)),
            "url": address(shown.kind, shown.of(side)), "stays": side == shown.stays,
            "identity": getattr(shown.of(side), shown.rules.identity) if shown.rules.identity else None,
        }
        for side in SIDES
    ]  # fmt: skip
    stays_behind = [say(item.why) for item in shown.rules.stays]
    return render_template(
        "overview/merge.html",
        shown=shown,
        sides=sides,
        facts=[_choice(choice, picks) for choice in shown.facts],
        relations=[_moving(moving, shown, picks) for moving in shown.parts if moving.total],
        kept_names=list(dict.fromkeys(stays_behind)),
        refused=refused,
        changes=changes or [],
        acts=ACTIONS,
        reason=reason,
    )


def _kind(code: str) -> RecordKind:
    kind = kind_of(code)
    merging.rules_of(kind)
    return kind


@bp.get("/records/<string:kind>/<int:row_id>/merge")
@needs(*MAY)
def merge_find(kind: str, row_id: int) -> Any:
    """Which is the other one? Look-alikes first, and a search."""
    found_kind, viewer, session = _kind(kind), actor(), db.session()
    if found_kind.code not in OTHERS:
        raise Missing(N_("这种记录不能合并。"))
    viewer.require(merging.rules_of(found_kind).needs)
    row = records.editable(session, found_kind, row_id, actor=viewer)
    text = request.args.get("q", "").replace("\x00", "").strip()[:100]
    found, near = OTHERS[found_kind.code](row, text)
    for item in (*found, *near):
        item["url"] = url_for(found_kind.endpoint, **{found_kind.id_name: item["id"]})
    return render_template(
        "overview/merge_find.html",
        kind=found_kind.code,
        row=row,
        url=address(found_kind, row),
        text=text,
        found=found,
        near=near,
    )


Lines = list[dict[str, Any]]


def _other_firms(firm: Any, text: str) -> tuple[Lines, Lines]:
    viewer, session = actor(), db.session()
    found = [
        {"id": hit.id, "name": hit.name, "note": hit.code, "why": [say(hit.why)]}
        for hit in (registry.search(session, text, viewer, 20) if text else ())
        if hit.id != firm.id
    ]
    near = [
        {"id": item.id, "name": item.name, "note": item.code, "why": [say(why) for why in item.why]}
        for item in registry.near(session, name=firm.name, code=firm.code, viewer=viewer, but=firm.id)
    ]
    return found, near


def _other_projects(project: Any, text: str) -> tuple[Lines, Lines]:
    """Of look-alikes only those the viewer may see: merging takes both."""
    viewer, session = actor(), db.session()
    found = [
        {"id": hit.id, "name": hit.name, "note": hit.investor, "why": [word(hit.stage), say(hit.why)]}
        for hit in (pipeline.search(session, text, viewer, 20) if text else ())
        if hit.id != project.id
    ]
    typed = Typed(
        project.investor, project.investor_code or "", project.controller or "", project.product or "",
        project.total_yuan,
    )  # fmt: skip
    near = [
        {
            "id": item.id,
            "name": item.name,
            "note": item.investor,
            "why": [word(item.stage), *(say(why) for why in item.why)],
        }
        for item in alike.near(session, typed, viewer=viewer, but=project.id)[0]
    ]
    return found, near


OTHERS = {"firm": _other_firms, "project": _other_projects}  # how the other one is looked for, by kind


@bp.get("/records/<string:kind>/<int:row_id>/merge/<int:other_id>")
@needs(*MAY)
def merge_preview(kind: str, row_id: int, other_id: int) -> Any:
    """Both side by side. An address of a record that was merged leads to the one it went to."""
    found_kind, viewer, session = _kind(kind), actor(), db.session()
    rows = [records.load(session, found_kind, each, viewer=viewer) for each in (row_id, other_id)]
    ends = [merging.survivor_of(session, found_kind, row.id) for row in rows]
    if ends != [row_id, other_id] and ends[0] != ends[1]:
        flash(gettext("其中一条已经并入别的记录，这里换成了它并入的那一条。"), "info")
        return redirect(url_for("overview.merge_preview", kind=kind, row_id=ends[0], other_id=ends[1]), 303)
    if ends != [row_id, other_id]:
        survivor = records.load(session, found_kind, ends[0], viewer=viewer)
        flash(gettext("这两条已经合并了。"), "info")
        return redirect(address(found_kind, survivor), 303)
    stays = request.args.get("stays", "")
    if stays not in SIDES:
        stays = default_side(found_kind, *rows)
    shown = merging.preview(session, found_kind, row_id, other_id, viewer=viewer, stays=stays)
    return _page(shown, {})


@bp.post("/records/<string:kind>/<int:row_id>/merge/<int:other_id>")
@needs(*MAY)
def merge_save(kind: str, row_id: int, other_id: int) -> Any:
    """Merge as chosen. When something has changed since, the page says what, with the choices kept."""
    found_kind, viewer, session, form = _kind(kind), actor(), db.session(), request.form
    stays = form.get("stays", LEFT) if form.get("stays") in SIDES else LEFT
    reason = form.get("reason", "").replace("\x00", "")[:200]
    try:
        operation = merging.merge(
            session, found_kind, row_id, other_id, actor=viewer, today=today(), stays=stays,
            mark=form.get("mark", ""), picks=form, reason=reason,
        )  # fmt: skip
        gone, kept = operation.params["gone"], operation.params["kept"]
        name = operation.params["gone_name"]
        commit()
    except Conflict as refusal:
        session.rollback()
        shown = merging.preview(session, found_kind, row_id, other_id, viewer=viewer, stays=stays)
        raw = form.get("since", "")
        since = int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 16 else shown.since
        changes = merging.changed_since(session, shown, since)
        return _page(shown, form, refused=say(refusal), changes=changes, reason=reason), 409
    except Refused as refusal:
        session.rollback()
        if type(refusal) is not Refused:
            raise
        shown = merging.preview(session, found_kind, row_id, other_id, viewer=viewer, stays=stays)
        return _page(shown, form, refused=say(refusal), reason=reason), 422
    text = gettext("已把「%(name)s」并入这一条。", name=name)
    undo_url = url_for("overview.merged_undo", kind=kind, row_id=gone)
    flash(cast(Any, {"text": text, "undo": undo_url}), "done")
    return back_to(found_kind.endpoint, **{found_kind.id_name: kept})


@bp.get("/records/<string:kind>/<int:row_id>/merged")
@needs(*MAY, "firm:read")
def merged(kind: str, row_id: int) -> Any:
    """The record put away: when and by whom, what it kept, and the way back."""
    return _merged(_kind(kind), row_id, None)


def _row(part: Part, row: dict[str, Any]) -> str:
    """A row as one line: its key, then its facts that are there."""
    known = _facts_of(part.model)
    key = [
        str(row[name]) if name == "year" else told(known.get(name, Fact(name, "")), row[name])
        for name in part.key
    ]
    facts = [f"{say(fact.label)} {text}" for fact in part.facts if (text := told(fact, row[fact.name]))]
    return " · ".join([*(text for text in key if text), *facts])


def _merged(kind: RecordKind, row_id: int, refusal: Refused | None) -> Any:
    session, viewer = db.session(), actor()
    row = records.load(session, kind, row_id, viewer=viewer)
    if row.merged_into_id is None:
        return redirect(address(kind, row), 303)
    into = records.load(session, kind, row.merged_into_id, viewer=viewer)
    envelope = merging.merge_of(session, kind, row)
    may_undo = viewer.may(merging.rules_of(kind).needs) and records.may_edit(
        session, kind, row_id, actor=viewer
    )
    if may_undo and refusal is None and envelope is not None:
        refusal = can_undo(session, envelope.operation)
    left = merging.left_behind(session, kind, row_id)
    facts = [
        (say(fact.label), text)
        for fact in kind.facts
        if fact.name not in ("merged_into_id", "archived_on", "archive_reason")
        and (text := told(fact, getattr(row, fact.name)))
    ]
    return render_template(
        "overview/merged.html",
        kind=kind,
        row=row,
        into=into,
        into_url=address(kind, into),
        name=records.name_of(kind, row),
        into_name=records.name_of(kind, into),
        envelope=envelope,
        facts=facts,
        left=[
            (say(part.model.__label__), len(rows), [_row(part, row) for row in rows] if may_undo else [])
            for part, rows in left
        ],
        may_undo=may_undo,
        refusal=refusal,
        items=[say(item) for item in refusal.items] if refusal else [],
    )


@bp.post("/records/<string:kind>/<int:row_id>/merged/undo")
@needs(*MAY)
def merged_undo(kind: str, row_id: int) -> Any:
    """Part the two again, or say what stands in the way."""
    found_kind, session = _kind(kind), db.session()
    try:
        merging.undo_merge(session, found_kind, row_id, actor=actor())
        commit()
    except Refused as refusal:
        session.rollback()
        row = records.load(session, found_kind, row_id, viewer=actor())
        if (
            isinstance(refusal, Missing)
            or row.merged_into_id is None
            or type(refusal).__name__ == "Forbidden"
        ):
            raise
        return _merged(found_kind, row_id, refusal), 409
    flash(gettext("合并已撤销，两条记录都恢复原样。"), "done")
    return back_to(found_kind.endpoint, **{found_kind.id_name: row_id})
