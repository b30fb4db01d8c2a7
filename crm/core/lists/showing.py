"""The page of a list: chips that mirror the address, columns chosen and ordered, views kept, the rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from flask import Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from crm.core import lists, records
from crm.core.clock import today
from crm.core.db import db
from crm.core.i18n import say
from crm.core.lists import saved
from crm.core.permissions import Actor
from crm.core.web import actor

MOVE = "move"  # `move=up:street` of the form that chooses columns
COOKIE = "tidui_columns_"


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
    is_first: bool


def list_page(declared: lists.List, template: str, **more: Any) -> BaseResponse:
    """Answer the page of a list: what its address asks, or the person's default view when it asks nothing."""
    viewer, session = actor(), db.session()
    if "column" in request.args or MOVE in request.args:
        return redirect(_address(declared, _chosen(declared, viewer)), 303)
    pick = saved.pick_of(session, declared.key, viewer=viewer)
    if pick is not None and not request.args:
        return redirect(_address(declared, {**dict(parse_qsl(pick.query)), "view": str(pick.view_id)}), 303)
    args = request.args.to_dict()
    wanted = declared.asked(args, today())
    if not wanted.columns:
        wanted.columns = _remembered(declared)
    found = lists.read(session, declared, wanted, viewer)
    query = _query(declared, wanted, found.understood)
    opened = saved.opened(session, declared.key, args.get("view", ""), viewer=viewer)
    marked = {"view": str(opened.id)} if opened else {"view": "0"} if pick else {}
    context = {
        "list": declared,
        "rows": found.page.rows,
        "columns": found.columns,
        "all_columns": _in_order(declared.allowed(viewer), found.columns),
        "cells": found.cells,
        "chips": _chips(declared, found.understood, {**query, **marked}),
        "conditions": found.understood,
        "dropped": [
            say(item.label)
            for item in declared.filters
            if item.key in wanted.conditions and item.key not in found.understood
        ],
        "total": found.total,
        "is_capped": found.is_capped,
        "page": found.page,
        "next_url": _address(declared, {**query, **marked}, after=found.page.after)
        if found.page.after
        else None,
        "previous_url": _address(declared, {**query, **marked}, before=found.page.before)
        if found.page.before
        else None,
        "sort": wanted.sort_key,
        "sort_urls": _sort_urls(declared, wanted, {**query, **marked}),
        "sorts": declared.sorts,
        "query": query,
        "marked": marked,
        "filter_query": urlencode(query),
        "whole_query": urlencode(
            {**query, "sort": wanted.sort_key, "columns": ",".join(c.key for c in found.columns)}
        ),
        "clear_url": _address(
            declared,
            {
                **{key: query[key] for key in ("sort", "columns") if key in query},
                **({"view": "0"} if pick else {}),
            },
        ),
        "all_url": _address(declared, {"view": "0"} if pick else {}),
        "list_url": url_for(declared.endpoint),
        "view": opened,
        "pick": pick,
        "views": saved.views_of(session, declared.key, viewer=viewer),
        "may_export": bool(declared.exports and viewer.may(declared.exports)),
        "bulk": [item for item in declared.bulk if viewer.may(item.needs)],
        "is_wide": "more" in request.args,
        **_doing(declared, viewer),
    }
    response = Response(render_template(template, **context, **more))
    if "columns" in args and "view" not in args:
        response.set_cookie(
            COOKIE + declared.key,
            ",".join(wanted.columns),
            max_age=31_536_000,
            samesite="Lax",
            httponly=True,
            secure=request.is_secure,
        )
    return response


def _doing(declared: lists.List, viewer: Actor) -> dict[str, Any]:
    """What may be done with selected rows: facts to set with their choices, archive, restore."""
    kind = records.listed().get(declared.kind) if declared.kind else None
    if kind is not None and not any(viewer.may(permission) for permission in kind.edit):
        kind = None
    settings = [
        (setting, setting.choices(db.session(), viewer))
        for setting in (kind.settings if kind is not None else ())
    ]
    found = {
        "settings": settings,
        "may_archive": bool(kind and kind.archive),
        "may_restore": bool(kind and kind.restore),
    }
    bulk = any(viewer.may(item.needs) for item in declared.bulk)
    exports = bool(declared.exports and viewer.may(declared.exports))
    verbs = kind.verbs if kind is not None else {}
    return {**found, "verbs": verbs, "bulk_form": any(found.values()) or bulk or exports}


def _remembered(declared: lists.List) -> tuple[str, ...]:
    known = {column.key for column in declared.columns}
    raw = request.cookies.get(COOKIE + declared.key, "")[:400].split(",")
    return tuple(dict.fromkeys(key for key in raw if key in known))


def _in_order(allowed: Sequence[lists.Column], shown: Sequence[lists.Column]) -> list[lists.Column]:
    """The columns as the chooser lists them: those shown in their order, then the others."""
    return [*shown, *(column for column in allowed if column not in shown)]


def _chosen(declared: lists.List, viewer: Actor) -> dict[str, str]:
    """The query of a form of columns: those ticked, in the order of the form, one of them moved."""
    known = {column.key for column in declared.allowed(viewer)}
    order = [key for key in dict.fromkeys(request.args.getlist("order")) if key in known]
    ticked = [key for key in dict.fromkeys(request.args.getlist("column")) if key in known]
    way, _, key = request.args.get(MOVE, "").partition(":")
    if key in ticked:
        at = ticked.index(key)
        to = max(0, at - 1) if way == "up" else min(len(ticked) - 1, at + 1)
        ticked.insert(to, ticked.pop(at))
    query = {
        name: value
        for name, value in request.args.items()
        if name not in ("column", "order", "columns", MOVE, "after", "before") and value
    }
    return {**query, "columns": ",".join(ticked or order[:1])}


def _query(declared: lists.List, wanted: lists.Asked, understood: Mapping[str, str]) -> dict[str, str]:
    """What of the address the list understood, without what it does by itself."""
    query = dict(understood)
    first = declared.sorts[0]
    if wanted.sort_key != ("-" if first.is_descending else "") + first.key:
        query["sort"] = wanted.sort_key
    if "columns" in request.args and wanted.columns:
        query["columns"] = ",".join(wanted.columns)
    return query


def _address(
    declared: lists.List, query: Mapping[str, str], *, url: str | None = None, **more: str | None
) -> str:
    values = {**query, **{key: value for key, value in more.items() if value}}
    text = urlencode(values, safe=",")
    return (url or url_for(declared.endpoint)) + (f"?{text}" if text else "")


def _sort_urls(declared: lists.List, wanted: lists.Asked, query: Mapping[str, str]) -> dict[str, str]:
    """The address of each order; pressing the current one turns it round."""
    urls: dict[str, str] = {}
    for sort in declared.sorts:
        descending = not wanted.is_descending if sort.key == wanted.sort.key else sort.is_descending
        urls[sort.key] = _address(declared, {**query, "sort": ("-" if descending else "") + sort.key})
    return urls


def filter_bar(declared: lists.List, endpoint: str, understood: Mapping[str, str]) -> dict[str, Any]:
    """What `lists.chips` needs on another page over the same filter: a board, with its own address."""
    url, query = url_for(endpoint), dict(understood)
    return {
        "list_url": url, "chips": _chips(declared, understood, query, url), "conditions": understood, "sort": "",
        "sorts": (), "marked": {}, "query": {}, "filter_query": urlencode(query), "clear_url": url,
        "is_wide": "more" in request.args,
    }  # fmt: skip


def _chips(
    declared: lists.List, understood: Mapping[str, str], query: Mapping[str, str], url: str | None = None
) -> list[Chip]:
    session, viewer = db.session(), actor()
    chips: list[Chip] = []
    for item in declared.filters:
        if (item.kind == "hidden" and item.key not in understood) or (
            item.needs and not viewer.may(item.needs)
        ):
            continue
        value = understood.get(item.key, "")
        choices = [
            (key, say(label), key == value)
            for key, label in (item.choices(session, viewer) if item.choices else ())
        ]
        shown = next((label for _key, label, chosen in choices if chosen), value)
        if value and item.told is not None:
            shown = say(item.told(value))
        rest = {key: other for key, other in query.items() if key != item.key}
        chips.append(
            Chip(
                item.key,
                say(item.label),
                item.kind,
                value,
                shown,
                choices,
                _address(declared, rest, url=url),
                item.is_first,
            )
        )
    return chips
