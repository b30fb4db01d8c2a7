"""What follow-up's pages cost: as many statements for twice the rows, for a firm with ten entries and with ten thousand,
and every one of them an index walk."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event
from sqlalchemy.orm import Session

from crm.accounts.models import Unit, UnitHead, User, UserRole
from crm.accounts.rules import Role, UnitKind
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
from crm.core import audit
from crm.core.clock import now, today
from crm.core.db import db
from crm.core.drafts import Draft
from crm.core.permissions import system
from crm.core.transaction import commit
from crm.firms.actions import named
from crm.firms.models import Firm
from tests import people
from tests.activities.test_pages import a_firm, statements
from tests.records.conftest import kinds

__all__ = ["kinds"]  # a kind that not everybody sees is among the conditions
ROBOT = system("tests")
TOKEN = "a-secret-of-the-calendar-of-tests"
MANY = 10_000
Asked = tuple[str, Any]


class Office:
    """People of units of their own, each with a firm of their own; everything is told to and owned by one person."""

    def __init__(self, session: Session) -> None:
        self.session, self.me = session, people.id_of(session, people.SCIENCE)
        self.first = a_firm(session, "温州首屿泵阀有限公司")
        audit.begin(session, actor=ROBOT, action="tests.office")
        self.file = StoredFile(sha256="0" * 64, size=9, media_type="application/pdf", scan=Scan.CLEAN)
        self.own_unit = people.unit_id(session, "科技局")
        session.add_all(
            [
                self.file,
                UnitHead(unit_id=self.own_unit, user_id=self.me, starts_on=dt.date(2020, 1, 1)),
                CalendarFeed(user_id=self.me, token_hash=token_hash(TOKEN)),
            ]
        )
        session.flush()
        commit(session)

    def grow(self, numbers: Sequence[int]) -> None:
        session = self.session
        session.rollback()
        audit.begin(session, actor=ROBOT, action="tests.office")
        for n in numbers:
            owner, below = self._person(n, None), self._person(100 + n, self.own_unit)
            firm = Firm(
                **named(f"温州岚屿{n:02d}泵阀有限公司"), registered_on=dt.date(2015, 3, 1), officer_id=owner,
                street_id=session.get_one(User, owner).unit_id,
            )  # fmt: skip
            session.add(firm)
            session.flush()
            for about in (firm.id, self.first):
                self._hang(n, about, owner, below, firm.id)
        commit(session)

    def _person(self, n: int, unit_id: int | None) -> int:
        session = self.session
        if unit_id is None:
            unit = Unit(
                name=f"第{n}办公室", short_name=f"{n}办", kind=UnitKind.OFFICE, starts_on=dt.date(2015, 1, 1)
            )
            session.add(unit)
            session.flush()
            unit_id = unit.id
        user = User(username=f"u{n}", username_key=f"u{n}", name=f"某{n}", password_hash="!", unit_id=unit_id)
        session.add(user)
        session.flush()
        session.add(UserRole(user_id=user.id, role=Role.INVESTMENT))
        return user.id

    def _hang(self, n: int, about: int, owner: int, below: int, other: int) -> None:
        session, day, on = self.session, today(), today() - dt.timedelta(n)
        here = {"kind": "firm", "subject_id": about}
        entry = Activity(kind=ActivityKind.VISIT, on=on, summary="看了车间", author_id=owner)
        session.add(entry)
        session.flush()
        subjects = {about, other}
        steps = [
            NextStep(**here, text=f"交给我{n}", due_on=day, owner_id=self.me, given_by_id=owner),
            NextStep(**here, text=f"我交办{n}", due_on=day, owner_id=owner, given_by_id=self.me),
            NextStep(**here, text=f"本单位{n}", due_on=day, owner_id=below),
            NextStep(**here, text=f"办完{n}", due_on=day, owner_id=owner, state=StepState.DONE, closed_on=on),
        ]
        session.add_all(
            [
                *(ActivitySubject(activity_id=entry.id, kind="firm", subject_id=key, on=on) for key in subjects),
                ActivityPerson(activity_id=entry.id, user_id=self.me, is_mention=True),
                ActivityPerson(activity_id=entry.id, user_id=below),
                *(
                    Attachment(**here, file_id=self.file.id, activity_id=key, name="照片.pdf", on=on, created_by_id=owner)
                    for key in (None, entry.id)
                ),
                *steps,
            ]
        )  # fmt: skip
        draft = Draft(
            user_id=self.me, form=f"/firms/{about}/rename/{n}", values=[], version_seen="1", updated_at=now()
        )
        session.add(draft)
        session.flush()
        items: list[dict[str, Any]] = [
            {**here, "code": Notice.MENTION.value, "activity_id": entry.id},
            {**here, "code": Notice.ASSIGNED.value, "step_id": steps[0].id},
            {**here, "code": Notice.OVERTAKEN.value, "draft_id": draft.id},
            {"code": Notice.JOB_DONE.value, "params": {"title": "导出列表", "job": n}},
        ]
        for k, item in enumerate(items):
            for put_off in (None, day + dt.timedelta(3)):
                session.add(
                    InboxItem(
                        **{"params": {"by": f"某{n}", "form": f"/firms/{about}/rename"}, **item},
                        user_id=self.me, key=f"{n}:{about}:{k}:{put_off}", at=now(), snoozed_until=put_off,
                    )
                )  # fmt: skip
        session.flush()


ADDRESSES = [
    "/", "/?whose=given", "/steps", "/steps?whose=given", "/steps?whose=unit", "/steps/all?state=any", "/inbox",
    "/inbox?show=later", "/week", f"/calendar/{TOKEN}.ics", "/firms/{firm}", "/records/firm/{firm}/timeline",
    "/records/firm/{firm}/timeline?only=contact", "/records/firm/{firm}/files",
]  # fmt: skip


def test_twice_the_rows_cost_no_more_statements(app: Flask, client: FlaskClient, session: Session) -> None:
    """Twice the firms, officers, owners, givers, authors and units: nothing is looked up row by row."""
    office = Office(session)

    def cost() -> dict[str, list[str]]:
        people.sign_in(client, people.SCIENCE)
        client.get("/")  # when the session was last seen is noted once
        found = {}
        for address in ADDRESSES:
            path = address.format(firm=office.first)
            with statements(app) as seen:
                page = client.get(path)
            assert page.status_code == 200, path
            found[address] = seen
        return found

    office.grow(range(2))
    few = cost()
    office.grow(range(2, 4))
    many = cost()
    for address, seen in many.items():
        assert len(seen) <= len(few[address]), "\n".join(
            [address, *sorted(set(seen) - set(few[address]))[:5]]
        )


@contextmanager
def listening(app: Flask) -> Iterator[list[Asked]]:
    """The statements and their parameters."""
    seen: list[Asked] = []

    def note(_conn: Any, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        if statement.startswith(("SELECT", "WITH")):
            seen.append((statement, parameters))

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


def crowd(session: Session, firm_id: int, others: int) -> None:
    """Ten thousand entries, files and closed steps on a firm, and items in an inbox (as many dismissed), and as much
    again elsewhere."""
    session.rollback()
    audit.begin(session, actor=ROBOT, action="tests.many")
    author, stamp = (
        people.id_of(session, people.SCIENCE),
        {"created_at": now(), "updated_at": now(), "version": 1},
    )
    stored = StoredFile(sha256="1" * 64, size=9, media_type="application/pdf", scan=Scan.CLEAN)
    session.add(stored)
    session.flush()
    for about, who in ((firm_id, author), (others, people.id_of(session, people.FINANCE))):
        days = [today() - dt.timedelta(n % 700) for n in range(MANY)]
        here: Mapping[str, Any] = {**stamp, "kind": "firm", "subject_id": about}
        entries = audit.insert_many(
            session, Activity,
            [{**stamp, "kind": ActivityKind.CALL, "on": day, "summary": "电话", "author_id": who} for day in days],
        )  # fmt: skip
        audit.insert_many(
            session, ActivitySubject,
            [{**here, "activity_id": key, "on": day} for key, day in zip(entries, days, strict=True)],
        )  # fmt: skip
        audit.insert_many(
            session,
            Attachment,
            [{**here, "file_id": stored.id, "name": "照片.pdf", "on": day} for day in days],
        )
        steps = audit.insert_many(
            session, NextStep,
            [
                {**here, "text": "送政策", "due_on": day, "owner_id": who, "is_instruction": False, "moves": 0,
                 "state": StepState.DONE, "closed_on": day}
                for day in days
            ],
        )  # fmt: skip
        told = [
            {
                "user_id": who, "key": f"{n}:{is_old}", "code": Notice.MENTION.value, "params": {"by": "某"}, "kind": "firm",
                "subject_id": about, "at": now(), "dismissed_at": now() if is_old else None,
                "activity_id": entries[n] if n % 2 else None, "step_id": None if n % 2 else steps[n],
            }
            for n in range(MANY)
            for is_old in (False, True)
        ]  # fmt: skip
        session.execute(sa.insert(InboxItem), told)
    commit(session)
    session.execute(sa.text("ANALYZE"))
    session.commit()


FIRM = [
    "/firms/{firm}", "/records/firm/{firm}/timeline", "/records/firm/{firm}/timeline?only=contact",
    "/records/firm/{firm}/files", "/inbox",
]  # fmt: skip
WALKED = ("inbox_items", "activity_subjects", "activities", "next_steps", "attachments")


def scans(session: Session, asked: Sequence[Asked]) -> list[str]:
    """Whole tables that the database would read for these statements."""
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    words = "EXPLAIN QUERY PLAN " if is_sqlite else "EXPLAIN "
    pattern = rf"SCAN ({'|'.join(WALKED)})\b" if is_sqlite else rf"Seq Scan on ({'|'.join(WALKED)})\b"
    found = []
    for statement, parameters in asked:
        plan = session.connection().exec_driver_sql(words + statement, parameters)
        lines = [str(row[-1]) for row in plan]
        found += [f"{line.strip()}: {statement[:160]}" for line in lines if re.search(pattern, line)]
    return found


def test_a_firm_with_ten_thousand_entries_costs_as_many_statements_as_one_with_ten(
    app: Flask, client: FlaskClient, session: Session
) -> None:
    office = Office(session)
    office.grow(range(7))  # enough that there is a next page
    other = a_firm(session, "温州别屿泵阀有限公司")

    def cost() -> dict[str, list[Asked]]:
        people.sign_in(client, people.SCIENCE)
        client.get("/")
        found, more = {}, ""
        for address in FIRM:
            path = address.format(firm=office.first)
            with listening(app) as seen:
                page = client.get(path)
            assert page.status_code == 200, path
            found[address] = seen
            if next_page := re.search(r'href="(/records/firm/\d+/timeline\?[^"]*after=[^"]+)"', page.text):
                more = next_page[1].replace("&amp;", "&")
        with listening(app) as seen:
            assert client.get(more).status_code == 200
        return found | {"more": seen}

    few = cost()
    crowd(session, office.first, other)
    many = cost()
    for address, seen in many.items():
        assert len(seen) <= len(few[address]), address  # fewer where fewer kinds of entries are on a page
        assert scans(session, seen) == [], address
