"""Views of lists: keep, rename, share, copy, make one's default."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from flask import flash, redirect, render_template, request, url_for

from crm.core import lists
from crm.core.db import db
from crm.core.i18n import gettext, say
from crm.core.lists import saved
from crm.core.lists.saved import SavedView
from crm.core.permissions import signed_in
from crm.core.transaction import commit
from crm.core.web import actor, back_to
from crm.core.words import Refused
from crm.overview.views.blueprint import bp


def _open(view: SavedView | None, declared: lists.List, query: str = "") -> Any:
    """The list with a view, or as it was."""
    text = view.query if view is not None else query
    more = f"view={view.id}" if view is not None else ""
    address = "&".join(part for part in (text, more) if part)
    return redirect(url_for(declared.endpoint) + (f"?{address}" if address else ""), 303)


def _found(view_id: int) -> tuple[SavedView, lists.List]:
    view = saved.get_view(db.session(), view_id, viewer=actor())
    return view, lists.list_of(view.list_key, actor())


def _version() -> int | None:
    raw = request.form.get("version", "")
    return int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 10 else None


def _try(declared: lists.List, done: str, work: Callable[[], SavedView | None], query: str = "") -> Any:
    try:
        view = work()
        commit()
    except Refused as refusal:
        db.session.rollback()
        flash(say(refusal), "error")
        raw = request.form.get("query", query)[:4000]
        return _open(None, declared, saved.normal(declared, raw))
    flash(done, "done")
    return _open(view, declared)


@bp.post("/lists/<string:list_key>/views")
@signed_in
def view_save(list_key: str) -> Any:
    declared = lists.list_of(list_key, actor())
    return _try(
        declared,
        gettext("视图已保存。"),
        lambda: saved.save(
            db.session(),
            declared,
            actor=actor(),
            name=request.form.get("name", ""),
            query=request.form.get("query", ""),
        ),
    )


@bp.post("/views/<int:view_id>/update")
@signed_in
def view_update(view_id: int) -> Any:
    view, declared = _found(view_id)

    def work() -> SavedView:
        saved.update(
            db.session(),
            declared,
            view,
            actor=actor(),
            query=request.form.get("query", ""),
            version=_version(),
        )
        return view

    return _try(declared, gettext("视图已更新；以它为默认的人会看到提示。"), work)


@bp.post("/views/<int:view_id>/rename")
@signed_in
def view_rename(view_id: int) -> Any:
    view, declared = _found(view_id)

    def work() -> SavedView:
        saved.rename(db.session(), view, actor=actor(), name=request.form.get("name", ""), version=_version())
        return view

    return _try(declared, gettext("视图已改名。"), work, view.query)


@bp.post("/views/<int:view_id>/share")
@signed_in
def view_share(view_id: int) -> Any:
    view, declared = _found(view_id)
    is_shared = bool(request.form.get("shared"))

    def work() -> SavedView:
        saved.share(db.session(), view, actor=actor(), is_shared=is_shared)
        return view

    return _try(declared, gettext("已共享。") if is_shared else gettext("不再共享。"), work, view.query)


@bp.post("/views/<int:view_id>/drop")
@signed_in
def view_drop(view_id: int) -> Any:
    view, declared = _found(view_id)

    def work() -> None:
        saved.drop(db.session(), view, actor=actor(), version=_version())

    return _try(declared, gettext("视图已删除。"), work, view.query)


@bp.post("/views/<int:view_id>/copy")
@signed_in
def view_copy(view_id: int) -> Any:
    """Somebody's shared view as one's own; with `mine`, as it was when one chose it."""
    view, declared = _found(view_id)
    session, viewer = db.session(), actor()
    pick = saved.pick_of(session, view.list_key, viewer=viewer)
    query = (
        pick.query
        if request.form.get("mine") and pick is not None and pick.view_id == view.id
        else view.query
    )
    taken = {
        item.name
        for item in saved.views_of(session, view.list_key, viewer=viewer)
        if item.owner_id == viewer.user_id
    }
    name, number = view.name, 1
    while name in taken:
        number += 1
        name = f"{view.name[:34]} {number}"

    def work() -> SavedView:
        mine = saved.copy(session, declared, view, actor=viewer, name=name, query=query)
        if request.form.get("mine"):
            session.flush()
            saved.pick(session, mine, actor=viewer)
        return mine

    return _try(declared, gettext("已另存为自己的视图「%(name)s」。", name=name), work, view.query)


@bp.post("/views/<int:view_id>/pick")
@signed_in
def view_pick(view_id: int) -> Any:
    view, declared = _found(view_id)

    def work() -> SavedView:
        saved.pick(db.session(), view, actor=actor())
        return view

    return _try(declared, gettext("以后打开这个列表就是「%(name)s」。", name=view.name), work, view.query)


@bp.post("/lists/<string:list_key>/views/unpick")
@signed_in
def view_unpick(list_key: str) -> Any:
    declared = lists.list_of(list_key, actor())
    saved.unpick(db.session(), list_key, actor=actor())
    commit()
    flash(gettext("这个列表不再有默认视图。"), "done")
    return back_to(declared.endpoint)


@bp.get("/views/<int:view_id>/changes")
@signed_in
def view_changes(view_id: int) -> Any:
    """What a shared view was (when one chose it, or before its last change) and what it is now."""
    view, declared = _found(view_id)
    session, viewer = db.session(), actor()
    pick = saved.pick_of(session, view.list_key, viewer=viewer)
    before = saved.earlier(session, view, viewer=viewer)
    is_pick = pick is not None and pick.view_id == view.id and pick.query != view.query
    old = pick.query if is_pick and pick is not None else before.query if before else view.query
    return render_template(
        "overview/view_changes.html",
        view=view,
        list=declared,
        is_pick=is_pick,
        before=before,
        rows=_differences(declared, old, view.query),
        old_url=url_for(declared.endpoint) + f"?{old}",
        new_url=url_for(declared.endpoint)
        + f"?{view.query}"
        + ("&" if view.query else "")
        + f"view={view.id}",
    )


def _differences(declared: lists.List, old: str, new: str) -> list[tuple[str, str, str, bool]]:
    """(what, before, after, does it differ) in words."""
    session, viewer = db.session(), actor()
    first, second = declared.asked(dict(parse_qsl(old))), declared.asked(dict(parse_qsl(new)))
    rows: list[tuple[str, str, str]] = []
    for item in declared.filters:
        sides = [first.conditions.get(item.key, ""), second.conditions.get(item.key, "")]
        if any(sides):
            if item.needs and not viewer.may(item.needs):
                continue
            names = {
                key: say(label) for key, label in (item.choices(session, viewer) if item.choices else ())
            }
            rows.append((say(item.label), names.get(sides[0], sides[0]), names.get(sides[1], sides[1])))
    labels = {column.key: say(column.label) for column in declared.allowed(viewer)}

    def columns(wanted: lists.Asked) -> str:
        return str(gettext("、").join(labels[key] for key in wanted.columns if key in labels))

    def order(wanted: lists.Asked) -> str:
        return say(wanted.sort.label) + (" ↓" if wanted.is_descending else " ↑")

    rows.append((gettext("排序"), order(first), order(second)))
    rows.append((gettext("列"), columns(first), columns(second)))
    return [(label, one, two, one != two) for label, one, two in rows]
