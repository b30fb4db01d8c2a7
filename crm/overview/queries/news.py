"""Imports and published lists that were written within some days: a kind of `crm.core.news`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from crm.core.audit import AuditEnvelope
from crm.core.clock import local
from crm.core.news import Line, News, shanghai_day
from crm.core.permissions import Actor
from crm.core.words import N_, Message
from crm.firms.models import ImportBatch
from crm.ladder.models import TagBatch
from crm.overview.queries.operations import undone_by, visible_to
from crm.overview.rules.operations import IMPORT_WRITE, TAG_WRITE

WRITTEN = N_("%(who)s 导入或标记，改动 %(n)s 处")
TAKEN_BACK = N_("%(who)s 导入或标记，已撤销")


def _written(viewer: Actor, first: dt.date, last: dt.date) -> sa.Select[Any]:
    """One for each import or list, however many parts it was written in: the latest of them."""
    later = aliased(AuditEnvelope)
    again = sa.exists(sa.literal_column("1")).where(
        later.subject_kind == AuditEnvelope.subject_kind, later.subject_id == AuditEnvelope.subject_id,
        later.seq > AuditEnvelope.seq, later.action == AuditEnvelope.action, later.changes_count > 0,
        later.is_success.is_(True),
    )  # fmt: skip
    day: Any = shanghai_day(AuditEnvelope.at)
    return sa.select(day.label("on"), AuditEnvelope.seq.label("id")).where(
        AuditEnvelope.action.in_((IMPORT_WRITE, TAG_WRITE)), visible_to(viewer), day.between(first, last),
        sa.not_(again),
    )  # fmt: skip


def _lines(session: Session, ids: Sequence[int], _viewer: Actor) -> Mapping[int, Line]:
    """Three statements, however many there are."""
    row = AuditEnvelope
    found = session.execute(
        sa.select(row.seq, row.operation, row.at, row.actor_name, row.changes_count, ImportBatch.filename, TagBatch.title)
        .outerjoin(ImportBatch, sa.and_(row.action == IMPORT_WRITE, ImportBatch.id == row.subject_id))
        .outerjoin(TagBatch, sa.and_(row.action == TAG_WRITE, TagBatch.id == row.subject_id))
        .where(row.seq.in_(ids))
    ).all()  # fmt: skip
    undone = undone_by(session, [each.operation for each in found])
    return {
        each.seq: Line(
            local(each.at).date(), each.title or each.filename or "—",
            Message(
                TAKEN_BACK if each.operation in undone else WRITTEN, {"who": each.actor_name, "n": each.changes_count}
            ),
            "overview.operation", {"operation": each.operation},
        )
        for each in found
    }  # fmt: skip


NEWS = [News("written", N_("导入和标记"), _written, _lines)]
