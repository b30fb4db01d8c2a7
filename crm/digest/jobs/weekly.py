"""The week's run: what is true today for everybody, written into the outbox a part at a time.

A part is one short transaction with what it tells once; a run that dies half way goes on where it stopped, since
whoever has a mail of the week is left out.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from crm.core import transaction
from crm.core.clock import local
from crm.core.jobs import TIDY, Context, Timing, handler
from crm.core.mail import FOLDER
from crm.core.words import N_, Refused
from crm.digest.actions import outbox
from crm.digest.jobs.claiming import end_late
from crm.digest.queries import compose, due_now, next_at
from crm.digest.queries.calendar import send_day
from crm.digest.rendering import site_url
from crm.digest.rules.delivery import DIGEST, PAYLOADS_KEPT
from crm.digest.rules.letters import Letter
from crm.digest.rules.week import Week, week_of

KIND = "digest.weekly"
PART = 500  # people a transaction


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run does: the letters of `day` for `week`, whose mail goes out on `sent_on` (None: not at all)."""

    week: Week
    day: dt.date
    sent_on: dt.date | None

    @property
    def is_due(self) -> bool:
        return self.sent_on is not None and self.sent_on <= self.day


def plan_of(session: Session, day: dt.date) -> Plan:
    """The plan of a day somebody names."""
    week = week_of(day)
    return Plan(week, day, send_day(session, week))


def check_day(day: dt.date, today: dt.date) -> None:
    """Raises `Refused` for a day that has not come: nobody knows yet what will be true on it, and a mail written for it
    would take the place of that week's own."""
    if day > today:
        raise Refused(
            N_("%(day)s 还没有到，那天的提醒现在发不了；只看不发用 digest preview，或加 --dry-run。"),
            day=day.isoformat(),
        )


def unwritten(session: Session, plan: Plan) -> list[Letter]:
    """The letters of those who have none of this week yet."""
    there = set(outbox.written(session, DIGEST, str(plan.week)))
    return [letter for key, letter in compose(session, plan.day).items() if key not in there]


def parts(letters: Sequence[Letter]) -> Iterator[Sequence[Letter]]:
    return (letters[start : start + PART] for start in range(0, len(letters), PART))


def _period(session: Session, moment: dt.datetime) -> str | None:
    week = due_now(session, moment)
    return None if week is None else str(week)


@handler(KIND, title=N_("每周提醒"), timing=Timing(N_("每周一次"), _period, next_at), is_silent=True)
def run_week(ctx: Context) -> dict[str, Any] | None:
    """Write the week's mails into the outbox. Asked for by hand with a day, it is that day's."""
    at = ctx.clock()
    end_late(at)
    with ctx.reading() as session:
        if ctx.claimed.period is None:
            check_day(ctx.today, local(at).date())
            plan = plan_of(session, ctx.today)
        else:
            week = due_now(session, at)
            day = local(at).date()
            plan = Plan(week or week_of(day), day, day if week is not None else None)
        if not plan.is_due or ctx.claimed.period not in (None, str(plan.week)):
            return {"week": str(plan.week), "people": 0, "due": False}  # its week is over
        letters = unwritten(session, plan)
    people = 0
    for part in parts(letters):
        people += _write(ctx, part, at)
        ctx.progress(people, len(letters))
    result = {"week": str(plan.week), "people": people, "due": True}
    with ctx.writing() as session:
        ctx.commit(session, result=result)
    return result


def _write(ctx: Context, part: Sequence[Letter], at: dt.datetime) -> int:
    base = site_url()
    for is_last in (False, False, True):
        try:
            with ctx.writing() as session:
                count = outbox.put(session, part, actor=ctx.actor, at=at, base_url=base)
                ctx.commit(session)
                return count
        except (
            IntegrityError
        ):  # somebody wrote the same by hand at the same moment: whoever has a mail is left out
            if is_last:
                raise
    return 0


def clear_outbox(data: Path, at: dt.datetime) -> int:
    """Forget what old mails said, and delete those that are files."""
    limit = (at - PAYLOADS_KEPT).timestamp()
    files = [path for path in (data / FOLDER).glob("*.*") if path.stat().st_mtime < limit]
    for path in files:
        path.unlink(missing_ok=True)
    with transaction.fresh() as session:
        count = outbox.clear(session, at=at)
        transaction.commit(session)
    return count + len(files)


TIDY[:] = [*(item for item in TIDY if item.__name__ != clear_outbox.__name__), clear_outbox]
