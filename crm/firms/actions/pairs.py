"""Keeping the suspected pairs up to date, and the judgement that two firms are not one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core import audit
from crm.core.bulk import insert_rows
from crm.core.permissions import Actor
from crm.core.transaction import refusing
from crm.core.words import N_, Conflict, Missing
from crm.firms.actions import guards
from crm.firms.models import Firm, FirmDistinction, FirmPair
from crm.firms.rules.pairing import Pair
from crm.firms.rules.reasons import kept
from crm.firms.rules.words import Act

CHUNK = 2000


def store(
    session: Session, pairs: Sequence[Pair], *, today: dt.date, touched: frozenset[int] | None = None
) -> tuple[int, int]:
    """Put the pairs found in place of those known: all of them, or those in which a touched firm stands. Pairs that go
    on keep their number and their day. Returns how many are new and how many have gone."""
    statement = sa.select(FirmPair.id, FirmPair.low_id, FirmPair.high_id, FirmPair.score, FirmPair.reasons)
    known = {
        (row.low_id, row.high_id): row
        for row in session.execute(statement)
        if touched is None or row.low_id in touched or row.high_id in touched
    }
    there = set(session.scalars(sa.select(Firm.id).where(Firm.merged_into_id.is_(None))))
    rows: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    for pair in pairs:
        if pair.low not in there or pair.high not in there:
            continue  # merged or undone while the pairs were looked for
        reasons = [kept(reason) for reason in pair.reasons]
        old = known.pop((pair.low, pair.high), None)
        if old is None:
            rows.append(
                {
                    "low_id": pair.low,
                    "high_id": pair.high,
                    "score": pair.score,
                    "reasons": reasons,
                    "found_on": today,
                }
            )
        elif old.score != pair.score or old.reasons != reasons:
            changed.append({"b_id": old.id, "b_score": pair.score, "b_reasons": reasons})
    gone = sorted(row.id for row in known.values())
    table = cast(sa.Table, FirmPair.__table__)
    for start in range(0, len(gone), CHUNK):
        session.execute(sa.delete(table).where(table.c.id.in_(gone[start : start + CHUNK])))
    if changed:
        update = sa.update(table).where(table.c.id == sa.bindparam("b_id"))
        session.connection().execute(
            update.values(
                score=sa.bindparam("b_score"), reasons=sa.bindparam("b_reasons", type_=table.c.reasons.type)
            ),
            changed,
        )
    insert_rows(session.connection(), table, rows)
    return len(rows), len(gone)


def distinguish(
    session: Session, low_id: int, high_id: int, *, actor: Actor, today: dt.date
) -> FirmDistinction:
    """These two are not the same firm: dated, by whom; not suspected again until one of them changes its name."""
    actor.require("firm:merge")
    low_id, high_id = sorted((low_id, high_id))
    keys = dict(
        session.execute(
            sa.select(Firm.id, Firm.name_key).where(
                Firm.id.in_([low_id, high_id]), Firm.merged_into_id.is_(None)
            )
        ).all()
    )
    if len(keys) != 2:
        raise Missing(N_("没有这两家企业，或者其中一家已经合并。"))
    for firm_id in (low_id, high_id):
        guards.require(session, actor, "firm:edit", firm_id)
    audit.begin(session, actor=actor, action=Act.DISTINGUISH, subject=("firm", low_id), other=high_id)
    found = session.execute(
        sa.select(FirmDistinction).where(FirmDistinction.low_id == low_id, FirmDistinction.high_id == high_id)
    ).scalar_one_or_none()
    if found is None:
        found = FirmDistinction(low_id=low_id, high_id=high_id)
    found.low_key, found.high_key, found.decided_on = keys[low_id], keys[high_id], today
    twice = Conflict(N_("这一对刚刚由别人认定过了。"))
    with refusing(session, {"uq_firm_distinctions_low_id_high_id": twice}):
        session.add(found)
    return found
