"""Published lists: the batches, and the rows of one as the review page shows them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from crm.accounts.models import Unit, User
from crm.core.permissions import Actor
from crm.core.words import N_, Missing
from crm.firms.models import Firm
from crm.firms.queries import visible_to
from crm.firms.rules.words import FirmStatus, LeadingIndustry
from crm.ladder.models import Application, StageInterval, TagBatch, TagRow
from crm.ladder.queries.counts import at_stage
from crm.ladder.queries.firm import bounded
from crm.ladder.queries.within import open_on
from crm.ladder.rules.tagging import tally
from crm.ladder.rules.words import Stage, TagDecision, TagOutcome


@dataclass(frozen=True, slots=True)
class Shown:
    """What of a candidate firm helps to decide."""

    id: int
    name: str
    code: str | None
    industry: LeadingIndustry
    street: str | None
    officer: str | None
    status: FirmStatus
    status_on: dt.date | None
    stage: Stage | None
    is_applying: bool


def list_batches(session: Session, *, viewer: Actor, limit: int = 100) -> Sequence[Any]:
    """The newest batches with who made them."""
    if not viewer.may("ladder:tag"):
        return []
    return session.execute(
        sa.select(TagBatch, User.name)
        .outerjoin(User, User.id == TagBatch.created_by_id)
        .order_by(TagBatch.id.desc())
        .limit(limit)
    ).all()


def get_batch(session: Session, batch_id: int, *, viewer: Actor) -> TagBatch:
    """A batch; only those who tag see them. Raises `Missing`."""
    found = session.get(TagBatch, bounded(batch_id)) if viewer.may("ladder:tag") else None
    if found is None:
        raise Missing(N_("没有这份名单。"))
    return found


def counts_of_batch(session: Session, batch_id: int) -> tuple[dict[str, int], dict[str, int]]:
    """Counts for the review page, and the matched rows by how. One statement."""
    query = (
        sa.select(TagRow.outcome, TagRow.decision, TagRow.how, sa.func.count())
        .where(TagRow.batch_id == batch_id)
        .group_by(TagRow.outcome, TagRow.decision, TagRow.how)
    )
    rows = session.execute(query).all()
    by: dict[str, int] = {}
    for outcome, decision, how, number in rows:
        if outcome is TagOutcome.MATCHED and decision is None and how:
            by[how] = by.get(how, 0) + number
    return tally((row.outcome, row.decision, row.how, row[3]) for row in rows), by


def queue(session: Session, batch_id: int, outcome: TagOutcome) -> Sequence[Any]:
    """Rows of an outcome nobody has decided yet, in the order of the list, without their candidates' details."""
    return session.execute(
        sa.select(TagRow.row_no, TagRow.name, TagRow.candidates, TagRow.reasons, TagRow.place)
        .where(TagRow.batch_id == batch_id, TagRow.outcome == outcome, TagRow.decision.is_(None))
        .order_by(TagRow.row_no)
        .limit(2000)
    ).all()


def decided(session: Session, batch_id: int) -> Sequence[TagRow]:
    """Rows people have decided, the latest first."""
    return session.scalars(
        sa.select(TagRow)
        .where(TagRow.batch_id == batch_id, TagRow.decision.is_not(None))
        .order_by(TagRow.decided_at.desc(), TagRow.row_no.desc())
        .limit(500)
    ).all()


def get_row(session: Session, batch_id: int, row_no: int) -> TagRow:
    """One row of a list by its number in the file. Raises `Missing`."""
    found = None
    if 0 < row_no < 2**31:
        found = session.scalars(
            sa.select(TagRow).where(TagRow.batch_id == batch_id, TagRow.row_no == row_no)
        ).one_or_none()
    if found is None:
        raise Missing(N_("没有这一行。"))
    return found


def rows_of(
    session: Session, batch_id: int, *, outcome: TagOutcome | None = None, after: int = 0, size: int = 100
) -> Sequence[Any]:
    """Rows of a list with the firm each was given, in order, `size` at most."""
    query = (
        sa.select(TagRow, Firm.name)
        .outerjoin(Firm, Firm.id == TagRow.firm_id)
        .where(TagRow.batch_id == batch_id, TagRow.row_no > after)
        .order_by(TagRow.row_no)
        .limit(size)
    )
    if outcome is not None:
        query = query.where(TagRow.outcome == outcome)
    return session.execute(query).all()


def left_over(session: Session, batch_id: int) -> Sequence[TagRow]:
    """Rows that were not, or will not be, written: unmatched, doubtful, set aside, refused."""
    return session.scalars(
        sa.select(TagRow)
        .where(
            TagRow.batch_id == batch_id,
            sa.or_(
                sa.and_(TagRow.outcome != TagOutcome.MATCHED, TagRow.decision.is_(None)),
                TagRow.decision.in_([TagDecision.SKIPPED, TagDecision.RETURNED]),
                TagRow.result == "not-written",
            ),
        )
        .order_by(TagRow.row_no)
    ).all()


def shown(
    session: Session, firm_ids: Sequence[int], kind: str, as_of: dt.date, *, viewer: Actor
) -> dict[int, Shown]:
    """What helps to tell candidates apart. One statement."""
    if not firm_ids:
        return {}
    street, officer = aliased(Unit), aliased(User)
    applying = sa.exists().where(Application.firm_id == Firm.id, Application.kind == kind, open_on(as_of))
    query = (
        sa.select(
            Firm.id, Firm.name, Firm.code, Firm.leading_industry, street.short_name, officer.name, Firm.status,
            Firm.status_on, StageInterval.stage, applying,
        )
        .outerjoin(street, street.id == Firm.street_id)
        .outerjoin(officer, officer.id == Firm.officer_id)
        .outerjoin(StageInterval, sa.and_(StageInterval.firm_id == Firm.id, at_stage(as_of, pending=None)))
        .where(Firm.id.in_(firm_ids), visible_to(viewer))
    )  # fmt: skip
    return {row[0]: Shown(*tuple(row)) for row in session.execute(query)}


def without_day(session: Session, batch_id: int) -> int:
    """How many rows that would be written print no day of grant."""
    query = (
        sa.select(sa.func.count())
        .select_from(TagRow)
        .where(
            TagRow.batch_id == batch_id, TagRow.granted_on.is_(None),
            sa.or_(
                sa.and_(TagRow.outcome == TagOutcome.MATCHED, TagRow.decision.is_(None)),
                TagRow.decision.in_([TagDecision.ACCEPTED, TagDecision.NEW_FIRM]),
            ),
        )
    )  # fmt: skip
    return session.execute(query).scalar_one()
