"""Bulk changes on their way: which rows were chosen, in which version, and what became of each."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import BigId, Model, Moment, Pk, Worded
from crm.overview.rules.bulk import BulkResult, BulkState, BulkVerb


class BulkRun(Model):
    """A selection frozen when it was confirmed, and what is done with it. What it writes is in the audit."""

    __tablename__ = "bulk_runs"
    __audited__ = False
    id: Mapped[Pk]
    list_key: Mapped[str] = mapped_column(sa.String(40))
    kind: Mapped[str] = mapped_column(sa.String(40))
    verb: Mapped[BulkVerb] = mapped_column(Worded(BulkVerb))
    fact: Mapped[str | None] = mapped_column(sa.String(60))
    value: Mapped[str | None] = mapped_column(sa.String(200))  # as the form sent it; None takes the fact away
    reason: Mapped[str | None] = mapped_column(sa.String(500))
    query: Mapped[str] = mapped_column(sa.String(4000))
    is_all: Mapped[bool]
    state: Mapped[BulkState] = mapped_column(Worded(BulkState))
    total: Mapped[int]
    counts: Mapped[dict[str, Any]] = mapped_column(default=dict)  # result → rows
    operation: Mapped[str | None] = mapped_column(sa.String(32))
    owner_id: Mapped[int] = mapped_column(BigId)
    job_id: Mapped[int | None] = mapped_column(BigId)
    created_at: Mapped[Moment]
    done_at: Mapped[dt.datetime | None]
    __table_args__ = (sa.Index("ix_bulk_runs_owner", "owner_id", "id"),)


class BulkRow(Model):
    """One chosen row, with the version it had then."""

    __tablename__ = "bulk_rows"
    __audited__ = False
    id: Mapped[Pk]
    run_id: Mapped[int] = mapped_column(sa.ForeignKey("bulk_runs.id", ondelete="CASCADE"))
    row_id: Mapped[int] = mapped_column(BigId)
    seen_version: Mapped[int | None]
    result: Mapped[BulkResult | None] = mapped_column(Worded(BulkResult))
    message: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON(none_as_null=True))  # {text, params}
    __table_args__ = (
        sa.UniqueConstraint("run_id", "row_id"),
        sa.Index("ix_bulk_rows_result", "run_id", "result", "id"),
    )
