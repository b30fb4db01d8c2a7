"""What the ladder shows on the pages of firms: stage as a column, a filter and a tag, its panel, its bulk action.

Filled into the slots of `firms` by the factory. An edge, because "at which stage" means today.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from crm.core.clock import today
from crm.core.lists import Bulk, Column, Filter
from crm.core.permissions import Actor
from crm.core.words import N_, Message
from crm.firms.queries import Panel
from crm.ladder import queries
from crm.ladder.models import StageInterval
from crm.ladder.queries.counts import NONE, firms_at
from crm.ladder.rules.words import Stage


def _label(interval: StageInterval) -> Message:
    return Message(
        N_("%(stage)s（待复评）") if interval.is_pending else "%(stage)s", {"stage": interval.stage}
    )


def _cells(session: Session, ids: Sequence[int], _viewer: Actor) -> Mapping[int, Any]:
    return {firm_id: _label(found) for firm_id, found in queries.stages_on(session, ids, today()).items()}


def _where(_session: Session, value: str, _viewer: Actor) -> Any:
    return firms_at(value, today())


def _choices(_session: Session, _viewer: Actor) -> list[tuple[str, str]]:
    return [*((stage.value, stage.label) for stage in Stage), (NONE, N_("不在梯队"))]


def _tags(session: Session, firm_id: int, day: dt.date) -> list[tuple[Message, bool]]:
    return [(_label(found), True) for found in queries.stages_on(session, [firm_id], day).values()]


COLUMN = Column("stage", N_("阶段"), cells=_cells)
FILTER = Filter("stage", N_("阶段"), _where, _choices)
TAGS = _tags
PANEL = Panel(N_("培育梯队"), "ladder.firm_panel", "firm:read")
BULK = Bulk(N_("标记证书"), "tag", "ladder.tag_selection", "ladder:tag")
