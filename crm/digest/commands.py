"""Commands of the weekly mail: what would go out."""

from __future__ import annotations

import argparse
import datetime as dt
import os
from typing import Any

from crm.accounts.queries import actor_named
from crm.core.cli import Command, Context
from crm.core.clock import now, today
from crm.core.db import db, intent
from crm.core.i18n import say, word
from crm.core.permissions import Actor
from crm.core.transaction import commit
from crm.core.words import N_, Refused
from crm.digest import actions
from crm.digest.jobs import check_day, deliver_now, parts, plan_of, unwritten
from crm.digest.queries import compose
from crm.digest.queries.calendar import send_day, years_unknown
from crm.digest.queries.outbox import counts, outage
from crm.digest.queries.previewing import get_reader, seen_by
from crm.digest.rendering import Mail, mute_links, render, site_url
from crm.digest.rules.delivery import DIGEST, MailState
from crm.digest.rules.letters import Letter
from crm.digest.rules.week import week_of


def _day(text: str) -> dt.date:
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text}: YYYY-MM-DD") from None
    if not 2000 <= day.year <= 2100:
        raise argparse.ArgumentTypeError(f"{text}: 2000–2100")
    return day


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--on", type=_day, required=True, metavar="DATE", help="哪一天 / the day, YYYY-MM-DD")
    parser.add_argument("--person", metavar="USER", help="只看发给这个账号的 / only this account's mail")


def preview(arguments: argparse.Namespace, context: Context) -> int | None:
    """What goes out on a day, to all or to one, with the reason of each line; nothing is sent or kept."""
    session, day = db.session(), arguments.on
    people = None
    if arguments.person is not None:
        found = actor_named(session, arguments.person)
        if found is None or found.user_id is None:
            raise Refused(N_("没有在用的账号「%(name)s」。"), name=arguments.person)
        people = [get_reader(session, found.user_id, viewer=context.actor, day=day)[0]]
    elif not context.actor.is_system and context.actor.user_id is not None:
        people = [context.actor.user_id]
    whole = compose(session, day, people, is_whole=True)
    shown = [seen_by(session, letter, context.actor)[0] for letter in whole.values()]
    letters = [letter.cut() for letter in shown if letter is not None]
    me = context.actor
    week = week_of(day)
    sent_on = send_day(session, week)
    if context.as_json:
        context.emit(
            {
                "week": str(week), "day": day, "sent_on": sent_on, "holidays_unknown": years_unknown(session, week),
                "letters": [_told(letter, me) for letter in letters],
            }
        )  # fmt: skip
        return None
    for letter in letters:
        context.say(_mail(letter, me).text)
    context.say(f"{len(letters)} 人有提醒 / people with a mail; {sent_on or '—'}")
    return None


def _mail(letter: Letter, viewer: Actor) -> Mail:
    """The mail as it is sent; what mutes a group is for its reader and the machine alone."""
    base, is_own = site_url(), viewer.is_system or viewer.user_id == letter.person_id
    return render(letter, base, mute_links(letter.person_id, base) if is_own else None)


def _told(letter: Letter, viewer: Actor) -> dict[str, Any]:
    mail = _mail(letter, viewer)
    return {
        **letter.to_payload(), "count": letter.count, "subject": mail.subject, "text": mail.text, "html": mail.html
    }  # fmt: skip


def _send_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--on", type=_day, required=True, metavar="DATE", help="哪一天 / the day, YYYY-MM-DD")
    parser.add_argument(
        "--dry-run", action="store_true", help="只看会发给谁，不写不发 / send and keep nothing"
    )


def send(arguments: argparse.Namespace, context: Context) -> int:
    """Write the mails of a day's week into the outbox, for who has none of it yet, and send what waits of it. A day
    that has not come is refused, but for a dry run."""
    context.actor.require("setting:manage")
    if not arguments.dry_run:
        check_day(arguments.on, today())
    session, at = db.session(), now()
    plan = plan_of(session, arguments.on)
    letters = unwritten(session, plan) if plan.is_due else []
    told: dict[str, Any] = {
        "week": str(plan.week), "day": plan.day, "sent_on": plan.sent_on, "due": plan.is_due,
        "new": len(letters), "dry_run": arguments.dry_run,
    }  # fmt: skip
    if arguments.dry_run:
        told["letters"] = [
            {"person_id": letter.person_id, "person": letter.person, "count": letter.count}
            for letter in letters
        ]
    elif plan.is_due:
        base = site_url()
        for part in parts(letters):
            actions.outbox.put(session, part, actor=context.actor, at=at, base_url=base)
            commit(session)
        session.rollback()
        db.session.remove()
        deliver_now(now, str(plan.week), who=f"cli:{os.getpid()}")
    with intent("read"):
        session = db.session()
        found = counts(session, str(plan.week), DIGEST)
        stopped = outage(session) if plan.is_due and not arguments.dry_run else None
        session.rollback()
    told["outbox"] = {state.value: found.get(state, 0) for state in MailState}
    told["problem"] = None if stopped is None else word(stopped.trouble)
    if context.as_json:
        context.emit(told)
    elif not plan.is_due:
        context.say(f"{plan.week}: {plan.sent_on or '—'}，这一天不发 / nothing goes out on this day")
    elif arguments.dry_run:
        for letter in letters:
            context.say(f"{letter.person} {letter.count}")
        context.say(
            say(N_("%(week)s：会写给 %(n)s 人，什么也没有写、没有发。"), week=str(plan.week), n=len(letters))
        )
    else:
        states = "，".join(f"{word(state)} {found[state]}" for state in MailState if found.get(state))
        context.say(f"{plan.week}: {len(letters)} 人新写入 / new; {states or '—'}")
    if stopped is not None:
        why = " ".join(part for part in (word(stopped.trouble), stopped.reply) if part)
        problem = N_("发不出去：%(why)s。%(n)s 封在等，定时进程会再试。")
        print(say(problem, why=why, n=stopped.waiting), file=context.err)
        return 1
    return 0


COMMANDS = [
    Command(("digest", "send"), "发出某一天那一周的提醒 / send the reminders of a day's week", send, _send_arguments),
    Command(
        ("digest", "preview"), "某一天会发出的提醒 / what would go out on a day", preview, _arguments, is_reading=True
    )
]  # fmt: skip
