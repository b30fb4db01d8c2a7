"""Reads about people: the list, one person, who may be chosen for something."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, selectinload

from crm.accounts.models import SignInAttempt, Unit, User, UserGrant, UserRole, UserSession
from crm.accounts.rules import Role, account_key
from crm.core.lists import Asked, Column, Filter, Kind, List, Sort, conditions
from crm.core.permissions import Actor
from crm.core.words import N_, Message, Missing

MANY = ("account:manage", "role:grant")


def visible_to(viewer: Actor) -> sa.ColumnElement[bool]:
    """Accounts are for those who keep them or grant roles; everybody sees the own one."""
    if any(viewer.may(permission) for permission in MANY):
        return sa.true()
    return User.id == viewer.user_id


def _text(_session: Session, value: str, _viewer: Actor) -> sa.ColumnElement[bool]:
    like = "%" + value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    return sa.or_(User.name.ilike(like, escape="\\"), User.username.ilike(like, escape="\\"))


def _unit(_session: Session, value: str, _viewer: Actor) -> sa.ColumnElement[bool] | None:
    return User.unit_id == int(value) if value.isascii() and value.isdigit() and len(value) < 18 else None


def _role(_session: Session, value: str, _viewer: Actor) -> sa.ColumnElement[bool] | None:
    if value == "none":
        return ~sa.exists().where(UserRole.user_id == User.id)
    if value not in set(Role):
        return None
    return sa.exists().where(UserRole.user_id == User.id, UserRole.role == Role(value))


def _state(_session: Session, value: str, _viewer: Actor) -> sa.ColumnElement[bool] | None:
    return {"active": User.is_active.is_(True), "inactive": User.is_active.is_(False)}.get(value)


SORTS = (
    Sort("name", N_("姓名"), User.name_sort),
    Sort("username", N_("用户名"), User.username_key),
)
FILTERS = (
    Filter("q", N_("姓名或用户名"), _text, kind="text", is_first=True),
    Filter("unit", N_("单位"), _unit, choices=lambda session, _viewer: unit_pairs(session), is_first=True),
    Filter("role", N_("角色"), _role, choices=lambda _session, _viewer: role_pairs(), is_first=True),
    Filter("state", N_("状态"), _state, choices=lambda _session, _viewer: state_pairs(), is_first=True),
)


def unit_pairs(session: Session) -> list[tuple[str, str]]:
    """(id, short name) of all units, for menus."""
    return [
        (str(row.id), row.short_name)
        for row in session.execute(
            sa.select(Unit.id, Unit.short_name).order_by(Unit.ends_on.is_not(None), Unit.id)
        )
    ]


def role_pairs() -> list[tuple[str, str]]:
    return [*((role.value, role.label) for role in Role), ("none", N_("没有角色"))]


def state_pairs() -> list[tuple[str, str]]:
    return [("active", N_("在用")), ("inactive", N_("已停用"))]


def _matching(session: Session, asked: Asked, viewer: Actor) -> tuple[sa.Select[Any], dict[str, str]]:
    clauses, understood = conditions(session, asked, FILTERS, viewer)
    return sa.select(User.id).where(visible_to(viewer), *clauses), understood


def _rows(ids: sa.Select[Any], asked: Asked) -> sa.Select[Any]:
    return ids.with_only_columns(
        User.id, User.username, User.name, User.is_active, User.must_change_password, Unit.short_name.label("unit"),
        asked.sort.column.label(f"sort_{asked.sort.key}"),
    ).outerjoin(Unit, Unit.id == User.unit_id)  # fmt: skip


def _cells(
    session: Session, columns: Sequence[Column], ids: Sequence[int], _viewer: Actor, _asked: Asked
) -> dict[str, Mapping[int, Any]]:
    """Roles, state, when last seen: a statement each."""
    keys = {column.key for column in columns}
    cells: dict[str, Mapping[int, Any]] = {}
    if "roles" in keys:
        held = roles_of(session, ids)
        cells["roles"] = {
            key: [Message(role.label) for role in held[key]] if key in held else [Message(N_("没有角色"))]
            for key in ids
        }
    if "state" in keys:
        rows = session.execute(
            sa.select(User.id, User.is_active, User.must_change_password).where(User.id.in_(ids))
        )
        cells["state"] = {row.id: _state_of(row.is_active, row.must_change_password) for row in rows}
    if "seen" in keys:
        cells["seen"] = last_seen(session, ids)
    return cells


def _state_of(is_active: bool, must_change: bool) -> Message:
    if not is_active:
        return Message(N_("已停用"))
    return Message(N_("待改口令") if must_change else N_("在用"))


LIST = List(
    key="people",
    label=N_("人员"),
    unit=N_("人"),
    endpoint="accounts.people",
    head=N_("姓名"),
    needs=MANY,
    id=User.id,
    sorts=SORTS,
    filters=FILTERS,
    columns=(
        Column("username", N_("用户名"), sort="username"),
        Column("unit", N_("单位")),
        Column("roles", N_("角色")),
        Column("state", N_("状态")),
        Column("seen", N_("最近登录"), kind=Kind.MOMENT),
    ),
    matching=_matching,
    rows=_rows,
    cells=_cells,
    kind="user",
    exports="account:manage",
    always=(Column("name", N_("姓名"), width=12),),
)


def roles_of(session: Session, ids: Collection[int]) -> dict[int, list[Role]]:
    """The roles of some people, in the order of the table."""
    found: dict[int, list[Role]] = {}
    for user_id, role in session.execute(
        sa.select(UserRole.user_id, UserRole.role).where(UserRole.user_id.in_(ids))
    ):
        found.setdefault(user_id, []).append(role)
    order = list(Role)
    return {user_id: sorted(roles, key=order.index) for user_id, roles in found.items()}


def last_seen(session: Session, ids: Collection[int]) -> Mapping[int, dt.datetime]:
    """When some people last signed in."""
    rows = session.execute(
        sa.select(UserSession.user_id, sa.func.max(UserSession.started_at))
        .where(UserSession.user_id.in_(ids))
        .group_by(UserSession.user_id)
    )
    return dict(iter(rows))


def get_person(session: Session, user_id: int, *, viewer: Actor) -> User:
    """One account with roles and permissions of its own. Raises `Missing` (404) when there is none to see."""
    found = session.execute(
        sa.select(User)
        .where(User.id == user_id, visible_to(viewer))
        .options(selectinload(User.roles), selectinload(User.extras), selectinload(User.unit))
        .execution_options(populate_existing=True)
    ).scalar_one_or_none()
    if found is None:
        raise Missing(N_("没有找到这个账号。"))
    return found


def lock_of(session: Session, user: User, *, at: dt.datetime) -> dt.datetime | None:
    """Until when an account is locked after wrong passwords."""
    return session.scalar(
        sa.select(SignInAttempt.locked_until).where(
            SignInAttempt.key == account_key(user.username), SignInAttempt.locked_until > at
        )
    )


def officers(session: Session, roles: Collection[Role] = ()) -> Sequence[tuple[int, str, str]]:
    """(id, name, unit) of active people, of these roles if given: for choosing who is responsible."""
    statement = (
        sa.select(User.id, User.name, sa.func.coalesce(Unit.short_name, ""))
        .outerjoin(Unit, Unit.id == User.unit_id)
        .where(User.is_active)
        .order_by(Unit.id, User.name_sort)
    )
    if roles:
        statement = statement.where(sa.exists().where(UserRole.user_id == User.id, UserRole.role.in_(roles)))
    return session.execute(statement).all()


def names(session: Session, ids: Collection[int]) -> dict[int, str]:
    """Names by id."""
    return dict(iter(session.execute(sa.select(User.id, User.name).where(User.id.in_(ids)))))


def holders(session: Session, role: Role, *, besides: int | None = None) -> int:
    """How many active people hold a role, one of them left out. Locks their rows where the database can."""
    statement = (
        sa.select(User.id)
        .join(UserRole, UserRole.user_id == User.id)
        .where(UserRole.role == role, User.is_active)
        .with_for_update()
    )
    if besides is not None:
        statement = statement.where(User.id != besides)
    return len(session.scalars(statement).all())


def holding(session: Session, role: Role) -> list[int]:
    """The ids of the active people who hold a role."""
    return list(
        session.scalars(
            sa.select(User.id)
            .join(UserRole, UserRole.user_id == User.id)
            .where(UserRole.role == role, User.is_active)
            .order_by(User.id)
        )
    )


def extras_of(session: Session, user_id: int) -> Sequence[UserGrant]:
    """The permissions given to a person besides the role."""
    return session.scalars(sa.select(UserGrant).where(UserGrant.user_id == user_id)).all()
