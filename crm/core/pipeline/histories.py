"""The columns every pipeline's books have: dated moves, reasons in place of items, documents. A feature adds its keys."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import BigId, Worded
from crm.core.pipeline.declaring import MoveKind, WaiverKind


class Moved:
    """A dated move: from where to where, who, why, and how many days the stage left had lasted. The feature adds
    `from_stage`, `stage` and `state` in its own words."""

    kind: Mapped[MoveKind] = mapped_column(Worded(MoveKind))
    on: Mapped[dt.date] = mapped_column("moved_on")
    days: Mapped[int | None]
    by_id: Mapped[int | None] = mapped_column(BigId, sa.ForeignKey("users.id"))
    reason: Mapped[str | None] = mapped_column(sa.String(300))
    skipped: Mapped[list[Any]] = mapped_column(default=list)  # codes of the stages jumped over


class Waived:
    """Why an item of a gate is not there: it cannot be known yet (until a day), or it is waived."""

    item: Mapped[str] = mapped_column(sa.String(40))
    kind: Mapped[WaiverKind] = mapped_column(Worded(WaiverKind))
    reason: Mapped[str] = mapped_column(sa.String(200))
    until_on: Mapped[dt.date | None]


class Proven:
    """A document that proves something: a file, or the number it can be found under. The feature adds `kind` in its
    own words and `something()` to the table's constraints."""

    on: Mapped[dt.date] = mapped_column("dated_on")
    reference: Mapped[str | None] = mapped_column(sa.String(200))
    attachment_id: Mapped[int | None] = mapped_column(sa.ForeignKey("attachments.id"), index=True)
    removed_on: Mapped[dt.date | None]
    removed_reason: Mapped[str | None] = mapped_column(sa.String(200))


def something() -> sa.CheckConstraint:
    """That a document is a file or has a number."""
    return sa.CheckConstraint("reference IS NOT NULL OR attachment_id IS NOT NULL", name="something")
