"""Emptying the outbox: claim one mail, hand it over with nothing open, write down what became of it; and again.

One bad recipient is not the others' concern; a server that cannot be reached is: then the way rests, longer each time,
and the mails wait untouched.
"""

from __future__ import annotations

import datetime as dt
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event

import structlog
from flask import Flask, current_app
from sqlalchemy.engine import Engine

from crm.accounts.models import User
from crm.core import mail as wire
from crm.core import transaction
from crm.core.db import db
from crm.core.jobs import ROUNDS, Round
from crm.core.mail import Failure, Way
from crm.digest.jobs import claiming
from crm.digest.jobs.claiming import Taken
from crm.digest.queries.outbox import still_seen
from crm.digest.rendering import mute_links, render, site_url
from crm.digest.rules import delivery
from crm.digest.rules.delivery import DIGEST
from crm.digest.rules.letters import from_payload
from crm.digest.rules.links import ALL

log = structlog.get_logger("tidui")
EVERY = 5  # seconds between two rounds
ROUND = 80.0  # seconds a round lasts at most
KEY = "tidui_mail"


@dataclass
class Resting:
    """How the way out is: after failures in a row it rests."""

    until: float = 0.0  # of the monotonic clock
    outages: int = 0


def _resting(app: Flask) -> Resting:
    found: Resting = app.extensions.setdefault(KEY, Resting())
    return found


def send_some(
    who: str,
    clock: Callable[[], dt.datetime],
    stop: Event,
    *,
    period: str | None = None,
    seconds: float = ROUND,
) -> int:
    """One round: mails that are due, until there are none, the way is shut or time is up. Returns how many went."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    resting, engine, began, count = _resting(app), db.engine, time.monotonic(), 0
    if began < resting.until:
        return 0
    if claiming.is_late(engine, clock()):
        claiming.end_late(clock())
    config = app.config["TIDUI"]
    way, sender = wire.way_out(config.smtp_url, config.data)
    try:
        while not stop.is_set() and time.monotonic() - began < seconds:
            taken = claiming.take(engine, who, clock(), period)
            if taken is None:
                break
            went = _one(engine, way, sender, taken, who, clock)
            if went is None:
                resting.outages += 1
                resting.until = time.monotonic() + delivery.rest(resting.outages).total_seconds()
                break
            resting.outages, count = 0, count + went
    finally:
        way.close()
    return count


def _one(
    engine: Engine, way: Way, sender: str, taken: Taken, who: str, clock: Callable[[], dt.datetime]
) -> bool | None:
    """Hand one mail over. Whether it went; None when the way itself is shut."""
    try:
        file = _hand_over(way, sender, taken, clock)
    except Failure as failure:
        log.warning("mail.failed", mail=taken.id, why=failure.code, reply=failure.reply)
        if failure.code != "lost":
            claiming.failed(taken, who, clock(), failure)
        return None if failure.is_outage else False
    except Exception as error:
        log.error("mail.fault", mail=taken.id, exc_info=error)
        claiming.failed(taken, who, clock(), Failure("fault"))
        return False
    claiming.sent(engine, taken, clock(), file)
    log.info("mail.sent", mail=taken.id, kind=taken.kind)
    return True


def _hand_over(way: Way, sender: str, taken: Taken, clock: Callable[[], dt.datetime]) -> str | None:
    base = site_url()
    letter = from_payload(taken.payload)
    with transaction.fresh(write=False) as session:
        person = session.get(User, taken.person_id)
        if person is None or not person.is_active:
            raise Failure("inactive", is_final=True)
        name, address = person.name, person.email or ""
        letter = still_seen(session, letter, taken.person_id)
    if not letter.groups:
        raise Failure("nothing", is_final=True)
    if not address:
        if not isinstance(way, wire.Folder):
            raise Failure("no-address", is_final=True)
        address = f"user-{taken.person_id}@localhost"  # a file needs none
    if not wire.is_address(address):
        raise Failure("bad-address", is_final=True)
    links = mute_links(taken.person_id, base) if taken.kind == DIGEST else None
    made = render(letter, base, links)
    mail = wire.build(
        sender=sender, name=name, address=address, subject=made.subject, text=made.text, html=made.html,
        message_id=taken.message_id, at=taken.created_at, language=letter.language,
        unsubscribe=links(ALL) if links is not None else "",
    )  # fmt: skip
    spare = delivery.LEASE / 4
    return way.deliver(mail, address, lambda: clock() < taken.until - spare)


def deliver_now(clock: Callable[[], dt.datetime], period: str, *, who: str) -> Counter[str]:
    """Send what is due of a week in this process (the command). Returns how many went."""
    sent, stop = 0, Event()
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    app.extensions.pop(KEY, None)
    while True:
        went = send_some(who, clock, stop, period=period)
        sent += went
        if not went:
            return Counter(sent=sent)


ROUNDS["mail"] = Round("mail", EVERY, send_some)
