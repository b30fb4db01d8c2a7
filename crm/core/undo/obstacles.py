"""What stands in the way of an undo, in words: which record, which later operation, by whom and when."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core.audit import AuditChange, AuditEnvelope
from crm.core.audit.journal import columns_of
from crm.core.db import Base
from crm.core.words import N_, Message, Refused

MOST = 20  # obstacles named
ACTIONS: dict[
    str, str
] = {}  # slot, filled by the factory: action → its words; those without parameters are used


class Blocked(Refused):
    """The operation cannot be undone: `items` name the record and the later operation in the way."""


@dataclass(frozen=True)
class Obstacle:
    """Why a row cannot be undone: columns changed since, or the row that refers to it."""

    model: type[Base]
    row_id: int
    columns: tuple[str, ...] = ()
    text: str = ""
    by: tuple[type[Base], int] | None = None


CHANGED = N_("%(name)s（%(kind)s %(id)s）后来在「%(action)s」中改过，操作人 %(who)s，时间 %(when)s")
CHANGED_UNKNOWN = N_("%(name)s（%(kind)s %(id)s）后来改过")
REFERRED = N_(
    "%(name)s（%(kind)s %(id)s）已被 %(by_name)s（%(by_kind)s %(by_id)s）引用：「%(action)s」，操作人 %(who)s，时间 %(when)s"
)
REFERRED_UNKNOWN = N_("%(name)s（%(kind)s %(id)s）已被 %(by_name)s（%(by_kind)s %(by_id)s）引用")
GONE = N_("%(name)s（%(kind)s %(id)s）属于 %(by_name)s（%(by_kind)s %(by_id)s），而它现在已经不在了")
TAKEN = N_("%(name)s（%(kind)s %(id)s）原来的内容现在由 %(by_name)s（%(by_kind)s %(by_id)s）占用")
ERASED = N_("%(name)s（%(kind)s %(id)s）的个人信息已按规定删除，无法还原")
SECRET = N_("%(name)s（%(kind)s %(id)s）含保密内容，日志里没有留存，无法还原")
IN_THE_WAY = N_("这次操作之后，相关记录又有改动，不能整体撤销。什么都没有改。")


def undoable() -> dict[str, type[Base]]:
    """Table → model of everything the audit keeps change rows of."""
    models = (cast("type[Base]", mapper.class_) for mapper in Base.registry.mappers)
    return {model.__tablename__: model for model in models if model.__audited__}


@dataclass(frozen=True)
class Later:
    action: str
    who: str
    when: dt.datetime
    undone: str | None


def blocked(session: Session, envelope: AuditEnvelope, obstacles: list[Obstacle]) -> Refused:
    items: list[Message] = []
    for obstacle in obstacles[:MOST]:
        model, row_id = obstacle.by or (obstacle.model, obstacle.row_id)
        later = _later(
            session, envelope.operation, model, row_id, obstacle.columns if not obstacle.by else ()
        )
        if later is not None and later.undone == envelope.operation:
            return Blocked(
                N_("这次操作已经由 %(who)s 于 %(when)s 撤销过了。"), who=later.who, when=later.when
            )
        params: dict[str, Any] = name_of_row(session, obstacle.model, obstacle.row_id)
        if obstacle.by:
            params |= {f"by_{key}": value for key, value in name_of_row(session, *obstacle.by).items()}
        if obstacle.text in (ERASED, SECRET, GONE, TAKEN):
            items.append(Message(obstacle.text, params))
            continue
        if later is not None:
            params |= {
                "action": Message(ACTIONS.get(later.action, later.action)),
                "who": later.who,
                "when": later.when,
            }
        known, unknown = (REFERRED, REFERRED_UNKNOWN) if obstacle.by else (CHANGED, CHANGED_UNKNOWN)
        items.append(Message(known if later else unknown, params))
    if len(obstacles) > MOST:
        items.append(Message(N_("……共 %(count)s 处"), {"count": len(obstacles)}))
    return Blocked(IN_THE_WAY, items=items)


def _later(
    session: Session, operation_id: str, model: type[Base], row_id: int, columns: tuple[str, ...]
) -> Later | None:
    """The latest operation other than this one that wrote these columns of a row (any, when none are named)."""
    statement = (
        sa.select(
            AuditChange.before,
            AuditChange.after,
            AuditChange.verb,
            AuditEnvelope.action,
            AuditEnvelope.actor_name,
            AuditEnvelope.at,
            AuditEnvelope.params,
        )
        .join(AuditEnvelope, AuditEnvelope.operation == AuditChange.operation)
        .where(
            AuditChange.kind == model.__tablename__,
            AuditChange.row_id == row_id,
            AuditChange.operation != operation_id,
        )
        .order_by(AuditChange.id.desc())
        .limit(50)
    )
    for before, after, verb, action, who, when, params in session.execute(statement):
        if verb != "update" or not columns or set(columns) & (before.keys() | after.keys()):
            return Later(action, who, when, params.get("undone"))
    return None


def name_of_row(session: Session, model: type[Base], row_id: int) -> dict[str, Any]:
    """How a person knows a row: its name, else the name of what it belongs to."""
    return {
        "kind": Message(model.__label__ or model.__tablename__),
        "id": row_id,
        "name": _name(session, model, row_id),
    }


def _name(session: Session, model: type[Base], row_id: int) -> str:
    columns = columns_of(model)
    if "name" in columns and "name" not in model.__personal__:
        found = session.execute(sa.select(columns["name"]).where(columns["id"] == row_id)).scalar()
        return f"「{found}」" if found else ""
    models = undoable()
    for column in columns.values():
        for key in column.foreign_keys:
            parent = models.get(key.column.table.name)
            if parent is None or parent is model or "name" in parent.__personal__:
                continue
            above = columns_of(parent)
            if "name" in above:
                found = session.execute(
                    sa.select(above["name"]).join(model, column == above["id"]).where(columns["id"] == row_id)
                ).scalar()
                return f"「{found}」" if found else ""
    return ""
