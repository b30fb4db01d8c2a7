"""The board: how many firms at each stage on a day, what changed this year, and the cards."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from crm.core.permissions import Actor
from crm.firms.rules.words import LeadingIndustry
from crm.ladder.models import Application, Certification, StageInterval
from crm.ladder.queries.cards import Card, Group, cards, first
from crm.ladder.queries.counts import at_stage, valid_on
from crm.ladder.queries.within import ONE, Within, open_on
from crm.ladder.rules.board import NEXT_KINDS
from crm.ladder.rules.words import Stage


@dataclass(slots=True)
class Column:
    """One stage of the board."""

    stage: Stage
    count: int = 0
    pending: int = 0
    industries: dict[LeadingIndustry, int] = field(default_factory=dict)
    candidates: int = 0
    risen: int = 0  # came up into this stage this year
    left_up: int = 0  # went on to a higher one
    fallen: int = 0  # fell back out of it
    cards: list[Card] = field(default_factory=list)


def board(session: Session, within: Within, *, viewer: Actor) -> list[Column]:
    """The four columns with their counts and first cards. A fixed number of statements."""
    columns = {stage: Column(stage) for stage in Stage}
    groups = _counts(session, within, viewer, columns)
    _moves(session, within, viewer, columns)
    _candidates(session, within, viewer, columns)
    rows = first(session, within, viewer, groups, list(Stage))
    for row, card in zip(rows, cards(session, rows, within.as_of), strict=True):
        columns[row.stage].cards.append(card)
    return list(columns.values())


def more_cards(session: Session, within: Within, stage: Stage, *, after: int, viewer: Actor) -> list[Card]:
    """The next cards of one column, `after` so many."""
    groups = _counts(session, within, viewer, {each: Column(each) for each in Stage})
    return cards(session, first(session, within, viewer, groups, [stage], after), within.as_of)


def holders(session: Session, within: Within, *, viewer: Actor) -> dict[str, int]:
    """How many firms hold each kind of certificate on the day: kind → firms. One statement."""
    here = sa.exists(ONE).where(
        StageInterval.firm_id == Certification.firm_id, at_stage(within.as_of, pending=None)
    )
    query = (
        sa.select(Certification.kind, sa.func.count(Certification.firm_id.distinct()))
        .where(valid_on(within.as_of), here, *within.of(Certification.firm_id, viewer))
        .group_by(Certification.kind)
    )
    return {kind: number for kind, number in session.execute(query)}


def _counts(
    session: Session, within: Within, viewer: Actor, columns: dict[Stage, Column]
) -> dict[Stage, list[Group]]:
    """Count the stages of `columns`; gives their firms by the day of the next change, the nearest first.

    One pass over one index: a row a stage and day, however many firms there are.
    """
    columns_of = (StageInterval.stage, StageInterval.to_on, StageInterval.is_pending, StageInterval.industry)
    query = (
        sa.select(*columns_of, sa.func.count())
        .where(
            StageInterval.stage.in_(list(columns)),
            at_stage(within.as_of, pending=None),
            *within.of(StageInterval.firm_id, viewer),
        )
        .group_by(*columns_of)
    )
    found: dict[Stage, Counter[dt.date | None]] = {stage: Counter() for stage in columns}
    for stage, until, is_pending, industry, number in session.execute(query):
        found[stage][until] += number
        column = columns[stage]
        if is_pending:
            column.pending += number
        else:
            column.count += number
            column.industries[industry] = column.industries.get(industry, 0) + number
    return {
        stage: [Group(*item) for item in sorted(days.items(), key=lambda item: (item[0] is None, item[0]))]
        for stage, days in found.items()
    }


def _moves(session: Session, within: Within, viewer: Actor, columns: dict[Stage, Column]) -> None:
    """Rises and falls from 1 January of the year to the day."""
    before = aliased(StageInterval)
    # an outer join although only pairs count: SQLite then begins with the year's intervals, which are the fewer
    query = (
        sa.select(before.stage, StageInterval.stage, sa.func.count())
        .select_from(StageInterval)
        .outerjoin(
            before,
            sa.and_(
                before.firm_id == StageInterval.firm_id,
                before.from_on < StageInterval.from_on,
                before.to_on == StageInterval.from_on,
                before.stage != StageInterval.stage,
            ),
        )
        .where(
            StageInterval.from_on >= dt.date(within.as_of.year, 1, 1),
            StageInterval.from_on <= within.as_of,
            *within.of(StageInterval.firm_id, viewer),
        )
        .group_by(before.stage, StageInterval.stage)
    )
    order = list(Stage)
    for old, new, number in session.execute(query):
        if old is None:
            continue
        if order.index(new) > order.index(old):
            columns[new].risen += number
            columns[old].left_up += number
        else:
            columns[old].fallen += number


def _candidates(session: Session, within: Within, viewer: Actor, columns: dict[Stage, Column]) -> None:
    """Firms of each stage that are on the way to a title of the next."""
    wanted = sa.or_(
        *(sa.and_(StageInterval.stage == stage, Application.kind.in_(NEXT_KINDS[stage])) for stage in Stage)
    )
    # an outer join: SQLite then begins with the applications under way, which are the fewer
    query = (
        sa.select(StageInterval.stage, sa.func.count(Application.firm_id.distinct()))
        .select_from(Application)
        .outerjoin(
            StageInterval,
            sa.and_(
                StageInterval.firm_id == Application.firm_id, at_stage(within.as_of, pending=None), wanted
            ),
        )
        .where(open_on(within.as_of), *within.of(Application.firm_id, viewer))
        .group_by(StageInterval.stage)
    )
    for stage, number in session.execute(query):
        if stage is not None:
            columns[stage].candidates = number
