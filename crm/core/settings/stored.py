"""What has been set: one row a changed setting, read once a transaction, written with its history in the audit."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column
from sqlalchemy.orm.exc import StaleDataError

from crm.core import audit
from crm.core.audit import AuditChange, AuditEnvelope
from crm.core.db import Model, Pk, Stamped, Versioned
from crm.core.permissions import Actor
from crm.core.settings.declaring import DECLARED, Section, Setting
from crm.core.transaction import refusing
from crm.core.words import N_, Conflict

T = TypeVar("T")
CACHE = "settings"
CHANGED = N_("这些设置刚刚被别人改过。")


class StoredSetting(Versioned, Stamped, Model):
    """A setting somebody has changed; what nobody has changed has no row."""

    __tablename__ = "settings"
    __label__ = N_("设置")
    id: Mapped[Pk]
    key: Mapped[str] = mapped_column(sa.String(60), unique=True)
    value: Mapped[Any] = mapped_column(sa.JSON)


def value(session: Session, setting: Setting[T]) -> T:
    """What a setting is now. All of them are read once a transaction."""
    here = session.get_transaction()
    kept = session.info.get(CACHE)
    if kept is None or here is None or kept[0] is not here:
        stored: dict[str, Any] = dict(
            iter(session.execute(sa.select(StoredSetting.key, StoredSetting.value)))
        )
        kept = session.info[CACHE] = (session.get_transaction(), stored)
    return setting.revive(kept[1][setting.key]) if setting.key in kept[1] else setting.default


def rows_of(session: Session, keys: Collection[str], *, lock: bool = False) -> dict[str, StoredSetting]:
    """The rows of some settings by key, as they are in the database now."""
    statement = sa.select(StoredSetting).where(StoredSetting.key.in_(keys)).order_by(StoredSetting.id)
    statement = statement.with_for_update() if lock else statement
    return {row.key: row for row in session.scalars(statement.execution_options(populate_existing=True))}


def version_of(rows: Mapping[str, StoredSetting]) -> int:
    """The version of a section: it grows with every change of any of its settings (rows are never deleted)."""
    return sum(row.version for row in rows.values()) + 1


def change(
    session: Session, section: Section, values: Mapping[str, Any], *, actor: Actor, version: int
) -> list[str]:
    """Set settings of one section, by key. Returns the keys that changed. Raises `Conflict` when the section is no
    longer what the form was filled from, `Forbidden` for who may not."""
    actor.require(section.by)
    settings = [
        setting for setting in DECLARED.values() if setting.section == section and setting.key in values
    ]
    rows = rows_of(session, [s.key for s in DECLARED.values() if s.section == section], lock=True)
    if version_of(rows) != version:
        raise Conflict(CHANGED)
    now = {s.key: s.revive(rows[s.key].value) if s.key in rows else s.default for s in settings}
    changed = [setting for setting in settings if now[setting.key] != values[setting.key]]
    if not changed:
        return []
    audit.begin(
        session, actor=actor, action="setting.change", section=section.key, keys=[s.key for s in changed]
    )
    try:
        with refusing(session, {"uq_settings_key": Conflict(CHANGED)}):
            for setting in changed:
                row = rows.get(setting.key) or StoredSetting(key=setting.key)
                row.value = setting.plain(values[setting.key])
                session.add(row)
    except StaleDataError:
        raise Conflict(CHANGED) from None
    session.info.pop(CACHE, None)
    return [setting.key for setting in changed]


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one setting, as the audit keeps it; `before` is the default when it was the first."""

    at: dt.datetime
    by: str
    setting: Setting[Any]
    before: Any
    after: Any


def history(session: Session, keys: Collection[str], *, limit: int = 30) -> list[Change]:
    """Who changed which of these settings when, newest first."""
    rows = session.execute(
        sa.select(
            AuditEnvelope.at,
            AuditEnvelope.actor_name,
            AuditChange.before,
            AuditChange.after,
            StoredSetting.key,
        )
        .join(AuditEnvelope, AuditEnvelope.operation == AuditChange.operation)
        .join(StoredSetting, StoredSetting.id == AuditChange.row_id)
        .where(AuditChange.kind == StoredSetting.__tablename__, StoredSetting.key.in_(sorted(keys)))
        .order_by(AuditChange.id.desc())
        .limit(limit)
    )
    return [
        Change(
            row.at,
            row.actor_name,
            setting := DECLARED[row.key],
            setting.revive(row.before["value"]) if "value" in row.before else setting.default,
            setting.revive(row.after["value"]),
        )
        for row in rows
        if row.key in DECLARED and "value" in row.after
    ]
