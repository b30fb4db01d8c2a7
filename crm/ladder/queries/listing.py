"""The ladder as a list: firms with their stage on a day; and the flow between stages from year to year."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from crm.accounts.models import Unit, User
from crm.core import lists
from crm.core.audit import AuditEnvelope
from crm.core.permissions import Actor
from crm.core.words import N_
from crm.firms.models import Firm
from crm.firms.queries import exportable_by, visible_to
from crm.firms.queries.finding import text_condition
from crm.ladder.models import Application, Certification, StageInterval
from crm.ladder.queries.counts import at_stage, valid_on
from crm.ladder.queries.within import Within, open_on
from crm.ladder.rules.words import Stage

SORTS = [
    lists.Sort("until", N_("下次变动"), StageInterval.to_on, is_nullable=True),
    lists.Sort("since", N_("进入阶段"), StageInterval.from_on, is_descending=True),
    lists.Sort("name", N_("企业"), Firm.name_sort),
]
OUTSIDE = "outside"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of the ladder a list shows. `was`/`was_on`: the stage on an earlier day (``outside`` = none then)."""

    within: Within
    text: str = ""
    stage: Stage | None = None
    pending: bool | None = None
    kind: str | None = None
    under_way: str | None = None  # kind of an open application, "any" for all
    was: str | None = None
    was_on: dt.date | None = None

    def where(self, session: Session, viewer: Actor) -> list[sa.ColumnElement[bool]]:
        """Conditions on `Firm` joined to its interval on the day."""
        as_of = self.within.as_of
        clauses = [at_stage(as_of, self.stage, pending=self.pending), *self.within.where(viewer)]
        if self.text.strip():
            found = text_condition(session, self.text, viewer)
            clauses.append(found if found is not None else sa.true())
        if self.kind is not None:
            clauses.append(Firm.id.in_(sa.select(Certification.firm_id).where(valid_on(as_of, self.kind))))
        if self.under_way is not None:
            open_ones = sa.select(Application.firm_id).where(open_on(as_of))
            if self.under_way != "any":
                open_ones = open_ones.where(Application.kind == self.under_way)
            clauses.append(Firm.id.in_(open_ones))
        if self.was is not None and self.was_on is not None:
            earlier = sa.select(StageInterval.firm_id)
            if self.was == OUTSIDE:
                clauses.append(Firm.id.not_in(earlier.where(at_stage(self.was_on, pending=None))))
            else:
                clauses.append(
                    Firm.id.in_(earlier.where(at_stage(self.was_on, Stage(self.was), pending=None)))
                )
        return clauses


def asked(args: Mapping[str, str]) -> lists.Asked:
    """Order and position a query string asks for."""
    return lists.asked(args, sorts=SORTS, filters=[])


def list_firms(
    session: Session, wanted: Wanted, order: lists.Asked, *, viewer: Actor, size: int = lists.PAGE
) -> tuple[lists.Page, int, bool]:
    """One page of rows, the count and whether it is capped. Two statements."""
    ids = _ids(session, wanted, viewer)
    total, capped = lists.count(session, ids)
    return lists.page(session, _rows(ids, order.sort), order, Firm.id, size), total, capped


def every_row(
    session: Session, wanted: Wanted, *, viewer: Actor, chunk: int = 1000
) -> Iterator[Sequence[Any]]:
    """All rows the viewer may export, by name, in chunks."""
    ids = _ids(session, wanted, viewer).where(exportable_by(viewer))
    order = lists.Asked(SORTS[2], False, None)
    while True:
        found = lists.page(session, _rows(ids, order.sort), order, Firm.id, chunk)
        if found.rows:
            yield found.rows
        if found.after is None:
            return
        order.position = lists.position(found.after, order.sort)


def all_ids(session: Session, wanted: Wanted, *, viewer: Actor, most: int) -> list[int]:
    """The ids the filter finds, at most `most` and one more."""
    return list(session.scalars(_ids(session, wanted, viewer).order_by(Firm.id).limit(most + 1)))


def names_of(session: Session, ids: Sequence[int], *, viewer: Actor) -> list[tuple[int, str]]:
    """Those of the firms the viewer may see, by name."""
    query = sa.select(Firm.id, Firm.name).where(
        Firm.id.in_(ids), visible_to(viewer), Firm.archived_on.is_(None)
    )
    return [(row.id, row.name) for row in session.execute(query.order_by(Firm.name_sort, Firm.id))]


def own_operation(session: Session, operation: str, actions: Sequence[str], *, viewer: Actor) -> bool:
    """Whether the viewer did this operation and it is one of these."""
    found = session.scalar(
        sa.select(AuditEnvelope.seq).where(
            AuditEnvelope.operation == operation.replace("\x00", "")[:32],
            AuditEnvelope.actor_id == viewer.user_id,
            AuditEnvelope.action.in_(actions),
        )
    )
    return found is not None


def _ids(session: Session, wanted: Wanted, viewer: Actor) -> sa.Select[Any]:
    return (
        sa.select(Firm.id)
        .join(StageInterval, StageInterval.firm_id == Firm.id)
        .where(*wanted.where(session, viewer))
    )


def _rows(ids: sa.Select[Any], sort: lists.Sort) -> sa.Select[Any]:
    street, officer = aliased(Unit), aliased(User)
    columns: list[Any] = [
        Firm.id, Firm.name.label("firm"), Firm.code, Firm.leading_industry, Firm.registered_on, street.short_name.label("street"),
        officer.name.label("officer"), StageInterval.stage, StageInterval.from_on, StageInterval.to_on,
        StageInterval.is_pending, StageInterval.cause, StageInterval.params, sort.column.label(sort.key),
    ]  # fmt: skip
    return (
        ids.with_only_columns(*columns)
        .outerjoin(street, street.id == Firm.street_id)
        .outerjoin(officer, officer.id == Firm.officer_id)
    )


@dataclass(frozen=True, slots=True)
class Flow:
    """So many firms went from one stage (None = not in the zone) to another between two days."""

    since: dt.date
    until: dt.date
    old: Stage | None
    new: Stage | None
    count: int


def flows(
    session: Session, days: Sequence[dt.date], *, viewer: Actor, within: Within | None = None
) -> list[Flow]:
    """Between each two neighbouring days: one statement a pair. 待复评 counts as its stage here."""
    clauses = within.where(viewer) if within is not None else [visible_to(viewer)]
    found: list[Flow] = []
    for since, until in pairwise(days):
        old = (
            sa.select(StageInterval.firm_id, StageInterval.stage)
            .where(at_stage(since, pending=None))
            .subquery()
        )
        new = (
            sa.select(StageInterval.firm_id, StageInterval.stage)
            .where(at_stage(until, pending=None))
            .subquery()
        )
        query = (
            sa.select(old.c.stage, new.c.stage, sa.func.count())
            .select_from(Firm)
            .outerjoin(old, old.c.firm_id == Firm.id)
            .outerjoin(new, new.c.firm_id == Firm.id)
            .where(sa.or_(old.c.firm_id.is_not(None), new.c.firm_id.is_not(None)), *clauses)
            .group_by(old.c.stage, new.c.stage)
        )
        found.extend(Flow(since, until, *row) for row in session.execute(query))
    return found
