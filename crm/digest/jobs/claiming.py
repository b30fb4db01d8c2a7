"""Taking a mail for the length of a lease, and saying what became of it: each in one short transaction.

Between the two nothing is open: a server that hangs holds nobody up. A mail is taken by one at a time; whoever dies
with it lets go when the lease runs out, and the next one sends it with the same Message-ID.
"""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass
from typing import Any, cast

import sqlalchemy as sa
import structlog
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from crm.core import transaction
from crm.core.db import intent
from crm.core.mail import Failure
from crm.digest.actions import outbox
from crm.digest.models import OutboxMail
from crm.digest.rules import delivery
from crm.digest.rules.delivery import MailState, Trouble

log = structlog.get_logger("tidui")
TABLE = cast(sa.Table, OutboxMail.__table__)
PATIENCE = (0.2, 1.0, 3.0, 5.0, 10.0, 20.0)  # seconds between tries to write down what the server has taken


@dataclass(frozen=True, slots=True)
class Taken:
    """A mail that is this scheduler's until the lease runs out."""

    id: int
    kind: str
    person_id: int
    payload: dict[str, Any]
    message_id: str
    created_at: dt.datetime
    attempts: int
    until: dt.datetime


def _open(moment: dt.datetime, period: str | None) -> sa.ColumnElement[bool]:
    free = sa.or_(
        sa.and_(TABLE.c.state == MailState.WAITING, TABLE.c.next_try_at <= moment),
        sa.and_(TABLE.c.state == MailState.CLAIMED, TABLE.c.claimed_until < moment),
    )
    mine = sa.and_(free, TABLE.c.ends_at > moment)
    return mine if period is None else sa.and_(mine, TABLE.c.period == period)


def is_late(engine: Engine, moment: dt.datetime) -> bool:
    """Whether there are mails whose week is over. A look costs no write lock."""
    late = sa.and_(TABLE.c.state.in_([MailState.WAITING, MailState.CLAIMED]), TABLE.c.ends_at <= moment)
    with intent("read"), engine.connect() as connection:
        return connection.execute(sa.select(TABLE.c.id).where(late).limit(1)).first() is not None


def take(engine: Engine, who: str, moment: dt.datetime, period: str | None = None) -> Taken | None:
    """Take the mail that has waited longest. Never the same mail for two schedulers."""
    with intent("read"), engine.connect() as connection:
        if connection.execute(sa.select(TABLE.c.id).where(_open(moment, period)).limit(1)).first() is None:
            return None
    until = moment + delivery.LEASE
    with intent("write"), engine.begin() as connection:
        row = connection.execute(
            sa.select(TABLE)
            .where(_open(moment, period))
            .order_by(TABLE.c.next_try_at, TABLE.c.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        ).first()
        if row is None:
            return None
        connection.execute(
            sa.update(TABLE)
            .where(TABLE.c.id == row.id)
            .values(state=MailState.CLAIMED, claimed_by=who, claimed_until=until, tried_at=moment)
        )
    return Taken(
        row.id, row.kind, row.person_id, row.payload, row.message_id, row.created_at, row.attempts, until
    )


def sent(engine: Engine, taken: Taken, moment: dt.datetime, file: str | None = None) -> None:
    """The server has taken it (or it is a `file` now): whatever has happened to the lease, it is sent. Tried for a while when the database
    is away, since from here on only this process knows."""
    for pause in (*PATIENCE, None):
        try:
            with intent("write"), engine.begin() as connection:
                connection.execute(
                    sa.update(TABLE)
                    .where(TABLE.c.id == taken.id)
                    .values(
                        state=MailState.SENT, sent_at=moment, attempts=taken.attempts + 1, trouble=None, reply=file,
                        claimed_by=None, claimed_until=None,
                    )
                )  # fmt: skip
            return
        except DBAPIError as error:
            log.error("outbox.sent_unwritten", mail=taken.id, error=type(error).__name__)
            if pause is None:
                raise
            time.sleep(pause)


def failed(taken: Taken, who: str, moment: dt.datetime, failure: Failure) -> MailState | None:
    """Write down why it was not sent, and when it is tried again, if ever. None when it is somebody else's now."""
    trouble = Trouble(failure.code)
    reply = f"{failure.reply or ''} {failure.text}".strip()[:200] or None
    with transaction.fresh() as session:
        mail = session.scalars(
            sa.select(OutboxMail)
            .where(
                OutboxMail.id == taken.id, OutboxMail.claimed_by == who, OutboxMail.state == MailState.CLAIMED
            )
            .with_for_update()
        ).one_or_none()
        if mail is None:
            return None
        if not failure.is_outage:  # when the way itself is shut, it is not the mail's fault
            mail.attempts += 1
        again = moment + delivery.rest(1) if failure.is_outage else delivery.again_at(mail.attempts, moment)
        if failure.is_final:
            outbox.end(session, mail, MailState.FAILED, trouble, reply)
        elif again is None:
            outbox.end(session, mail, MailState.GIVEN_UP, trouble, reply)
        else:
            mail.state, mail.next_try_at, mail.trouble, mail.reply = MailState.WAITING, again, trouble, reply
            mail.claimed_by = mail.claimed_until = None
        state = mail.state
        transaction.commit(session)
        return state


def end_late(moment: dt.datetime) -> int:
    """Give up what is too late."""
    with transaction.fresh() as session:
        ended = outbox.end_late(session, at=moment)
        transaction.commit(session)
    return ended


def release(session: Session, taken: Taken, who: str) -> None:
    """Give a mail back untouched."""
    session.execute(
        sa.update(OutboxMail)
        .where(OutboxMail.id == taken.id, OutboxMail.claimed_by == who)
        .values(state=MailState.WAITING, claimed_by=None, claimed_until=None)
    )
