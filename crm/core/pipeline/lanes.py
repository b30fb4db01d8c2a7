"""The board of a pipeline: a column a stage over the filter of a list, exact counts and sums, the first cards of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core.words import Word

S = TypeVar("S", bound=Word)
C = TypeVar("C")


@dataclass(frozen=True, slots=True)
class Lane(Generic[S, C]):
    """A stage: how many records, what they amount to in whole yuan, the first cards."""

    stage: S
    count: int
    yuan: int
    cards: Sequence[C]


def totals(
    session: Session, model: Any, ids: sa.Select[Any], amount: sa.SQLColumnExpression[Any] | None = None
) -> dict[Any, tuple[int, int]]:
    """By stage, how many of these records there are and what `amount`, a column of theirs, adds up to. One statement."""
    here = ids.subquery()
    yuan = sa.func.sum(amount) if amount is not None else sa.literal(0)
    rows = session.execute(
        sa.select(model.stage, sa.func.count().label("n"), yuan.label("yuan"))
        .join(here, here.c.id == model.id)
        .group_by(model.stage)
    )
    return {row.stage: (row.n, int(row.yuan or 0)) for row in rows}


def first_of_each(
    model: Any, ids: sa.Select[Any], order: Sequence[sa.SQLColumnExpression[Any]], size: int
) -> sa.Select[Any]:
    """The ids of the first records of every stage, `size` of each."""
    here = ids.subquery()
    place = sa.func.row_number().over(partition_by=model.stage, order_by=order)
    ranked = sa.select(model.id, place.label("place")).join(here, here.c.id == model.id).subquery()
    return sa.select(ranked.c.id).where(ranked.c.place <= size)


def lanes(
    stages: type[S], sizes: Mapping[S, tuple[int, int]], cards: Iterable[tuple[S, C]]
) -> list[Lane[S, C]]:
    """A lane for every stage, in their order; `sizes` by stage (count, yuan), `cards` with the stage of each."""
    of_stage: dict[S, list[C]] = {}
    for stage, card in cards:
        of_stage.setdefault(stage, []).append(card)
    return [Lane(stage, *sizes.get(stage, (0, 0)), of_stage.get(stage, [])) for stage in stages]
