"""Views people keep: a list's filter, order and columns under a name, their own or shared with all who may open it.

A view is a query string and no right: whoever opens it sees what he may see. Whoever makes a shared view his default
keeps the version he chose: when its owner changes it, he is told and decides.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from crm.core import audit
from crm.core.audit import AuditChange, AuditEnvelope
from crm.core.db import BigId, Model, Pk, Stamped, Versioned
from crm.core.lists.declared import List
from crm.core.lists.words import ViewAct
from crm.core.permissions import Actor, Forbidden
from crm.core.transaction import refusing
from crm.core.words import N_, Conflict, Missing, Refused

MOST = 50  # views of one person in one list
LONGEST = 2000
NAMED = 40


class SavedView(Versioned, Stamped, Model):
    """A view of a list. Only its owner changes it."""

    __tablename__ = "saved_views"
    __label__ = N_("视图")
    id: Mapped[Pk]
    list_key: Mapped[str] = mapped_column(sa.String(40))
    name: Mapped[str] = mapped_column(sa.String(80))
    query: Mapped[str] = mapped_column(sa.String(LONGEST))
    owner_id: Mapped[int] = mapped_column(BigId)
    owner_name: Mapped[str] = mapped_column(sa.String(120))
    is_shared: Mapped[bool] = mapped_column(default=False)
    __table_args__ = (
        sa.UniqueConstraint("owner_id", "list_key", "name"),
        sa.Index("ix_saved_views_list", "list_key", "is_shared"),
    )


class ViewPick(Versioned, Stamped, Model):
    """The view a list opens with for one person, as it was when chosen."""

    __tablename__ = "view_picks"
    __label__ = N_("默认视图")
    id: Mapped[Pk]
    list_key: Mapped[str] = mapped_column(sa.String(40))
    owner_id: Mapped[int] = mapped_column(BigId)
    view_id: Mapped[int] = mapped_column(sa.ForeignKey("saved_views.id", ondelete="CASCADE"))
    query: Mapped[str] = mapped_column(sa.String(LONGEST))
    seen_version: Mapped[int]
    __table_args__ = (sa.UniqueConstraint("owner_id", "list_key"), sa.Index("ix_view_picks_view", "view_id"))


# ── reading ───────────────────────────────────────────────────────────────────────────────────────────────────


def _reach(viewer: Actor) -> sa.ColumnElement[bool]:
    """One's own views and the shared ones. Whether the list itself may be opened is asked where it is named."""
    if viewer.user_id is None:
        return sa.false()
    return sa.or_(SavedView.owner_id == viewer.user_id, SavedView.is_shared)


def views_of(session: Session, list_key: str, *, viewer: Actor) -> Sequence[SavedView]:
    """The views of a list this person may open, the own ones first."""
    own = sa.case((SavedView.owner_id == (viewer.user_id or 0), 0), else_=1)
    return session.scalars(
        sa.select(SavedView)
        .where(SavedView.list_key == list_key, _reach(viewer))
        .order_by(own, SavedView.name, SavedView.id)
        .limit(200)
    ).all()


def pick_of(session: Session, list_key: str, *, viewer: Actor) -> ViewPick | None:
    """The person's default of a list; none any more when its owner stopped sharing it."""
    return session.scalar(
        sa.select(ViewPick)
        .join(SavedView, SavedView.id == ViewPick.view_id)
        .where(ViewPick.list_key == list_key, ViewPick.owner_id == (viewer.user_id or 0), _reach(viewer))
    )


def opened(session: Session, list_key: str, raw: str, *, viewer: Actor) -> SavedView | None:
    """The view an address names, if it is one of this list and the viewer may open it."""
    if not (raw.isascii() and raw.isdigit() and len(raw) < 16):
        return None
    return session.scalar(
        sa.select(SavedView).where(SavedView.id == int(raw), SavedView.list_key == list_key, _reach(viewer))
    )


def get_view(session: Session, view_id: int, *, viewer: Actor) -> SavedView:
    """A view of one's own, or a shared one. Raises `Missing`."""
    found = session.scalar(sa.select(SavedView).where(SavedView.id == view_id, _reach(viewer)))
    if found is None:
        raise Missing(N_("没有这个视图，或者它不再共享。"))
    return found


@dataclass(frozen=True, slots=True)
class Earlier:
    """How a view was before its last change."""

    query: str
    who: str
    at: dt.datetime


def earlier(session: Session, view: SavedView, *, viewer: Actor) -> Earlier | None:
    """The query a view had before the change that last touched it, and who made that change. What it was while it was
    not shared is its owner's alone."""
    rows = session.execute(
        sa.select(AuditChange.before, AuditEnvelope.actor_name, AuditEnvelope.at)
        .join(AuditEnvelope, AuditEnvelope.operation == AuditChange.operation)
        .where(
            AuditChange.kind == SavedView.__tablename__,
            AuditChange.row_id == view.id,
            AuditChange.verb == "update",
        )
        .order_by(AuditChange.id.desc())
        .limit(50)
    )
    for row in rows:
        if row.before.get("is_shared") is False and view.owner_id != viewer.user_id:
            return None
        if "query" in row.before:
            return Earlier(row.before["query"], row.actor_name, row.at)
    return None


# ── writing ───────────────────────────────────────────────────────────────────────────────────────────────────


def normal(declared: List, raw: str) -> str:
    """A query string as a view keeps it: conditions, order and columns the list knows, nothing else."""
    args = dict(parse_qsl(raw[: 2 * LONGEST]))
    wanted = declared.asked(args)
    query = dict(wanted.conditions)
    if args.get("sort"):
        query["sort"] = wanted.sort_key
    if wanted.columns:
        query["columns"] = ",".join(wanted.columns)
    text = urlencode(query, safe=",")
    if len(text) > LONGEST:
        raise Refused(N_("条件太多，存不下。请去掉几个条件再保存。"))
    return text


def save(session: Session, declared: List, *, actor: Actor, name: str, query: str) -> SavedView:
    """Keep a filter, order and columns under a name. Raises `Refused`."""
    owner = _person(actor)
    name = _name(name)
    count = session.scalar(
        sa.select(sa.func.count())
        .select_from(SavedView)
        .where(SavedView.owner_id == owner, SavedView.list_key == declared.key)
    )
    if (count or 0) >= MOST:
        raise Refused(N_("一个列表最多保存 %(most)s 个视图，请先删除不用的。"), most=MOST)
    audit.begin(session, actor=actor, action=ViewAct.SAVE, list=declared.key)
    view = SavedView(
        list_key=declared.key,
        name=name,
        query=normal(declared, query),
        owner_id=owner,
        owner_name=actor.name[:120],
    )
    with _unique(session, name):
        session.add(view)
    return view


def rename(session: Session, view: SavedView, *, actor: Actor, name: str, version: int | None) -> None:
    _own(view, actor, version)
    audit.begin(session, actor=actor, action=ViewAct.RENAME, subject=("view", view.id))
    with _unique(session, name):
        view.name = _name(name)


def update(
    session: Session, declared: List, view: SavedView, *, actor: Actor, query: str, version: int | None
) -> None:
    """Make a view what the list shows now. Others who have it as their default keep what they chose."""
    _own(view, actor, version)
    audit.begin(session, actor=actor, action=ViewAct.UPDATE, subject=("view", view.id))
    view.query = normal(declared, query)
    session.flush()
    pick = pick_of(session, view.list_key, viewer=actor)
    if pick is not None and pick.view_id == view.id:  # the owner's own default follows
        pick.query, pick.seen_version = view.query, view.version
        session.flush()


def share(session: Session, view: SavedView, *, actor: Actor, is_shared: bool) -> None:
    """Show a view to everybody who may open its list, or to nobody else any more."""
    _own(view, actor, None)
    audit.begin(
        session,
        actor=actor,
        action=ViewAct.SHARE if is_shared else ViewAct.UNSHARE,
        subject=("view", view.id),
    )
    view.is_shared = is_shared
    session.flush()


def copy(
    session: Session, declared: List, view: SavedView, *, actor: Actor, name: str, query: str
) -> SavedView:
    """Make somebody's shared view one's own, from then on independent of it."""
    audit.begin(session, actor=actor, action=ViewAct.COPY, list=declared.key, of=view.id)
    return save(session, declared, actor=actor, name=name, query=query)


def drop(session: Session, view: SavedView, *, actor: Actor, version: int | None) -> None:
    """Delete a view of one's own; whoever had it as default gets the plain list again."""
    _own(view, actor, version)
    audit.begin(session, actor=actor, action=ViewAct.DROP, subject=("view", view.id))
    for pick in session.scalars(sa.select(ViewPick).where(ViewPick.view_id == view.id)):
        session.delete(pick)
    session.flush()
    session.delete(view)
    session.flush()


def pick(session: Session, view: SavedView, *, actor: Actor) -> None:
    """Open the list with this view from now on, as it is now."""
    owner = _person(actor)
    audit.begin(session, actor=actor, action=ViewAct.PICK, subject=("view", view.id))
    found = session.scalar(
        sa.select(ViewPick).where(ViewPick.owner_id == owner, ViewPick.list_key == view.list_key)
    )
    if found is None:
        found = ViewPick(owner_id=owner, list_key=view.list_key)
        session.add(found)
    found.view_id, found.query, found.seen_version = view.id, view.query, view.version
    session.flush()


def unpick(session: Session, list_key: str, *, actor: Actor) -> None:
    """Open the list without a view again."""
    found = session.scalar(
        sa.select(ViewPick).where(ViewPick.owner_id == _person(actor), ViewPick.list_key == list_key)
    )
    if found is not None:
        audit.begin(session, actor=actor, action=ViewAct.UNPICK, list=list_key)
        session.delete(found)
        session.flush()


def _person(actor: Actor) -> int:
    if actor.user_id is None:
        raise Forbidden(N_("视图只属于有账号的人。"))
    return actor.user_id


def _own(view: SavedView, actor: Actor, version: int | None) -> None:
    if view.owner_id != actor.user_id:
        raise Forbidden(N_("这是别人的视图，只有 %(who)s 能改它。您可以另存为自己的。"), who=view.owner_name)
    if version is not None and view.version != version:
        raise Conflict(N_("这个视图刚刚在别处改过，请刷新后再试。"))


def _name(raw: str) -> str:
    name = " ".join(raw.replace("\x00", "").split())
    if not name:
        raise Refused(N_("请给视图起个名字。"), field="name")
    if len(name) > NAMED:
        raise Refused(N_("视图的名字最多 %(most)s 个字。"), most=NAMED, field="name")
    return name


def _unique(session: Session, name: str) -> AbstractContextManager[None]:
    taken = Refused(N_("您已经有一个叫「%(name)s」的视图，请换个名字。"), name=name[:NAMED], field="name")
    return refusing(session, {"uq_saved_views_owner_id_list_key_name": taken})
