"""The board: how many firms at each stage on a day, what changed this year, and the cards."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from crm.accounts.models import Unit, User
from crm.core.permissions import Actor
from crm.firms.models import Firm
from crm.firms.queries import visible_to
from crm.firms.rules.words import LeadingIndustry
from crm.ladder.models import Application, Certification, StageInterval
from crm.ladder.queries.counts import at_stage, valid_on
from crm.ladder.rules.board import NEXT_KINDS
from crm.ladder.rules.words import ApplicationStep, Stage

CARDS = 20
NONE = "none"


@dataclass(frozen=True, slots=True)
class Within:
    """Which firms a page of the ladder is about; None is all of them."""

    as_of: dt.date
    industry: LeadingIndustry | None = None
    street_id: int | None = None
    officer_id: int | None = None
    candidates_only: bool = False

    def where(self, viewer: Actor) -> list[sa.ColumnElement[bool]]:
        """Conditions on `Firm`."""
        clauses = [visible_to(viewer)]
        if self.industry is not None:
            clauses.append(Firm.leading_industry == self.industry)
        if self.street_id is not None:
            clauses.append(
                Firm.street_id.is_(None) if self.street_id == 0 else Firm.street_id == self.street_id
            )
        if self.officer_id is not None:
            clauses.append(
                Firm.officer_id.is_(None) if self.officer_id == 0 else Firm.officer_id == self.officer_id
            )
        if self.candidates_only:
            clauses.append(Firm.id.in_(sa.select(Application.firm_id).where(open_on(self.as_of))))
        return clauses


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


@dataclass(slots=True)
class Held:
    """A certificate on a card."""

    kind: str
    number: str | None
    granted_on: dt.date
    expires_on: dt.date | None


@dataclass(slots=True)
class Card:
    """A firm on the board."""

    id: int
    name: str
    industry: LeadingIndustry
    street: str | None
    officer: str | None
    registered_on: dt.date | None
    since: dt.date
    until: dt.date | None
    is_pending: bool
    held: list[Held] = field(default_factory=list)
    applications: list[tuple[str, ApplicationStep, dt.date]] = field(default_factory=list)

    @property
    def last_day(self) -> dt.date | None:
        """The last day at this stage as things stand."""
        return self.until - dt.timedelta(days=1) if self.until else None


def open_on(as_of: dt.date) -> sa.ColumnElement[bool]:
    """Applications that were under way on a day."""
    return sa.and_(
        Application.opened_on <= as_of, sa.or_(Application.closed_on.is_(None), Application.closed_on > as_of)
    )


def board(session: Session, within: Within, *, viewer: Actor) -> list[Column]:
    """The four columns with their counts and first cards. A fixed number of statements."""
    columns = {stage: Column(stage) for stage in Stage}
    _counts(session, within, viewer, columns)
    _moves(session, within, viewer, columns)
    _candidates(session, within, viewer, columns)
    ranked = _ranked(within, viewer)
    rows = session.execute(
        _card_rows(ranked.c).join(ranked, ranked.c.firm_id == Firm.id).where(ranked.c.place <= CARDS)
        .order_by(ranked.c.stage, ranked.c.place)
    ).all()  # fmt: skip
    for row, card in zip(rows, cards(session, rows, within.as_of), strict=True):
        columns[row.stage].cards.append(card)
    return list(columns.values())


def more_cards(session: Session, within: Within, stage: Stage, *, after: int, viewer: Actor) -> list[Card]:
    """The next cards of one column, `after` so many."""
    ranked = _ranked(within, viewer, stage)
    rows = session.execute(
        _card_rows(ranked.c).join(ranked, ranked.c.firm_id == Firm.id)
        .where(ranked.c.place > after, ranked.c.place <= after + CARDS).order_by(ranked.c.place)
    ).all()  # fmt: skip
    return cards(session, rows, within.as_of)


def holders(session: Session, within: Within, *, viewer: Actor) -> dict[str, int]:
    """How many firms hold each kind of certificate on the day: kind → firms. One statement."""
    here = sa.select(StageInterval.firm_id).where(at_stage(within.as_of, pending=None))
    query = (
        sa.select(Certification.kind, sa.func.count(Certification.firm_id.distinct()))
        .join(Firm, Firm.id == Certification.firm_id)
        .where(valid_on(within.as_of), Certification.firm_id.in_(here), *within.where(viewer))
        .group_by(Certification.kind)
    )
    return {kind: number for kind, number in session.execute(query)}


def cards(session: Session, rows: Sequence[Any], as_of: dt.date) -> list[Card]:
    """Cards for rows of `_card_rows`, with what each firm holds and is on the way to. Two statements."""
    ids = [row.id for row in rows]
    held, under_way = held_by(session, ids, as_of), under_way_of(session, ids, as_of)
    return [
        Card(
            row.id, row.name, row.leading_industry, row.street, row.officer, row.registered_on, row.from_on,
            row.to_on, row.is_pending, held[row.id], under_way[row.id],
        )
        for row in rows
    ]  # fmt: skip


def held_by(session: Session, ids: Sequence[int], as_of: dt.date) -> dict[int, list[Held]]:
    """The certificates of these firms that hold on the day; a lapsed national SME is not among them."""
    found: dict[int, list[Held]] = defaultdict(list)
    query = sa.select(
        Certification.firm_id, Certification.kind, Certification.number, Certification.granted_on,
        Certification.expires_on,
    ).where(Certification.firm_id.in_(ids), valid_on(as_of))  # fmt: skip
    for row in session.execute(query.order_by(Certification.granted_on, Certification.id)) if ids else ():
        found[row.firm_id].append(Held(row.kind, row.number, row.granted_on, row.expires_on))
    return found


def under_way_of(
    session: Session, ids: Sequence[int], as_of: dt.date
) -> dict[int, list[tuple[str, ApplicationStep, dt.date]]]:
    """The applications of these firms that are under way: (kind, step now, since)."""
    found: dict[int, list[tuple[str, ApplicationStep, dt.date]]] = defaultdict(list)
    query = sa.select(Application.firm_id, Application.kind, Application.step, Application.step_on).where(
        Application.firm_id.in_(ids), open_on(as_of)
    )
    for row in session.execute(query.order_by(Application.step_on.desc(), Application.id)) if ids else ():
        found[row.firm_id].append((row.kind, row.step, row.step_on))
    return found


def _counts(session: Session, within: Within, viewer: Actor, columns: dict[Stage, Column]) -> None:
    query = (
        sa.select(StageInterval.stage, StageInterval.is_pending, Firm.leading_industry, sa.func.count())
        .join(Firm, Firm.id == StageInterval.firm_id)
        .where(at_stage(within.as_of, pending=None), *within.where(viewer))
        .group_by(StageInterval.stage, StageInterval.is_pending, Firm.leading_industry)
    )
    for stage, is_pending, industry, number in session.execute(query):
        column = columns[stage]
        if is_pending:
            column.pending += number
        else:
            column.count += number
            column.industries[industry] = column.industries.get(industry, 0) + number


def _moves(session: Session, within: Within, viewer: Actor, columns: dict[Stage, Column]) -> None:
    """Rises and falls from 1 January of the year to the day."""
    before = aliased(StageInterval)
    query = (
        sa.select(before.stage, StageInterval.stage, sa.func.count())
        .join(
            StageInterval,
            sa.and_(StageInterval.firm_id == before.firm_id, StageInterval.from_on == before.to_on),
        )
        .join(Firm, Firm.id == before.firm_id)
        .where(
            StageInterval.from_on >= dt.date(within.as_of.year, 1, 1),
            StageInterval.from_on <= within.as_of,
            StageInterval.stage != before.stage,
            *within.where(viewer),
        )
        .group_by(before.stage, StageInterval.stage)
    )
    order = list(Stage)
    for old, new, number in session.execute(query):
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
    query = (
        sa.select(StageInterval.stage, sa.func.count(Firm.id.distinct()))
        .join(Firm, Firm.id == StageInterval.firm_id)
        .join(Application, Application.firm_id == Firm.id)
        .where(at_stage(within.as_of, pending=None), open_on(within.as_of), wanted, *within.where(viewer))
        .group_by(StageInterval.stage)
    )
    for stage, number in session.execute(query):
        columns[stage].candidates = number


def _ranked(within: Within, viewer: Actor, stage: Stage | None = None) -> sa.Subquery:
    """Firms in the order of the board: the next change first, then those that are applying; 待复评 among them."""
    followed = sa.exists().where(Application.firm_id == Firm.id, open_on(within.as_of))
    order = (StageInterval.to_on.is_(None), StageInterval.to_on, sa.not_(followed), Firm.name_sort, Firm.id)
    place = sa.func.row_number().over(partition_by=StageInterval.stage, order_by=order).label("place")
    return (
        sa.select(
            Firm.id.label("firm_id"), StageInterval.stage, StageInterval.from_on, StageInterval.to_on,
            StageInterval.is_pending, place,
        )
        .join(StageInterval, StageInterval.firm_id == Firm.id)
        .where(at_stage(within.as_of, stage, pending=None), *within.where(viewer))
        .subquery()
    )  # fmt: skip


def _card_rows(interval: Any) -> sa.Select[Any]:
    street, officer = aliased(Unit), aliased(User)
    return (
        sa.select(
            Firm.id, Firm.name, Firm.leading_industry, Firm.registered_on, street.short_name.label("street"),
            officer.name.label("officer"), interval.stage, interval.from_on, interval.to_on, interval.is_pending,
        )
        .outerjoin(street, street.id == Firm.street_id)
        .outerjoin(officer, officer.id == Firm.officer_id)
    )  # fmt: skip
