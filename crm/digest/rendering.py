"""A letter as a mail: subject, plain text, HTML. The same letter gives the same bytes, whenever and wherever."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import current_app
from werkzeug.routing import MapAdapter

from crm.core import i18n
from crm.core.records import SUBJECTS
from crm.core.reminders import REMINDERS, Reminder
from crm.core.reminders import Group as GroupWord
from crm.core.sentences import unpacked
from crm.core.words import N_
from crm.digest.rules.letters import Group, Item, Letter
from crm.digest.rules.links import mute_token

NAME, TEXT = 60, 120  # characters of a name and of a sentence in a mail; the page has them whole

MuteUrl = Callable[[str], str]
"""The address that mutes a group, by its code."""


@dataclass(frozen=True, slots=True)
class Mail:
    subject: str
    text: str
    html: str


def render(letter: Letter, base_url: str, mute_url: MuteUrl | None = None) -> Mail:
    """The mail of a letter in its reader's language. `base_url` is where the office opens Tidui; `mute_url` makes
    the link under each group that may be muted (none: without links)."""
    base = base_url.rstrip("/")
    with i18n.speaking(letter.language):
        subject = i18n.gettext(
            N_("梯队每周提醒：%(n)s 件事（%(day)s）"), n=letter.count, day=letter.day.isoformat()
        )
        context: dict[str, Any] = {
            "letter": letter,
            "subject": subject,
            "groups": [_group(group, base, mute_url) for group in letter.groups],
            "page_url": base + path("digest.show", day=letter.day.isoformat()),
            "settings_url": base + path("digest.preferences"),
        }
        pages = current_app.jinja_env
        text = pages.get_template("mail/digest.txt").render(context)
        html = pages.get_template("mail/digest.html").render(context)
    return Mail(subject, text, html)


@dataclass(frozen=True, slots=True)
class Line:
    """A line in the reader's words."""

    name: str
    text: str
    why: str
    url: str
    due_on: str


@dataclass(frozen=True, slots=True)
class Block:
    """A group in the reader's words; `count` is what its head says."""

    code: str
    label: str
    count: int
    more: int
    lines: list[Line]
    mute_url: str


def _group(group: Group, base: str, mute_url: MuteUrl | None) -> Block:
    word = GroupWord(group.code)
    return Block(
        group.code, i18n.word(word), group.count, group.more, lines_of(group, base),
        mute_url(group.code) if mute_url is not None and word.can_be_muted else "",
    )  # fmt: skip


def lines_of(group: Group, base: str = "", *, is_whole: bool = False) -> list[Line]:
    """The lines of a group in the reader's words; `is_whole`: nothing cut short (on a page)."""
    known = {reminder.code: reminder for reminder in REMINDERS}
    paths = current_app.url_map.bind("localhost")
    return [_line(item, known.get(item.code), base, is_whole, paths) for item in group.items]


def _line(item: Item, reminder: Reminder | None, base: str, is_whole: bool, paths: MapAdapter) -> Line:
    params = unpacked({"text": "", "params": item.params}).params
    text = i18n.say(reminder.text, **params) if reminder is not None else ""
    why = (
        i18n.say(reminder.whys[item.why], **params)
        if reminder is not None and item.why in reminder.whys
        else ""
    )
    name = item.name if is_whole else _short(item.name, NAME)
    return Line(
        name, text if is_whole else _short(text, TEXT), why, base + link_of(item, paths),
        item.due_on.isoformat() if item.due_on is not None else "",
    )  # fmt: skip


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def link_of(item: Item, paths: MapAdapter) -> str:
    """The path of what a line is about: its own, else the record's page."""
    if item.link is not None:
        return str(paths.build(item.link[0], dict(item.link[1])))
    kind = SUBJECTS[item.kind]
    return str(paths.build(kind.endpoint, {kind.id_name: item.subject_id}))


def site_url() -> str:
    """Where the office opens Tidui: as set, else where this server listens."""
    return str(current_app.config["TIDUI"].address)


def mute_links(person_id: int, base_url: str) -> MuteUrl:
    """What makes the links of a person's mail that mute a group (`crm.digest.rules.links.ALL`: all that may be)."""
    secret, base = str(current_app.config["SECRET_KEY"]), base_url.rstrip("/")
    return lambda group: base + path("digest.mute", token=mute_token(secret, person_id, group))


def path(endpoint: str, **values: Any) -> str:
    """The path of a page, without asking which request this is: there may be none."""
    return str(current_app.url_map.bind("localhost").build(endpoint, values))
