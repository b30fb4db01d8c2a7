"""The list of firms: filter chips mirrored in the address, chosen columns, bulk changes, export of exactly this."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from flask import Response, flash, render_template, request, url_for

from crm.core import audit, lists
from crm.core.clock import today
from crm.core.db import db
from crm.core.i18n import gettext, say
from crm.core.permissions import needs
from crm.core.transaction import commit
from crm.core.undo import undo
from crm.core.web import actor, back_to
from crm.core.words import N_, Refused
from crm.firms import actions, queries, sheets
from crm.firms.rules.words import Act, LeadingIndustry
from crm.firms.views.blueprint import bp, toast

MOST_AT_ONCE = 5000
MOST_EXPORTED = 200_000
COOKIE = "tidui_firm_columns"


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter as the page shows it."""

    key: str
    label: str
    kind: str
    value: str
    shown: str
    choices: list[tuple[str, str, bool]]  # (value, label, is it chosen)
    remove_url: str


@bp.get("/firms")
@needs("firm:read")
def index() -> Any:
    viewer, session = actor(), db.session()
    args = request.args.to_dict()
    if "column" in args:
        args["columns"] = ",".join(request.args.getlist("column"))
    wanted = queries.asked(args)
    if not wanted.columns:
        wanted.columns = _remembered()
    found, understood, total, capped = queries.list_firms(session, wanted, viewer)
    shown = _shown(wanted)
    cells = queries.extra_cells(session, shown, [row.id for row in found.rows], viewer)
    query = _query(understood, wanted)
    page = render_template(
        "firms/index.html",
        rows=found.rows,
        columns=shown,
        all_columns=_allowed(),
        cells=cells,
        chips=_chips(understood, query),
        conditions=understood,
        total=total,
        is_capped=capped,
        first=found.first,
        last=found.last,
        next_url=_url(query, after=found.after) if found.after else None,
        previous_url=_url(query, before=found.before) if found.before else None,
        sort=wanted.sort_key,
        sort_urls=_sort_urls(wanted, query),
        sorts=queries.SORTS,
        filter_query=urlencode(query),
        clear_url=_url({key: value for key, value in query.items() if key in ("sort", "columns")}),
        bulk=[item for item in queries.BULK if viewer.may(item.needs)],
        streets=queries.streets(session) if viewer.may("firm:edit") else [],
        officers=queries.officers(session) if viewer.may("firm:edit") else [],
        industries=list(LeadingIndustry),
    )
    response = Response(page)
    if "columns" in args:
        response.set_cookie(
            COOKIE, ",".join(wanted.columns), max_age=31_536_000, samesite="Lax", httponly=True
        )
    return response


def _remembered() -> tuple[str, ...]:
    known = {column.key for column in queries.COLUMNS}
    return tuple(key for key in request.cookies.get(COOKIE, "")[:400].split(",") if key in known)


def _allowed() -> list[lists.Column]:
    viewer = actor()
    return [column for column in queries.COLUMNS if column.needs is None or viewer.may(column.needs)]


def _shown(wanted: lists.Asked) -> list[lists.Column]:
    if wanted.columns:
        return [column for column in _allowed() if column.key in wanted.columns]
    return [column for column in _allowed() if column.is_default]


def _query(understood: Mapping[str, str], wanted: lists.Asked) -> dict[str, str]:
    query = dict(understood)
    if wanted.sort_key != _default_sort():
        query["sort"] = wanted.sort_key
    if {"columns", "column"} & set(request.args) and wanted.columns:
        query["columns"] = ",".join(wanted.columns)
    return query


def _default_sort() -> str:
    first = queries.SORTS[0]
    return ("-" if first.is_descending else "") + first.key


def _url(query: Mapping[str, str], **more: str | None) -> str:
    values = {**query, **{key: value for key, value in more.items() if value}}
    text = urlencode(values)
    return url_for("firms.index") + (f"?{text}" if text else "")


def _sort_urls(wanted: lists.Asked, query: Mapping[str, str]) -> dict[str, str]:
    """The address of each order; pressing the current one turns it round."""
    urls: dict[str, str] = {}
    for sort in queries.SORTS:
        descending = not wanted.is_descending if sort.key == wanted.sort.key else sort.is_descending
        urls[sort.key] = _url({**query, "sort": ("-" if descending else "") + sort.key})
    return urls


def _chips(understood: Mapping[str, str], query: Mapping[str, str]) -> list[Chip]:
    session, viewer = db.session(), actor()
    chips: list[Chip] = []
    for item in queries.FILTERS:
        if item.kind == "hidden" and item.key not in understood:
            continue
        value = understood.get(item.key, "")
        choices = [
            (key, say(label), key == value)
            for key, label in (item.choices(session, viewer) if item.choices else ())
        ]
        shown = next((label for _key, label, chosen in choices if chosen), value)
        rest = {key: other for key, other in query.items() if key != item.key}
        chips.append(Chip(item.key, say(item.label), item.kind, value, shown, choices, _url(rest)))
    return chips


def selected() -> list[int]:
    """The firms a bulk form means: ticked ones, or all the filter finds. Raises `Refused`."""
    if request.form.get("all"):
        wanted = queries.asked(dict(parse_qsl(request.form.get("filter", "")[:4000])))
        ids = queries.chosen_ids(db.session(), wanted, actor(), MOST_AT_ONCE)
        if len(ids) > MOST_AT_ONCE:
            raise Refused(N_("一次最多改 %(most)s 家，请再加些条件。"), most=MOST_AT_ONCE)
    else:
        raw = request.form.getlist("ids")[:MOST_AT_ONCE]
        ids = [int(text) for text in raw if text.isascii() and text.isdigit() and len(text) < 16]
    if not ids:
        raise Refused(N_("请先选择企业。"))
    return ids


@bp.post("/firms/bulk")
@needs("firm:edit")
def bulk() -> Any:
    """Set officer, street or leading industry of the selected firms; `set` is ``officer:12``, ``street:none``, …"""
    session, viewer = db.session(), actor()
    try:
        ids = selected()
        changed, barred = actions.set_many(
            session, ids, actor=viewer, today=today(), values=_wanted(request.form.get("set", ""))
        )
    except Refused as refusal:
        db.session.rollback()
        flash(say(refusal), "error")
        return _back()
    running = audit.running(session)
    operation = running.id if running else None
    commit()
    if barred:
        names = gettext("、").join(queries.firm_names(session, barred[:5]).values())
        text = N_(
            "有 %(n)s 家没有改（%(names)s）：不能把自己设为服务专员，也不能把别处的企业划到本单位；请由别的同事来改。"
        )
        flash(say(text, n=len(barred), names=names + (" …" if len(barred) > 5 else "")), "error")
    if operation is None or not changed:
        if barred:
            return _back()
        flash(gettext("没有需要改的：所选企业已经是这样，或不在您可编辑的范围内。"), "info")
    else:
        text = gettext("已修改 %(n)s 家，共选 %(all)s 家。", n=changed, all=len(ids))
        kept = request.form.get("filter", "")[:1000]
        toast(text, undo=url_for("firms.undo_bulk", operation=operation, filter=kept or None))
    return _back()


def _wanted(raw: str) -> dict[str, Any]:
    what, _, value = raw.partition(":")
    if what in ("officer", "street"):
        if value == "none":
            return {f"{what}_id": None}
        if value.isascii() and value.isdigit() and len(value) < 16:
            return {f"{what}_id": int(value)}
    if what == "industry" and value in {member.value for member in LeadingIndustry}:
        return {"leading_industry": LeadingIndustry(value)}
    raise Refused(N_("请选择要改成什么。"))


def _back() -> Any:
    query = dict(parse_qsl(request.values.get("filter", "")[:4000]))
    wanted = queries.asked(query)
    return back_to(
        "firms.index",
        **{
            key: value
            for key, value in query.items()
            if key in wanted.conditions or key in ("sort", "columns")
        },
    )


@bp.post("/firms/bulk/<string:operation>/undo")
@needs("firm:edit")
def undo_bulk(operation: str) -> Any:
    """Take a bulk change back. Only one's own, and only this kind of operation."""
    session = db.session()
    queries.own_operation(session, operation, actor=actor(), action=Act.BULK_SET)
    try:
        undo(session, operation, actor=actor())
        commit()
        flash(gettext("已撤销。"), "done")
    except Refused as refusal:
        db.session.rollback()
        flash(say(refusal), "error")
    return _back()


@bp.post("/firms/export")
@needs("export:run")
def export() -> Any:
    """Exactly the filtered list, or the ticked firms, as a workbook or CSV; the audit keeps what was taken."""
    session, viewer = db.session(), actor()
    filter_query = request.form.get("filter", "")[:4000]
    wanted = queries.asked(dict(parse_qsl(filter_query)))
    only = selected() if not request.form.get("all") and request.form.getlist("ids") else None
    extra = [column for column in _shown(wanted) if column.cells is not None]
    columns = sheets.export_columns(say, [(column.label, column.is_number) for column in extra])
    written = [0]

    def rows() -> Iterator[tuple[Any, ...]]:
        for chunk in queries.all_rows(session, wanted, viewer, only):
            cells = queries.extra_cells(session, extra, [row.id for row in chunk], viewer)
            for row in chunk:
                written[0] += 1
                more = (
                    say(value) if isinstance(value := cells[c.key].get(row.id), str) and value else value
                    for c in extra
                )
                yield (*sheets.export_row(row, say), *more)

    with tempfile.TemporaryFile() as file:
        is_csv = request.form.get("format") == "csv"
        if is_csv:
            for part in sheets.export_csv(columns, rows()):
                file.write(part)
        else:
            sheets.export_xlsx(file, columns, rows(), say)
        file.seek(0)
        content = file.read()
    audit.begin(session, actor=viewer, action=Act.EXPORT, count=written[0], filter=filter_query[:500])
    commit()
    name = f"{gettext('企业')}-{today().isoformat()}.{'csv' if is_csv else 'xlsx'}"
    return download(content, name)


def download(content: bytes, name: str) -> Response:
    """A file to save, never to be shown."""
    kind = (
        "text/csv; charset=utf-8"
        if name.endswith(".csv")
        else ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
    )
    response = Response(content, mimetype=kind)
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response
