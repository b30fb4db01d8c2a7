"""Writes about units: new, changed, ended with a successor, who heads them from which day."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from crm.accounts.actions.people import check_version
from crm.accounts.models import Unit, UnitHead, User
from crm.accounts.queries import ancestors
from crm.accounts.rules import UnitKind, check_days, check_successor
from crm.core import audit
from crm.core.permissions import Actor
from crm.core.words import N_, Refused


def add(session: Session, *, actor: Actor, **facts: Any) -> Unit:
    """Create a unit; `facts` as for `edit`."""
    actor.require("account:manage")
    audit.begin(session, actor=actor, action="unit.add", name=facts["name"])
    unit = Unit()
    _put(session, unit, **facts)
    operation = audit.running(session)
    if operation is not None and operation.subject is None:
        operation.subject = ("unit", unit.id)
    return unit


def edit(session: Session, unit: Unit, *, actor: Actor, version: int | None, **facts: Any) -> None:
    """Change a unit. Raises `Refused` for days the wrong way round, a circle of parents, a name taken."""
    actor.require("account:manage")
    check_version(unit, version)
    audit.begin(session, actor=actor, action="unit.edit", subject=("unit", unit.id), name=facts["name"])
    _put(session, unit, **facts)


def _put(
    session: Session,
    unit: Unit,
    *,
    name: str,
    short_name: str,
    kind: UnitKind,
    parent_id: int | None,
    starts_on: dt.date | None,
    ends_on: dt.date | None,
    successor_id: int | None,
) -> None:
    check_days(starts_on, ends_on)
    check_successor(ends_on, has_successor=successor_id is not None)
    for field, other in (("parent_id", parent_id), ("successor_id", successor_id)):
        if other is None:
            continue
        if session.get(Unit, other) is None:
            raise Refused(N_("没有这个单位。"), field=field)
        if other == unit.id:
            raise Refused(N_("不能选这个单位自己。"), field=field)
    if unit.id and parent_id and unit.id in ancestors(session, parent_id):
        raise Refused(N_("上级单位不能在本单位之下。"), field="parent_id")
    same = sa.select(Unit.id).where(Unit.name == name, Unit.id != (unit.id or 0))
    same = same.where(Unit.starts_on == starts_on if starts_on else Unit.starts_on.is_(None))
    refusal = Refused(N_("同一天起已有叫「%(name)s」的单位。"), name=name, field="name")
    if session.execute(same).first():
        raise refusal
    unit.name, unit.short_name, unit.kind, unit.parent_id = name, short_name, kind, parent_id
    unit.starts_on, unit.ends_on, unit.successor_id = starts_on, ends_on, successor_id
    try:
        with session.begin_nested():
            session.add(unit)
            session.flush()
    except IntegrityError:
        raise refusal from None


def name_head(
    session: Session,
    unit: Unit,
    *,
    actor: Actor,
    version: int | None,
    user_id: int | None,
    on: dt.date,
    at: dt.datetime,
) -> None:
    """Name who heads a unit from a day on (None: nobody). The one before ends the day before; history stays."""
    actor.require("account:manage")
    check_version(unit, version)
    if user_id is not None and session.get(User, user_id) is None:
        raise Refused(N_("没有这个账号。"), field="user_id")
    rows = session.scalars(
        sa.select(UnitHead).where(
            UnitHead.unit_id == unit.id, sa.or_(UnitHead.ends_on.is_(None), UnitHead.ends_on >= on)
        )
    ).all()
    if any(row.starts_on > on for row in rows):
        raise Refused(N_("这天之后已有负责人的记录，请填更晚的日期。"), field="starts_on")
    audit.begin(session, actor=actor, action="unit.head", subject=("unit", unit.id), name=unit.name)
    for row in rows:
        if row.starts_on == on:
            session.delete(row)
        else:
            row.ends_on = on - dt.timedelta(days=1)
    session.flush()
    if user_id is not None:
        session.add(UnitHead(unit_id=unit.id, user_id=user_id, starts_on=on))
    unit.updated_at = at
    session.flush()
