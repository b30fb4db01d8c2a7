"""The outbox: putting a week's letters in with what they tell once, ending those too late, resending by hand."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Iterable
from urllib.parse import urlsplit

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core import audit
from crm.core.mail import message_id
from crm.core.permissions import Actor
from crm.core.words import N_, Message, Missing, Refused
from crm.digest.actions.remembering import remember
from crm.digest.models import DigestTold, OutboxMail
from crm.digest.rules import delivery
from crm.digest.rules.delivery import MailState, Trouble
from crm.digest.rules.letters import Letter, from_payload

COPIES = 20  # an hour and person


def put(
    session: Session,
    letters: Iterable[Letter],
    *,
    actor: Actor,
    at: dt.datetime,
    base_url: str,
    kind: str = delivery.DIGEST,
    period: str | None = None,
) -> int:
    """Write letters into the outbox, with what they tell once, in the caller's transaction. Whoever has a mail of the
    week already gets no second. Returns how many are new."""
    wanted = list(letters)
    if not wanted:
        return 0
    name = period or str(wanted[0].week)
    there = set(written(session, kind, name))
    fresh = [letter for letter in wanted if letter.person_id not in there]
    if not fresh:
        return 0
    audit.begin(session, actor=actor, action="digest.write", period=name, n=len(fresh))
    host = urlsplit(base_url).hostname or ""
    session.execute(
        sa.insert(OutboxMail),
        [
            {
                "kind": kind, "person_id": letter.person_id, "period": name, "payload": letter.to_payload(),
                "language": letter.language, "items": letter.count, "state": MailState.WAITING, "attempts": 0,
                "next_try_at": at, "ends_at": delivery.end_of(letter.week, at), "created_at": at,
                "message_id": message_id(kind, host),
            }
            for letter in fresh
        ],
    )  # fmt: skip
    if kind == delivery.DIGEST:
        remember(session, fresh)
    return len(fresh)


def copy(session: Session, letter: Letter, *, actor: Actor, at: dt.datetime, base_url: str) -> Message:
    """Send the actor a copy of a letter he looks at. Says what happens now; raises `Refused` when he has had a few."""
    if actor.user_id is None:
        raise Refused(N_("只有登录的人可以收到副本。"))
    lately = session.scalar(
        sa.select(sa.func.count()).where(
            OutboxMail.kind == delivery.COPY, OutboxMail.person_id == actor.user_id,
            OutboxMail.created_at > at - dt.timedelta(hours=1),
        )
    )  # fmt: skip
    if (lately or 0) >= COPIES:
        raise Refused(N_("一小时最多发 %(n)s 份副本，请稍后再试。"), n=COPIES)
    audit.begin(
        session, actor=actor, action="digest.copy", subject=("user", letter.person_id), week=str(letter.week)
    )
    host = urlsplit(base_url).hostname or ""
    session.add(
        OutboxMail(
            kind=delivery.COPY, person_id=actor.user_id, period=f"{letter.week}~{secrets.token_hex(6)}",
            payload=letter.to_payload(), language=letter.language, items=letter.count, state=MailState.WAITING,
            attempts=0, next_try_at=at, ends_at=at + dt.timedelta(days=1), created_at=at,
            message_id=message_id(delivery.COPY, host),
        )
    )  # fmt: skip
    session.flush()
    return Message(N_("副本马上发到您的邮箱。"))


def written(session: Session, kind: str, period: str) -> list[int]:
    """Who has a mail of a week already."""
    return list(
        session.scalars(
            sa.select(OutboxMail.person_id).where(OutboxMail.kind == kind, OutboxMail.period == period)
        )
    )


def end_late(session: Session, *, at: dt.datetime) -> int:
    """Give up what was not sent in its week; what it would have told once is told by a later week. Returns how many."""
    late = session.scalars(
        sa.select(OutboxMail)
        .where(
            OutboxMail.ends_at <= at,
            sa.or_(
                OutboxMail.state == MailState.WAITING,
                sa.and_(OutboxMail.state == MailState.CLAIMED, OutboxMail.claimed_until < at),
            ),
        )
        .with_for_update(skip_locked=True)
    ).all()
    for mail in late:
        end(session, mail, MailState.GIVEN_UP, Trouble.LATE, mail.reply)  # what stood in the way
    session.flush()
    return len(late)


def end(
    session: Session, mail: OutboxMail, state: MailState, trouble: Trouble, reply: str | None = None
) -> None:
    """A mail that will not be sent. What it tells once has not been told."""
    mail.state, mail.trouble, mail.reply = state, trouble, reply
    mail.claimed_by = mail.claimed_until = None
    if mail.kind == delivery.DIGEST:
        session.execute(
            sa.delete(DigestTold)
            .where(DigestTold.user_id == mail.person_id, DigestTold.week == mail.period)
            .execution_options(synchronize_session=False)
        )


def resend(session: Session, mail_id: int, *, actor: Actor, at: dt.datetime) -> OutboxMail:
    """Try a mail again now, from the start. Raises `Refused` for one that was sent, is being sent, or whose week is
    over, `Missing`."""
    actor.require("setting:manage")
    mail = session.scalars(
        sa.select(OutboxMail).where(OutboxMail.id == mail_id).with_for_update()
    ).one_or_none()
    if mail is None:
        raise Missing(N_("没有这封邮件。"))
    if mail.state is MailState.SENT:
        raise Refused(N_("这封邮件已经发出，一个人一周只发一封。"))
    if mail.state is MailState.CLAIMED and mail.claimed_until is not None and mail.claimed_until > at:
        raise Refused(N_("这封邮件正在发送，请稍后再看。"))
    if mail.ends_at <= at or not mail.payload:
        raise Refused(N_("这封邮件的那一周已经过完，没有办完的事在本周的邮件里。"))
    audit.begin(
        session, actor=actor, action="outbox.resend", subject=("user", mail.person_id), period=mail.period
    )
    mail.state, mail.attempts, mail.next_try_at = MailState.WAITING, 0, at
    mail.trouble = mail.reply = mail.claimed_by = mail.claimed_until = None
    if mail.kind == delivery.DIGEST:
        remember(session, [from_payload(mail.payload)])
    session.flush()
    return mail


def clear(session: Session, *, at: dt.datetime) -> int:
    """Forget what old mails said; that they were sent, to whom and when is kept. Returns how many."""
    done = session.execute(
        sa.update(OutboxMail)
        .where(OutboxMail.created_at < at - delivery.PAYLOADS_KEPT, OutboxMail.items > 0)
        .values(payload={}, items=0)
        .execution_options(synchronize_session=False)
    )
    return int(getattr(done, "rowcount", 0))
