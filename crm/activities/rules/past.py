"""What a row of an old follow-up sheet says, and what becomes of it: whose it was, and whether its step still stands.

What has no place of its own any more (companions nobody knows, steps gone by) is written into the entry's text, each on
a line that `bases` knows again, so that the same row is recognised on another day. Pure.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from crm.activities.rules.entries import check_happened, check_summary
from crm.activities.rules.steps import check_due, check_text
from crm.activities.rules.words import ActivityKind
from crm.core.folding import fold
from crm.core.words import N_, Message, Refused

MOST_PEOPLE = 20
ALONG, STEP = "同去：", "下一步："  # stored text, in the language of the sheets; never translated

_USUAL: Mapping[ActivityKind, tuple[str, ...]] = {
    ActivityKind.VISIT: ("走访", "拜访", "走访企业", "上门", "上门服务", "上门走访", "实地走访", "走访调研", "调研", "实地调研",
                         "下企业", "入企", "入企服务", "服务企业", "回访", "visit"),
    ActivityKind.CALL: ("电话", "来电", "去电", "通话", "电话沟通", "电话联系", "电话回访", "电联", "call", "phone"),
    ActivityKind.MEETING: ("会议", "座谈", "座谈会", "会商", "会谈", "洽谈", "面谈", "约谈", "协调会", "专题会", "来访",
                           "meeting"),
    ActivityKind.INSPECTION: ("考察", "参观", "外出考察", "赴外考察", "接待考察", "inspection"),
    ActivityKind.NOTE: ("记事", "记录", "备注", "其他", "其它", "微信", "短信", "邮件", "线上", "note", "other"),
}  # fmt: skip
KINDS = {fold(word): kind for kind, words in _USUAL.items() for word in words}
_INSTRUCTIONS = ("批示", "指示", "instruction")
_BETWEEN = re.compile(r"[、,，;；/\n]+")
_BESIDE = (re.compile(r"(.+?)[(（](.+?)[)）]?"), re.compile(r"(.+?)[·\s]+(.+)"))  # a person and a unit


def read_kind(text: str) -> ActivityKind:
    """What kind of entry a word means; of several (走访、座谈) the first. Raises `Refused`."""
    words = [word for part in _BETWEEN.split(text) if (word := fold(part).strip())]
    if any(word in map(fold, _INSTRUCTIONS) for word in words):
        raise Refused(N_("批示不能导入：批示要由批示的人记，并交给一个人答复。可以改成记事。"))
    found = [KINDS[word] for word in words if word in KINDS]
    if not words or len(found) != len(words):
        known = [Message(kind.label) for kind in ActivityKind if kind is not ActivityKind.INSTRUCTION]
        raise Refused(N_("「%(shown)s」不在这些里面：%(known)s。"), shown=text[:40], known=known)
    return found[0]


def split_people(text: str) -> list[str]:
    """Several names in one cell, each once. Raises `Refused` for one too long, or too many."""
    names = list(dict.fromkeys(name for part in _BETWEEN.split(text) if (name := " ".join(part.split()))))
    if too_long := next((name for name in names if len(name) > 60), None):
        raise Refused(N_("「%(shown)s…」不像一个人的姓名，请用顿号分开。"), shown=too_long[:20])
    if len(names) > MOST_PEOPLE:
        raise Refused(N_("有 %(count)s 个姓名，最多 %(most)s 个。"), count=len(names), most=MOST_PEOPLE)
    return names


@dataclass(frozen=True, slots=True)
class Colleague:
    """An account by its name. `is_active`: in use, and may log follow-up."""

    id: int
    name: str
    units: tuple[str, ...]  # the unit's short name and its full one
    is_active: bool


class People:
    """The accounts by the names people write, those that are no longer in use too."""

    def __init__(self, accounts: Iterable[Colleague]) -> None:
        self._by_name: dict[str, list[Colleague]] = {}
        for account in accounts:
            self._by_name.setdefault(_key(account.name), []).append(account)

    def find(self, written: str) -> Sequence[Colleague]:
        """Whom a name means: 王伟, 王 伟, 王伟（科技局）, 王伟·科技局, 科技局 王伟."""
        found = self._by_name.get(_key(written))
        pairs = [match.groups() for form in _BESIDE if (match := form.fullmatch(written.strip()))]
        for name, unit in [] if found else [*pairs, *(pair[::-1] for pair in pairs)]:
            found = found or [
                each for each in self._by_name.get(_key(name), ()) if _key(unit) in map(_key, each.units)
            ]
        return found or ()


def _key(text: str) -> str:
    return "".join(fold(text).split())


@dataclass(frozen=True, slots=True)
class Told:
    """What a row says. `answers` is who was chosen for a name that several people have: their id, 0 for none."""

    on: dt.date
    kind: ActivityKind
    summary: str
    people: Sequence[str] = ()
    their_people: str | None = None
    place: str | None = None
    step: str | None = None
    due_on: dt.date | None = None
    owner: str | None = None
    answers: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Past:
    """An entry as it is to be written. `step` is an open one, with its day and owner."""

    on: dt.date
    kind: ActivityKind
    summary: str
    author_id: int | None
    author_name: str | None
    people: tuple[int, ...]
    their_people: str | None
    place: str | None
    step: str | None = None
    due_on: dt.date | None = None
    owner_id: int | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """A name of a row that several people have: who is meant. With `may_be_none` it may be kept as a name only."""

    name: str
    people: Sequence[Colleague]
    may_be_none: bool


@dataclass(slots=True)
class Settled:
    """What becomes of a row: an entry, a question, or a refusal; `notes` are said beside it before it is written."""

    entry: Past | None = None
    question: Question | None = None
    refusal: Refused | None = None
    notes: list[Message] = field(default_factory=list)
    is_there: bool = False


class _Asked(Exception):
    def __init__(self, question: Question) -> None:
        self.question = question


def settle(told: Told, people: People, today: dt.date) -> Settled:
    """What becomes of a row, by the same rules as an entry that is typed in."""
    found = Settled()
    try:
        found.entry = _entry(told, people, today, found.notes)
    except _Asked as asked:
        found.question = asked.question
    except Refused as refusal:
        found.refusal = refusal
    return found


def _entry(told: Told, people: People, today: dt.date, notes: list[Message]) -> Past:
    check_happened(told.on, today)
    summary = check_summary(told.summary)
    whose = [(name, _who(name, told, people, may_be_none=True)) for name in told.people]
    unknown = [name for name, person in whose if person is None]
    if not whose:
        notes.append(Message(N_("没有写走访人：不记作者。")))
    elif unknown:
        notes.append(Message(N_("在用的同事里没有「%(names)s」，只记名字。"), {"names": "、".join(unknown)}))
    author_name, author_id = whose[0] if whose else (None, None)
    along = [name for name, person in whose[1:] if person is None]
    lines = [ALONG + "、".join(along)] if along else []
    step, due_on, owner_id = None, None, None
    if told.step is None:
        if told.due_on is not None:
            notes.append(Message(N_("没有写下一步做什么，日期没有导入。")))
    elif told.due_on is None or told.due_on < today:
        lines.append(_gone_by(told))
        notes.append(
            Message(N_("下一步没有写日期，写进经过，不列入待办。"))
            if told.due_on is None
            else Message(N_("下一步的日期 %(day)s 已过，写进经过，不列入待办。"), {"day": told.due_on})
        )
    else:
        step, due_on = check_text(told.step), check_due(told.due_on, today)
        owner_id = _owner(told, author_id, people)
        notes.append(Message(N_("下一步列入待办：%(day)s。"), {"day": due_on}))
    return Past(
        told.on, told.kind, check_summary("\n".join([summary, *lines])), author_id, None if author_id else author_name,
        tuple(dict.fromkeys(person for _, person in whose[1:] if person not in (None, author_id))),
        told.their_people, told.place, step, due_on, owner_id,
    )  # fmt: skip


def _gone_by(told: Told) -> str:
    more = "，".join(filter(None, (told.due_on.isoformat() if told.due_on else None, told.owner)))
    return f"{STEP}{told.step}" + (f"（{more}）" if more else "")


def _who(name: str, told: Told, people: People, *, may_be_none: bool) -> int | None:
    found = people.find(name)
    active = [each for each in found if each.is_active]
    chosen = told.answers.get(name)
    if chosen is not None and (chosen in {each.id for each in active} or (chosen == 0 and may_be_none)):
        return chosen or None
    if active and len(found) > 1:  # a namesake who has left may just as well have been there
        raise _Asked(Question(name, active, may_be_none))
    return active[0].id if active else None


def _owner(told: Told, author_id: int | None, people: People) -> int:
    """Who has the open step: who is named, else the author. Raises `Refused` for nobody in use."""
    if told.owner is None:
        if author_id is None:
            raise Refused(N_("下一步还没到日子，走访人又不是在用的同事，请写明下一步由谁办。"), field="owner")
        return author_id
    owner = _who(told.owner, told, people, may_be_none=False)
    if owner is None:
        raise Refused(
            N_("下一步还没到日子，在用的同事里没有「%(name)s」，请换一位。"), name=told.owner, field="owner"
        )
    return owner


def bases(stored: str) -> set[str]:
    """The texts of a sheet that an entry may have been written from: its own, and that without the lines added."""
    lines = stored.split("\n")
    found = {stored}
    while len(lines) > 1 and lines[-1].startswith((ALONG, STEP)):
        lines.pop()
        found.add("\n".join(lines))
    return found
