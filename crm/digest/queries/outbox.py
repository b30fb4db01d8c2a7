"""The outbox read: what became of each mail, week by week; and what of a letter its reader may still see."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.accounts.models import Unit, User
from crm.accounts.queries import actor_of
from crm.core.permissions import Actor
from crm.core.records import SUBJECTS, may_open
from crm.core.reminders import SIGHT
from crm.digest.models import OutboxMail
from crm.digest.rules.delivery import COPY, DIGEST, OUTAGES, MailState, Trouble
from crm.digest.rules.letters import Group, Letter

PAGE = 100
WEEKS = 60


@dataclass(frozen=True, slots=True)
class Outage:
    """What stops every mail, the server's words, when it was last met, and how many mails wait."""

    trouble: Trouble
    reply: str | None
    at: dt.datetime
    waiting: int


@dataclass(frozen=True, slots=True)
class Sent:
    """A row of the page: whose mail, what became of it. Nothing of what it says."""

    id: int
    kind: str
    period: str
    person: str
    unit: str
    address: str | None
    items: int
    state: MailState
    attempts: int
    trouble: Trouble | None
    reply: str | None
    created_at: dt.datetime
    next_try_at: dt.datetime
    ends_at: dt.datetime
    tried_at: dt.datetime | None
    sent_at: dt.datetime | None


def periods(session: Session) -> list[str]:
    """The weeks there are mails of, newest first. A copy belongs to the week it is a copy of."""
    week = sa.func.substr(OutboxMail.period, 1, len("2026-W48"))
    of = sa.union(
        sa.select(OutboxMail.period.label("week")).where(OutboxMail.kind == DIGEST),
        sa.select(week).where(OutboxMail.kind == COPY),
    ).subquery()
    return list(session.scalars(sa.select(of.c.week).order_by(of.c.week.desc()).limit(WEEKS)))


def _of_week(week: str) -> sa.ColumnElement[bool]:
    """The mails of a week, its copies too."""
    copies = sa.and_(OutboxMail.kind == COPY, OutboxMail.period.startswith(f"{week}~", autoescape=True))
    return sa.or_(OutboxMail.period == week, copies)


def counts(session: Session, period: str, kind: str | None = None) -> dict[MailState, int]:
    """How many mails of a week are in which state."""
    query = sa.select(OutboxMail.state, sa.func.count()).where(_of_week(period))
    if kind is not None:
        query = query.where(OutboxMail.kind == kind)
    return dict(iter(session.execute(query.group_by(OutboxMail.state))))


def outage(session: Session) -> Outage | None:
    """What stops every mail: what the last try met, while mails wait and none has gone since; None when the way is
    open or nobody has tried. Two or three statements."""
    is_open = OutboxMail.state.in_((MailState.WAITING, MailState.CLAIMED))
    last = session.execute(
        sa.select(OutboxMail.period, OutboxMail.trouble, OutboxMail.reply, OutboxMail.tried_at)
        .where(is_open, OutboxMail.trouble.in_(sorted(OUTAGES)))
        .order_by(OutboxMail.tried_at.desc(), OutboxMail.id.desc())
        .limit(1)
    ).first()
    if last is None:
        return None
    gone = session.scalar(
        sa.select(sa.func.max(OutboxMail.sent_at)).where(
            OutboxMail.period == last.period, OutboxMail.state == MailState.SENT
        )
    )
    if gone is not None and gone > last.tried_at:
        return None
    waiting = session.scalar(sa.select(sa.func.count()).select_from(OutboxMail).where(is_open))
    return Outage(last.trouble, last.reply, last.tried_at, waiting or 0)


def mails(
    session: Session,
    *,
    viewer: Actor,
    period: str,
    state: MailState | None = None,
    name: str = "",
    page: int = 1,
) -> tuple[Sequence[Sent], int]:
    """A page of a week's mails, those in trouble first, and how many there are in all. Raises `Forbidden`."""
    viewer.require("setting:manage")
    where = [_of_week(period)]
    if state is not None:
        where.append(OutboxMail.state == state)
    if name:
        like = f"%{name.replace('%', '').replace('_', '')}%"
        where.append(sa.or_(User.name.ilike(like), User.username.ilike(like), Unit.short_name.ilike(like)))
    joined = (
        sa.select(sa.func.count())
        .select_from(OutboxMail)
        .join(User, User.id == OutboxMail.person_id)
        .outerjoin(Unit, Unit.id == User.unit_id)
    )
    total = session.scalar(joined.where(*where)) or 0
    rows = session.execute(
        sa.select(
            OutboxMail.id, OutboxMail.kind, OutboxMail.period, User.name.label("person"),
            sa.func.coalesce(Unit.short_name, "").label("unit"),
            User.email.label("address"), OutboxMail.items, OutboxMail.state, OutboxMail.attempts, OutboxMail.trouble, OutboxMail.reply,
            OutboxMail.created_at, OutboxMail.next_try_at, OutboxMail.ends_at, OutboxMail.tried_at, OutboxMail.sent_at,
        )
        .join(User, User.id == OutboxMail.person_id)
        .outerjoin(Unit, Unit.id == User.unit_id)
        .where(*where)
        .order_by(sa.case((OutboxMail.trouble.is_not(None), 0), else_=1), OutboxMail.id)
        .limit(PAGE)
        .offset((page - 1) * PAGE)
    )  # fmt: skip
    return [Sent(**row._asdict()) for row in rows], total


def still_seen(session: Session, letter: Letter, reader_id: int) -> Letter:
    """The letter without what its reader may not see any more: days may lie between writing and sending it."""
    reader = actor_of(session, reader_id)
    if reader is None:
        return replace(letter, groups=())
    ids: dict[str, set[int]] = {}
    for item in (item for group in letter.groups for item in group.items if item.kind):
        ids.setdefault(item.kind, set()).add(item.subject_id)
    sights = {kind: SIGHT[kind](session, wanted) for kind, wanted in ids.items() if kind in SIGHT}
    groups = []
    for group in letter.groups:
        items = tuple(
            item
            for item in group.items
            if not item.kind
            or (
                item.kind in sights
                and may_open(SUBJECTS[item.kind], reader)
                and sights[item.kind](reader, item.subject_id)
            )
        )
        if items:
            groups.append(Group(group.code, items, group.more))
    return replace(letter, groups=tuple(groups))
