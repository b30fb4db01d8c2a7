"""Who works on a listing, what stands in its way, the markets before it, and who owns the firm."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core import audit
from crm.core.permissions import Actor
from crm.core.words import N_, Refused
from crm.listing.actions import guards
from crm.listing.models import Candidate, Intermediary, MarketStay, Obstacle, Shareholder
from crm.listing.rules.words import Act, HolderKind, IntermediaryKind, Market

WHOLE = 10_000  # hundredths of a per cent


def engage(
    session: Session,
    candidate: Candidate,
    *,
    actor: Actor,
    today: dt.date,
    kind: IntermediaryKind,
    name: str | None,
    from_on: dt.date,
    person: str | None = None,
    phone: str | None = None,
) -> Intermediary:
    """Note a firm that works on the listing from a day on; one of its kind before it leaves on that day."""
    guards.ready(session, candidate, actor)
    called = guards.line(name, 120, "name")
    guards.past(from_on, today, "from_on")
    audit.begin(session, actor=actor, action=Act.INTERMEDIARY, subject=("candidate", candidate.id))
    for before in session.scalars(
        sa.select(Intermediary).where(
            Intermediary.candidate_id == candidate.id, Intermediary.kind == kind, Intermediary.to_on.is_(None)
        )
    ):
        if before.name == called:
            raise Refused(N_("这家机构已经登记。"), field="name")
        before.to_on = max(from_on, before.from_on)
    made = Intermediary(
        candidate_id=candidate.id, kind=kind, name=called, person=(person or "").strip()[:60] or None,
        phone=(phone or "").strip()[:40] or None, from_on=from_on,
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made


def dismiss(
    session: Session, candidate: Candidate, row: Intermediary, *, actor: Actor, today: dt.date, on: dt.date
) -> None:
    """The firm works on it no more, from a day on."""
    guards.ready(session, candidate, actor)
    guards.past(on, today)
    if row.to_on is not None:
        raise Refused(N_("这家机构已经退出。"))
    if on < row.from_on:
        raise Refused(N_("退出不能早于进场 %(day)s。"), day=row.from_on, field="on")
    audit.begin(session, actor=actor, action=Act.INTERMEDIARY, subject=("candidate", candidate.id))
    row.to_on = on
    session.flush()


def raise_obstacle(
    session: Session,
    candidate: Candidate,
    *,
    actor: Actor,
    today: dt.date,
    text: str | None,
    owner_id: int | None,
    unit_id: int | None,
    due_on: dt.date | None,
) -> Obstacle:
    """Note what stands in the way, whose it is to clear, and by when. Raises `Refused`."""
    guards.ready(session, candidate, actor)
    what = guards.line(text, 300, "text")
    owner, unit = guards.reader(session, owner_id, "owner"), guards.check_unit(session, unit_id, "unit")
    if due_on is None or due_on < today:
        raise Refused(N_("请写办结日期，不能早于今天。"), field="due_on")
    audit.begin(session, actor=actor, action=Act.OBSTACLE, subject=("candidate", candidate.id))
    made = Obstacle(
        candidate_id=candidate.id, text=what, owner_id=owner, unit_id=unit, raised_on=today, due_on=due_on
    )
    session.add(made)
    session.flush()
    return made


def settle_obstacle(
    session: Session,
    candidate: Candidate,
    row: Obstacle,
    *,
    actor: Actor,
    today: dt.date,
    on: dt.date,
    outcome: str | None,
    version: int | None = None,
) -> None:
    """It is cleared, and how."""
    guards.ready(session, candidate, actor)
    guards.lock(row, version)
    if row.closed_on is not None:
        raise Refused(N_("这件事已经办结。"))
    guards.past(on, today)
    if on < row.raised_on:
        raise Refused(N_("办结不能早于提出 %(day)s。"), day=row.raised_on, field="on")
    said = guards.line(outcome, 300, "outcome")
    audit.begin(session, actor=actor, action=Act.OBSTACLE_DONE, subject=("candidate", candidate.id))
    row.closed_on, row.outcome = on, said
    session.flush()


def stay(
    session: Session,
    candidate: Candidate,
    *,
    actor: Actor,
    today: dt.date,
    market: Market,
    from_on: dt.date,
    to_on: dt.date | None = None,
    code: str | None = None,
) -> MarketStay:
    """Note a stay on a market; the layer before it ends on that day. Raises `Refused`."""
    guards.ready(session, candidate, actor)
    guards.past(from_on, today, "from_on")
    if to_on is not None and to_on < from_on:
        raise Refused(N_("结束不能早于开始。"), field="to_on")
    audit.begin(session, actor=actor, action=Act.MARKET, subject=("candidate", candidate.id))
    for before in session.scalars(
        sa.select(MarketStay).where(MarketStay.candidate_id == candidate.id, MarketStay.to_on.is_(None))
    ):
        if before.market is market:
            raise Refused(N_("已经在「%(market)s」挂牌。"), market=market, field="market")
        if from_on < before.from_on:
            raise Refused(N_("前一段从 %(day)s 起，这一段不能更早。"), day=before.from_on, field="from_on")
        before.to_on = from_on
    made = MarketStay(
        candidate_id=candidate.id,
        market=market,
        from_on=from_on,
        to_on=to_on,
        code=(code or "").strip()[:10] or None,
    )
    session.add(made)
    session.flush()
    return made


def set_holders(
    session: Session,
    candidate: Candidate,
    *,
    actor: Actor,
    today: dt.date,
    on: dt.date,
    holders: Sequence[tuple[str, HolderKind, int]],
    version: int | None = None,
) -> None:
    """The shareholders on a day, as (name, kind, hundredths of a per cent); what was noted for that day is brought to
    it, so that each keeps its history. Raises `Conflict`, and `Refused` for more than the whole."""
    guards.ready(session, candidate, actor, version)
    guards.past(on, today)
    if not holders:
        raise Refused(N_("请填写股东。"), field="holders")
    if sum(part for _name, _kind, part in holders) > WHOLE:
        raise Refused(N_("持股合计超过 100%。"), field="holders")
    told = {name: (kind, part) for name, kind, part in holders}
    if len(told) != len(holders):
        raise Refused(N_("同一名股东写了两次。"), field="holders")
    audit.begin(session, actor=actor, action=Act.HOLDING, subject=("candidate", candidate.id))
    guards.touch(candidate)
    for row in session.scalars(
        sa.select(Shareholder).where(Shareholder.candidate_id == candidate.id, Shareholder.on == on)
    ):
        if row.name in told:
            row.kind, row.basis_points = told.pop(row.name)
        else:
            session.delete(row)
    for name, (kind, part) in told.items():
        session.add(Shareholder(candidate_id=candidate.id, on=on, name=name, kind=kind, basis_points=part))
    session.flush()
