"""A world for looking who sees what: every kind of record with every thing that can hang on one, for every person.

Everything hung on a record holds the kind's mark, a text found nowhere else, as does the record's own name. Each person
has been given a step, an item of the inbox, a mention, as if they could see the record when they were told. A new kind
of record comes in by its line in `tests/records/builders.py`.
"""

from __future__ import annotations

import datetime as dt
import io
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from crm.accounts.models import UnitHead, User
from crm.activities.actions.feeds import token_hash
from crm.activities.models import (
    Activity,
    ActivityPerson,
    ActivitySubject,
    Attachment,
    CalendarFeed,
    InboxItem,
    NextStep,
    StoredFile,
)
from crm.activities.rules.words import ActivityKind, Notice, Scan, StepState
from crm.core import audit, records
from crm.core.clock import now, today
from crm.core.files import store
from crm.core.permissions import system
from crm.core.records import SUBJECTS, RecordKind
from crm.core.transaction import commit
from crm.core.words import Missing
from tests import people
from tests.activities.contents import PDF
from tests.records.builders import BUILDERS, a_firm

ROBOT = system("tests")
WATCHERS = (*people.ONE_OF_EACH, people.SCIENCE_2, people.INVESTMENT_2)
KNOWN_BY_NAME = {
    "unit",
    "user",
    "candidate",
}  # colleagues and units are chosen from by everybody, a candidate is called like its firm: the names are no secret
PER_KIND = 3  # items of the inbox each person has of a kind: mentioned, given a step, told of the record


@dataclass
class Hung:
    """A record with what hangs on it."""

    code: str
    row_id: int
    name: str
    activity: int = 0
    joint: int = 0
    file: int = 0
    joint_file: int = 0
    closed: int = 0
    given: int = 0  # a step of somebody else
    steps: dict[str, int] = field(default_factory=dict)  # username → the step he was given

    @property
    def mark(self) -> str:
        return mark_of(self.code)


def mark_of(code: str) -> str:
    """What every text hung on a record of this kind holds."""
    return f"密语{code}甲"


@dataclass
class World:
    """The records by kind, a firm that those with a right to firms see (entries are about both), secrets of feeds."""

    hung: dict[str, Hung]
    firm_id: int
    feeds: dict[str, str]

    def seen_by(self, session: Session, who: people.Person) -> set[str]:
        """The kinds whose record this person may see, by the one function that says so."""
        viewer, seen = people.actor(session, who), set()
        for code, hung in self.hung.items():
            try:
                records.load(session, SUBJECTS[code], hung.row_id, viewer=viewer)
                seen.add(code)
            except Missing:
                continue
        return seen

    def leaks(self, text: str, seen: Collection[str]) -> list[str]:
        """The marks and names in a text of records not seen."""
        return [
            secret
            for code, hung in self.hung.items()
            if code not in seen
            for secret in (hung.mark, *([hung.name] if code not in KNOWN_BY_NAME else []))
            if secret in text
        ]


def build(session: Session) -> World:
    """Everything for everybody."""
    rows = {code: BUILDERS[code].make(session, 9000 + n) for n, code in enumerate(sorted(BUILDERS))}
    firm_id = a_firm(session, 8000).id
    audit.begin(session, actor=ROBOT, action="tests.hang")
    watchers = {who.username: people.id_of(session, who) for who in WATCHERS}
    for user_id in watchers.values():  # a head of a unit reads the steps of its people
        unit_id = session.get_one(User, user_id).unit_id
        if unit_id is not None:
            session.add(UnitHead(unit_id=unit_id, user_id=user_id, starts_on=dt.date(2020, 1, 1)))
    kept = store().store(io.BytesIO(PDF))
    stored = StoredFile(sha256=kept.sha256, size=kept.size, media_type="application/pdf", scan=Scan.CLEAN)
    session.add(stored)
    session.flush()
    hung = {
        code: _hang(session, SUBJECTS[code], row, firm_id, stored.id, watchers) for code, row in rows.items()
    }
    feeds = {username: f"{username}-secret-of-the-calendar" for username in watchers}
    for username, token in feeds.items():
        session.add(CalendarFeed(user_id=watchers[username], token_hash=token_hash(token)))
    session.flush()
    commit(session)
    for code, row in rows.items():  # an operation people may find among the recent ones
        builder, kind = BUILDERS[code], SUBJECTS[code]
        if kind.change is not None:
            editor, reason = people.actor(session, builder.editor), "按原件更正" if kind.needs_reason else ""
            audit.begin(session, actor=editor, action="record.restored", subject=(code, row.id))
            kind.change(
                session, row, actor=editor, today=today(), version=row.version, values=builder.one, reason=reason
            )  # fmt: skip
            commit(session)
    return World(hung, firm_id, feeds)


def _hang(
    session: Session, kind: RecordKind, row: Any, firm_id: int, file_id: int, watchers: dict[str, int]
) -> Hung:
    mark, day, here = mark_of(kind.code), today(), {"kind": kind.code, "subject_id": row.id}
    made = Hung(kind.code, row.id, str(getattr(row, kind.name)))
    author, other = watchers[people.SCIENCE_2.username], watchers[people.INVESTMENT_2.username]
    alone, joint = (
        Activity(kind=ActivityKind.VISIT, on=day, summary=f"{mark}{what}", author_id=author)
        for what in ("经过", "两家一起")
    )
    session.add_all([alone, joint])
    session.flush()
    made.activity, made.joint = alone.id, joint.id
    about = [(alone.id, kind.code, row.id), (joint.id, "firm", firm_id), (joint.id, kind.code, row.id)]
    session.add_all(
        ActivitySubject(activity_id=of, kind=code, subject_id=key, on=day) for of, code, key in about
    )
    on_firm = {"kind": "firm", "subject_id": firm_id, "activity_id": joint.id}
    gone = {"removed_on": day, "removed_reason": f"{mark}传错了"}
    files = [
        Attachment(**here, file_id=file_id, name=f"{mark}文件.pdf", on=day, created_by_id=author),
        Attachment(**on_firm, file_id=file_id, name=f"{mark}合影.pdf", on=day),
        Attachment(**here, **gone, file_id=file_id, name=f"{mark}旧.pdf", on=day),
    ]
    closed = NextStep(
        **here, text=f"{mark}办完的", due_on=day, owner_id=author, state=StepState.DONE, closed_on=day,
        outcome=f"{mark}结果",
    )  # fmt: skip
    steps = {
        username: NextStep(
            **here, text=f"{mark}待办", due_on=day, owner_id=user_id, given_by_id=other, is_instruction=True
        )
        for username, user_id in watchers.items()
    }
    given = [
        NextStep(**here, text=f"{mark}交办", due_on=day, owner_id=author, given_by_id=user_id)
        for user_id in watchers.values()
        if user_id != author
    ]
    session.add_all([*files, closed, *steps.values(), *given])
    session.flush()
    made.file, made.joint_file, made.closed, made.given = files[0].id, files[1].id, closed.id, given[0].id
    made.steps = {username: step.id for username, step in steps.items()}
    for username, user_id in watchers.items():
        session.add(ActivityPerson(activity_id=alone.id, user_id=user_id, is_mention=True))
        items: list[dict[str, Any]] = [
            {**here, "code": Notice.MENTION.value, "activity_id": alone.id},
            {**here, "code": Notice.INSTRUCTION.value, "step_id": steps[username].id},
            {**here, "code": Notice.FILE_REFUSED.value},
            {**on_firm, "code": Notice.MENTION.value},
        ]
        for n, item in enumerate(items):
            key, params = f"{kind.code}:{n}", {"by": f"{mark}人"}
            session.add(InboxItem(user_id=user_id, key=key, params=params, at=now(), **item))
    session.flush()
    return made


def pages(app: Flask, hung: Hung, method: str) -> Iterator[tuple[str, str]]:
    """(endpoint, address) of every route whose places can be filled with this record and what hangs on it."""
    places: dict[str, list[Any]] = {
        "kind": [hung.code], "kind_code": [hung.code], "row_id": [hung.row_id], "record_id": [hung.row_id],
        "other_id": [hung.row_id + 1], "activity_id": [hung.activity, hung.joint],
        "step_id": [hung.given, hung.closed], "attachment_id": [hung.file, hung.joint_file],
    }  # fmt: skip
    if hung.code == "project":  # its own pages are about it, too
        places["project_id"] = [hung.row_id]
    adapter = app.url_map.bind("localhost")
    for rule in app.url_map.iter_rules():
        if method in (rule.methods or ()) and rule.arguments and rule.arguments <= places.keys():
            for n in range(max(len(places[name]) for name in rule.arguments)):
                values = {name: places[name][min(n, len(places[name]) - 1)] for name in rule.arguments}
                yield rule.endpoint, adapter.build(rule.endpoint, values, method=method)


def operations(session: Session) -> dict[str, str]:
    """Kind → the operation on its record."""
    rows = session.execute(
        sa.select(audit.AuditEnvelope.subject_kind, audit.AuditEnvelope.operation).where(
            audit.AuditEnvelope.action == "record.restored"
        )
    )
    return {str(kind): operation for kind, operation in rows}


def badge(page: str) -> int:
    """The number the frame shows at the inbox."""
    found = re.search(r'class="td-dot">(\d+)', page)
    return int(found[1]) if found else 0
