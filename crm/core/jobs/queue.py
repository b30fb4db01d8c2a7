"""The queue as stored."""

from __future__ import annotations

import datetime as dt
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import BigId, Model, Moment, Pk, Worded
from crm.core.words import C_, N_, Word


class JobState(Word):
    QUEUED = "queued", N_("排队中")
    RUNNING = "running", C_("job", "进行中")
    DONE = "done", C_("job", "已完成")
    FAILED = "failed", C_("job", "没有做完")
    CANCELLED = "cancelled", C_("job", "已停止")

    @property
    def is_over(self) -> bool:
        return self in (JobState.DONE, JobState.FAILED, JobState.CANCELLED)


class Job(Model):
    """A piece of long work: asked for, claimed, done. The queue's own bookkeeping, so not in the audit; asking for
    it and what it writes are."""

    __tablename__ = "jobs"
    __audited__ = False
    id: Mapped[Pk]
    kind: Mapped[str] = mapped_column(sa.String(60))
    params: Mapped[dict[str, Any]]
    period: Mapped[str | None] = mapped_column(sa.String(20))  # which run of a kind with a timing it is
    state: Mapped[JobState] = mapped_column(Worded(JobState), default=JobState.QUEUED)
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int | None]
    message: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON(none_as_null=True))  # {text, params}
    result: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON(none_as_null=True))
    problem: Mapped[dict[str, Any] | None] = mapped_column(
        sa.JSON(none_as_null=True)
    )  # {text, params, items}
    requested_by_id: Mapped[int | None] = mapped_column(BigId)
    requested_by: Mapped[str] = mapped_column(sa.String(120))
    claimed_by: Mapped[str | None] = mapped_column(sa.String(80))
    lease_until: Mapped[dt.datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[Moment]
    started_at: Mapped[dt.datetime | None]
    finished_at: Mapped[dt.datetime | None]
    __table_args__ = (
        sa.Index("ix_jobs_kind_period", "kind", "period", unique=True),
        sa.Index("ix_jobs_state", "state", "id"),
        sa.Index("ix_jobs_requested_by", "requested_by_id", "state"),
    )


TABLE = cast(sa.Table, Job.__table__)
