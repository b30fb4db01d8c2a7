"""The kinds of records accounts has: people and units. Changed on their own pages only, by those who keep them."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.accounts.actions import people
from crm.accounts.models import Unit, User
from crm.accounts.rules.fields import read_reason
from crm.core.clock import now
from crm.core.permissions import Actor
from crm.core.records import Fact, NameOf, RecordKind
from crm.core.words import C_, N_

READ, EDIT = ("account:manage", "role:grant"), ("account:manage",)


def _keepers(viewer: Actor) -> sa.ColumnElement[bool]:
    return sa.true() if any(viewer.may(permission) for permission in READ) else sa.false()


def _managers(viewer: Actor) -> sa.ColumnElement[bool]:
    return sa.true() if viewer.may("account:manage") else sa.false()


NAME_OF_UNIT = NameOf(Unit.short_name, Unit.id)


def _deactivate(
    session: Session, user: User, /, *, actor: Actor, today: dt.date, version: int | None, reason: str
) -> None:
    people.deactivate(
        session, user, actor=actor, version=version, on=today, reason=read_reason(reason), at=now()
    )


def _reactivate(
    session: Session, user: User, /, *, actor: Actor, today: dt.date, version: int | None, reason: str
) -> None:
    people.reactivate(session, user, actor=actor, version=version)


PERSON = RecordKind(
    code="user",
    model=User,
    label=N_("账号"),
    read=READ,
    edit=EDIT,
    visible_to=_keepers,
    editable_by=_managers,
    endpoint="accounts.people_show",
    id_name="user_id",
    facts=(
        Fact("username", N_("用户名")),
        Fact("name", N_("姓名")),
        Fact("unit_id", N_("单位"), NAME_OF_UNIT),
        Fact("email", N_("邮箱")),
        Fact("is_active", N_("在用")),
        Fact("deactivated_on", N_("停用日期")),
        Fact("deactivation_reason", N_("停用原因")),
    ),
    archive=_deactivate,
    restore=_reactivate,
    archived="deactivated_on",
    verbs={"archive": N_("停用账号"), "restore": N_("恢复账号")},
    acts={"archive": "person.deactivate-many", "restore": "person.reactivate-many"},
    is_undone=False,  # sessions that ended do not come back; an account is opened again as such
)

UNIT = RecordKind(
    code="unit",
    model=Unit,
    label=C_("page", "单位"),
    read=READ,
    edit=EDIT,
    visible_to=_keepers,
    editable_by=_managers,
    endpoint="accounts.units_show",
    id_name="unit_id",
    facts=(
        Fact("name", N_("全称")),
        Fact("short_name", N_("简称")),
        Fact("kind", N_("类别")),
        Fact("parent_id", N_("上级单位"), NAME_OF_UNIT),
        Fact("starts_on", N_("开始日期")),
        Fact("ends_on", N_("结束日期")),
        Fact("successor_id", N_("接续单位"), NAME_OF_UNIT),
    ),
)

KINDS = (PERSON, UNIT)
