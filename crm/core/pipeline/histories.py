"""The columns every pipeline's history has: dated moves, and reasons in place of items. A feature adds its keys."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from crm.core.db import BigId, Worded
from crm.core.pipeline.declaring import MoveKind
from crm.core.words import N_, Message, Refused, Word


class WaiverKind(Word):
    UNKNOWN = "unknown", N_("暂无法确定")
    WAIVED = "waived", N_("免去")


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


def check_waiver(
    kind: WaiverKind, *, can_be_unknown: bool, can_be_waived: bool, label: str, reason: str | None,
    until_on: dt.date | None, today: dt.date,
) -> str:  # fmt: skip
    """The reason of a waiver as it is kept. Raises `Refused` where the stage table does not allow it, without a
    reason, or, for what cannot be known yet, without the day it should be known by."""
    if kind is WaiverKind.UNKNOWN and not can_be_unknown:
        raise Refused(N_("「%(label)s」必须填写，不能记为暂无法确定。"), label=Message(label), field="kind")
    if kind is WaiverKind.WAIVED and not can_be_waived:
        raise Refused(N_("「%(label)s」不能免去。"), label=Message(label), field="kind")
    why = " ".join((reason or "").split())[:200]
    if len(why) < 2:
        raise Refused(N_("请写明原因。"), field="reason")
    if until_on is not None and until_on < today:
        raise Refused(N_("日期不能早于今天。"), field="until_on")
    if kind is WaiverKind.UNKNOWN and until_on is None:
        raise Refused(N_("请写明预计哪天前能确定。"), field="until_on")
    return why
