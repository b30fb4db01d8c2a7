"""Firms that may be one: what they are found from, and the pairs nobody has judged yet."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from crm.accounts.models import Unit, User
from crm.core import lists
from crm.core.jobs import Job, JobState
from crm.core.permissions import Actor
from crm.core.words import N_, Missing
from crm.firms.models import Firm, FirmDistinction, FirmName, FirmPair, YearFigures
from crm.firms.queries.scope import visible_to
from crm.firms.rules.pairing import Entry

PAIRS_JOB = "firms.duplicates"  # the job that looks for them
PAIRS_PAGE = 20

PAIR_SORTS = (lists.Sort("score", N_("相似度"), FirmPair.score, is_descending=True),)


def pairing_entries(session: Session) -> list[Entry]:
    """Every firm that is neither archived nor merged, with its names. Two statements."""
    names: dict[int, list[tuple[str, str]]] = {}
    for firm_id, name, key in session.execute(
        sa.select(FirmName.firm_id, FirmName.name, FirmName.name_key).order_by(FirmName.id)
    ):
        names.setdefault(firm_id, []).append((name, key))
    rows = session.execute(
        sa.select(Firm.id, Firm.name, Firm.name_key, Firm.code, Firm.street_id)
        .where(Firm.archived_on.is_(None), Firm.merged_into_id.is_(None))
        .order_by(Firm.id)
    )
    return [
        Entry(row.id, [(row.name, row.name_key), *names.get(row.id, ())], row.code, row.street_id)
        for row in rows
    ]


def touched_since(session: Session, moment: dt.datetime) -> frozenset[int]:
    """Firms whose record or names changed since a moment. Two statements."""
    found = set(session.scalars(sa.select(Firm.id).where(Firm.updated_at >= moment)))
    found.update(session.scalars(sa.select(FirmName.firm_id).where(FirmName.updated_at >= moment)))
    return frozenset(found)


def last_search(session: Session) -> dt.datetime | None:
    """When the pairs were looked for last (the start of the latest run that was done)."""
    return session.execute(
        sa.select(sa.func.max(Job.started_at)).where(Job.kind == PAIRS_JOB, Job.state == JobState.DONE)
    ).scalar_one()


def open_pairs(viewer: Actor) -> sa.Select[Any]:
    """Pairs nobody has judged under the names of today: both firms seen by the viewer, in the registry."""
    low, high = aliased(Firm), aliased(Firm)

    def seen(
        firm_id: Any,
    ) -> sa.Exists:  # asked of the pairs' own firms: two lists of all would be tried crosswise
        is_open = (visible_to(viewer), Firm.archived_on.is_(None), Firm.merged_into_id.is_(None))
        return sa.exists().where(Firm.id == firm_id, *is_open)

    judged = sa.exists().where(
        FirmDistinction.low_id == FirmPair.low_id,
        FirmDistinction.high_id == FirmPair.high_id,
        FirmDistinction.low_key == low.name_key,
        FirmDistinction.high_key == high.name_key,
    )
    return (
        sa.select(
            FirmPair.id, FirmPair.score, FirmPair.reasons, FirmPair.found_on, FirmPair.low_id, FirmPair.high_id,
            low.name.label("low_name"), high.name.label("high_name"),
        )
        .join(low, low.id == FirmPair.low_id)
        .join(high, high.id == FirmPair.high_id)
        .where(seen(FirmPair.low_id), seen(FirmPair.high_id), ~judged)
    )  # fmt: skip


def list_pairs(session: Session, wanted: lists.Asked, *, viewer: Actor) -> lists.Page:
    """A page of pairs, the surest first."""
    return lists.page(session, open_pairs(viewer), wanted, FirmPair.id, PAIRS_PAGE)


def count_pairs(session: Session, *, viewer: Actor) -> tuple[int, bool]:
    """How many pairs wait to be judged."""
    return lists.count(session, open_pairs(viewer).with_only_columns(FirmPair.id))


def get_pair(session: Session, pair_id: int, *, viewer: Actor) -> Any:
    """One pair that waits to be judged. Raises `Missing`."""
    found = session.execute(open_pairs(viewer).where(FirmPair.id == pair_id)).one_or_none()
    if found is None:
        raise Missing(N_("没有这一对，或者已经有人处理过。"))
    return found


def both_sides(session: Session, low_id: int, high_id: int) -> list[Any]:
    """What tells the two firms of a pair apart, in the order given. One statement."""
    years = sa.select(sa.func.count()).where(YearFigures.firm_id == Firm.id).scalar_subquery()
    rows = {
        row.id: row
        for row in session.execute(
            sa.select(
                Firm.id, Firm.name, Firm.code, Firm.registered_on, Firm.address, Firm.leading_industry, Firm.status,
                Firm.created_at, Unit.short_name.label("street"), User.name.label("officer"), years.label("years"),
            )
            .outerjoin(Unit, Unit.id == Firm.street_id)
            .outerjoin(User, User.id == Firm.officer_id)
            .where(Firm.id.in_([low_id, high_id]))
        )
    }  # fmt: skip
    return [rows[low_id], rows[high_id]]
