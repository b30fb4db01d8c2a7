"""What goes out: to me, and to those I may see it for; on any day, with the reason of every line."""

from __future__ import annotations

import datetime as dt
from typing import Any

from flask import Response, abort, flash, render_template, request

from crm.core.clock import local, now, today
from crm.core.db import db
from crm.core.downloads import to_save
from crm.core.i18n import gettext, say
from crm.core.mail import one_line
from crm.core.permissions import needs
from crm.core.transaction import commit
from crm.core.web import actor, back_to
from crm.core.words import Refused
from crm.digest.actions import outbox
from crm.digest.queries import calendar, compose, next_at
from crm.digest.queries.previewing import find_people, get_reader, people, seen_by
from crm.digest.rendering import Mail, lines_of, mute_links, render, site_url
from crm.digest.rules.letters import Letter
from crm.digest.rules.week import week_of
from crm.digest.views.blueprint import bp

SHORT = 15  # people a menu may hold without a search beside it
READERS = ("firm:read", "project:read")


def _day(text: str, otherwise: dt.date) -> dt.date:
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        return otherwise
    return day if 2000 <= day.year <= 2100 else otherwise


def _asked() -> tuple[dt.date, int, str]:
    """The day and the person of the address. Raises `Missing` for one whose letter may not be seen."""
    viewer, day = actor(), _day(request.values.get("day", ""), today())
    raw = request.values.get("person", "")
    if not raw.isascii() or not raw.isdigit() or len(raw) > 17:
        if raw:
            abort(404)
        raw = str(viewer.user_id)
    person_id, name = get_reader(db.session(), int(raw), viewer=viewer, day=today())
    return day, person_id, name


def _letter(day: dt.date, person_id: int) -> tuple[Letter | None, int]:
    """The whole letter as far as I may see it, and how many of its lines I may not; None for an empty one."""
    session = db.session()
    letter = compose(session, day, [person_id], is_whole=True).get(person_id)
    if letter is None:
        return None, 0
    return seen_by(session, letter, actor())


def _mail(letter: Letter) -> Mail:
    """The mail as it is sent. What mutes a group is its reader's alone: nobody else is given the links."""
    base = site_url()
    is_mine = letter.person_id == actor().user_id
    return render(letter.cut(), base, mute_links(letter.person_id, base) if is_mine else None)


@bp.get("/digest")
@needs(*READERS)
def show() -> Any:
    """The letter of a day as it goes out, and why each line is there."""
    session, viewer = db.session(), actor()
    day, person_id, name = _asked()
    letter, withheld = _letter(day, person_id)
    week, mail = week_of(day), _mail(letter) if letter is not None else None
    upcoming, asked_for = next_at(session, now()), one_line(request.args.get("q", ""), 60)
    readers = people(session, viewer, today())
    return render_template(
        "digest/show.html",
        day=day,
        person_id=person_id,
        name=name,
        is_me=person_id == viewer.user_id,
        people=readers,
        is_long=len(readers) > SHORT,
        q=asked_for,
        found=find_people(session, viewer, today(), asked_for) if asked_for else [],
        letter=letter,
        groups=[(group, lines_of(group, is_whole=True)) for group in letter.groups] if letter else [],
        mail=mail,
        withheld=withheld,
        week=week,
        sent_on=calendar.send_day(session, week),
        unknown=calendar.years_unknown(session, week),
        upcoming=local(upcoming) if upcoming else None,
        may_copy=True,
    )


@bp.get("/digest/mail.html")
@needs(*READERS)
def html() -> Any:
    """The HTML part as a file, byte for byte: shown by a mail program, never as a page of this site."""
    day, person_id, _name = _asked()
    letter, _withheld = _letter(day, person_id)
    if letter is None:
        abort(404)
    response = Response(_mail(letter).html, content_type="application/octet-stream")
    return to_save(response, f"tidui-{letter.week}.html")


@bp.post("/digest/copy")
@needs(*READERS)
def copy() -> Any:
    """Send me what this person gets, as far as I may see it."""
    day, person_id, _name = _asked()
    letter, _withheld = _letter(day, person_id)
    if letter is None:
        abort(404)
    try:
        said = outbox.copy(db.session(), letter.cut(), actor=actor(), at=now(), base_url=site_url())
        commit()
        flash(say(said), "done")
    except Refused as refused:
        db.session.rollback()
        flash(say(refused), "error")
    return back_to("digest.show", day=day.isoformat(), person=person_id)


@bp.get("/digest/panel")
@needs(*READERS)
def panel() -> Any:
    """What the inbox shows of it: today's groups with their first lines."""
    viewer, day = actor(), today()
    letter = compose(db.session(), day, [viewer.user_id or 0]).get(viewer.user_id or 0)
    groups = [(group, lines_of(group, is_whole=True)[:3]) for group in letter.groups] if letter else []
    return render_template(
        "digest/_panel.html", letter=letter, groups=groups, day=day, label=gettext("每周提醒")
    )
