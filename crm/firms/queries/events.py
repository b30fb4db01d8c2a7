"""What the registry tells in a firm's timeline: changes of the record, whoever made them, and yearly figures."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.activities.queries.timeline import Entry, Group, Keys, Source, Subject
from crm.core.audit import AuditChange, AuditEnvelope
from crm.core.clock import local
from crm.core.permissions import Actor
from crm.core.undo import ACTIONS
from crm.core.words import N_, Message
from crm.firms.models import Firm, YearFigures
from crm.firms.queries.scope import figures_visible_to


def _journal(where: sa.ColumnElement[bool]) -> Keys:
    """Change rows: their ids grow with the moments of their operations."""
    at = (
        sa.select(AuditEnvelope.at)
        .where(AuditEnvelope.operation == AuditChange.operation)
        .correlate(AuditChange)
        .scalar_subquery()
    )
    return Keys(at, AuditChange.id, where, is_moment=True)


def _change_keys(subject: Subject, viewer: Actor, today: dt.date) -> Keys | None:
    if subject[0] != "firm":
        return None
    return _journal(sa.and_(AuditChange.kind == "firms", AuditChange.row_id == subject[1]))


def _changes(session: Session, ids: Sequence[int], viewer: Actor) -> Mapping[int, Entry]:
    rows = session.execute(
        sa.select(AuditChange.id, AuditEnvelope.at, AuditEnvelope.actor_name, AuditEnvelope.action,
                  AuditEnvelope.params)
        .join(AuditEnvelope, AuditEnvelope.operation == AuditChange.operation)
        .where(AuditChange.id.in_(ids))
    )  # fmt: skip
    return {
        row.id: Entry(
            "change", row.id, local(row.at).date(), Message(ACTIONS.get(row.action, row.action)),
            text=str(row.params.get("filename") or ""), who=row.actor_name, at=row.at,
        )
        for row in rows
    }  # fmt: skip


def _figure_keys(subject: Subject, viewer: Actor, today: dt.date) -> Keys | None:
    if subject[0] != "firm" or not viewer.may("figure:read"):
        return None
    rows = (
        sa.select(YearFigures.id)
        .join(Firm, Firm.id == YearFigures.firm_id)
        .where(Firm.id == subject[1], figures_visible_to(viewer))
    )
    return _journal(sa.and_(AuditChange.kind == "year_figures", AuditChange.row_id.in_(rows)))


def _figures(session: Session, ids: Sequence[int], viewer: Actor) -> Mapping[int, Entry]:
    rows = session.execute(
        sa.select(AuditChange.id, AuditEnvelope.at, AuditEnvelope.actor_name, YearFigures.year)
        .join(AuditEnvelope, AuditEnvelope.operation == AuditChange.operation)
        .join(YearFigures, YearFigures.id == AuditChange.row_id)
        .where(AuditChange.id.in_(ids))
    )
    return {
        row.id: Entry(
            "figures", row.id, local(row.at).date(), Message(N_("更新 %(year)s 年度数据"), {"year": row.year}),
            who=row.actor_name, at=row.at,
        )
        for row in rows
    }  # fmt: skip


CHANGES = Source("change", Group.RECORD, _change_keys, _changes)
FIGURES = Source("figures", Group.RECORD, _figure_keys, _figures)
