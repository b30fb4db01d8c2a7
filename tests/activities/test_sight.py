"""Role × subject: nobody reads anything of a record they may not see, on any page there is.

The pages are those of the address map: what can be filled with a record, or stands without one, is visited. A place in
an address that is not known here makes `test_every_place_in_an_address_is_known` fail until it is.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from crm.activities import actions, queries
from crm.activities.actions import Planned
from crm.activities.models import Activity, InboxItem, NextStep
from crm.activities.queries import Whose
from crm.activities.rules.words import ActivityKind
from crm.core import audit
from crm.core.clock import now, today
from crm.core.permissions import system
from crm.core.transaction import commit
from crm.core.words import Refused
from crm.firms.models import Firm
from crm.firms.queries.own import last_contact
from tests import people
from tests.activities.sight import (
    PER_KIND,
    WATCHERS,
    World,
    badge,
    build,
    mark_of,
    operations,
    pages,
)
from tests.records.builders import BUILDERS, a_firm, a_sample
from tests.records.conftest import kinds
from tests.records.office import business
from tests.records.sample import Sample

__all__ = ["kinds"]
# what a person's own things, a feature's own rows or a setting stand in an address by: their features' tests look at them
ELSEWHERE = {
    "application_id", "batch_id", "candidate_id", "certification_id", "code", "contact_id", "dispute_id", "filename", "firm_id",
    "holiday_id", "institution_id", "item_id", "job_id", "key", "list_key", "mail_id", "name_id", "notice_id", "operation",
    "pair_id", "round_id", "row_no", "run_id", "section", "seq", "session_id", "sheet", "token", "unit_id",
    "user_id", "view_id", "year",
}  # fmt: skip
HERE = {
    "project_id",
    "kind",
    "kind_code",
    "row_id",
    "record_id",
    "other_id",
    "activity_id",
    "step_id",
    "attachment_id",
}
# the whole log is the auditor's to read (三员分立); it names people and records by design
JOURNAL = {"overview.audit_log", "overview.audit_export", "overview.contacts_looked"}


@pytest.fixture
def world(session: Session, kinds: None) -> World:
    made = build(session)
    session.rollback()
    return made


def test_every_place_in_an_address_is_known(app: Flask) -> None:
    for rule in app.url_map.iter_rules():
        assert rule.arguments <= ELSEWHERE | HERE, (
            f"{rule.endpoint}: can it show something of a record? fill it in sight.pages"
        )


def test_the_matrix_has_both_sides(session: Session, world: World) -> None:
    """Each kind is seen by some and not by others; the tests' own differs from person to person."""
    seen = {who: world.seen_by(session, who) for who in WATCHERS}
    for code in BUILDERS:
        assert {code in of_person for of_person in seen.values()} == {True, False}, code
    assert "sample" in seen[people.SCIENCE] & seen[people.LEADER]
    assert "sample" not in seen[people.INVESTMENT] | seen[people.FINANCE] | seen[people.SYSTEM_ADMIN]
    assert seen[people.STRANGER] == set()


def addresses(app: Flask, world: World) -> list[str]:
    """Every page that stands without a record, and those of a firm that entries on other records are about, too."""
    alone = [
        rule.rule
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ()) and not rule.arguments and rule.endpoint not in JOURNAL
    ]
    firm = [
        f"/firms/{world.firm_id}",
        f"/firms/{world.firm_id}/holdings",
        f"/ladder/firms/{world.firm_id}/panel",
    ]
    firm += [f"/records/firm/{world.firm_id}/{part}" for part in ("timeline", "files", "history")]
    asked = ["/?whose=given", "/inbox?show=later", "/search?q=密语", "/operations?work=any"]
    asked += ["/steps/all?state=any", "/steps/all?q=密语&state=any", "/steps/all?whose=given"]
    asked += [f"/steps?whose={whose.value}" for whose in Whose]
    asked += [f"/search?q={hung.name[:-1]}" for hung in world.hung.values()]
    return [*alone, *firm, *asked]


@pytest.mark.parametrize("who", WATCHERS, ids=str)
def test_no_page_shows_anything_of_a_record_not_seen(
    app: Flask, client: FlaskClient, session: Session, world: World, who: people.Person
) -> None:
    seen = world.seen_by(session, who)
    session.rollback()
    people.sign_in(client, who)
    everything = ""
    for address in addresses(app, world):
        answer = client.get(address)
        assert answer.status_code < 500, address
        if answer.mimetype in ("text/html", "text/csv"):
            assert world.leaks(answer.text, seen) == [], address
            everything += answer.text
    shown: set[tuple[str, str, int]] = set()
    for code, hung in world.hung.items():
        for endpoint, address in pages(app, hung, "GET"):
            answer = client.get(address)
            assert world.leaks(answer.get_data(as_text=True), seen) == [], address
            shown.add((code, endpoint, answer.status_code))
            if (
                code not in seen
            ):  # a function one may not use is 403, whatever the record; else it is not there
                assert answer.status_code in (403, 404), address
            assert answer.status_code < 500, address
    for code in seen:  # and the same pages show it to those who may see it
        assert {(code, "activities.timeline", 200), (code, "activities.fetch", 200)} <= shown
        assert mark_of(code) in everything
        stream = client.get(f"/records/{code}/{world.hung[code].row_id}/timeline").text
        for what in ("经过", "两家一起", "文件.pdf", "办完的", "旧.pdf"):
            assert mark_of(code) + what in stream or (what == "两家一起" and "firm" not in seen), (code, what)
    for code, operation in operations(session).items():
        answer = client.get(f"/operations/{operation}")
        assert (answer.status_code == 200) == (code in seen), code
        assert (f"/operations/{operation}" in client.get("/operations?work=any").text) == (code in seen), code
        assert world.leaks(answer.text, seen) == []


@pytest.mark.parametrize("who", WATCHERS, ids=str)
def test_every_count_is_of_what_is_seen(
    client: FlaskClient, session: Session, world: World, who: people.Person
) -> None:
    seen = world.seen_by(session, who)
    viewer, day = people.actor(session, who), today()
    is_author, is_giver = who is people.SCIENCE_2, who is people.INVESTMENT_2
    told = PER_KIND * len(seen) + (len(seen) if viewer.may("firm:read") else 0)  # the joint ones
    assert queries.count_inbox(session, viewer, today=day) == told
    assert len(queries.list_inbox(session, viewer, today=day, size=500)[0]) == told
    others = len(WATCHERS) - 1
    mine = queries.count_steps(session, viewer, whose=Whose.MINE, today=day)
    assert sum(mine.values()) == len(seen) * (1 + (others if is_author else 0))
    given = queries.count_steps(session, viewer, whose=Whose.GIVEN, today=day)
    assert sum(given.values()) == len(seen) * (0 if is_author else 1 + (others if is_giver else 0))
    due = queries.due_between(session, viewer, first=day, last=day, today=day)
    assert {line.step.kind for line in due} == seen
    assert {line.title for line in due} == {world.hung[code].name for code in seen}
    session.rollback()
    people.sign_in(client, who)
    assert badge(client.get("/inbox").text) == told
    feed = client.application.test_client().get(f"/calendar/{world.feeds[who.username]}.ics")
    lines = feed.get_data(as_text=True).replace("\r\n ", "")
    assert world.leaks(lines, seen) == []
    if viewer.may("activity:add"):
        assert lines.count("BEGIN:VEVENT") == len(due)
    else:
        assert feed.status_code == 404


@pytest.mark.parametrize("who", WATCHERS, ids=str)
def test_nothing_is_written_to_a_record_not_seen(
    app: Flask, client: FlaskClient, session: Session, world: World, who: people.Person
) -> None:
    """Uploads, removals, entries, notes, steps, restores, merges: 404, or 403 where the function itself is not his."""
    seen, done = world.seen_by(session, who), operations(session)
    before = business(session)
    people.sign_in(client, who)
    sent = {
        "version": "1",
        "summary": "x",
        "line": "x",
        "reason": "因为",
        "outcome": "办了",
        "due_on": "明天",
    }
    unseen = [hung for code, hung in world.hung.items() if code not in seen]
    for hung in unseen:
        for _endpoint, address in pages(app, hung, "POST"):
            answer = people.post(client, address, sent)
            assert answer.status_code in (403, 404), address
            assert world.leaks(answer.text, seen) == [], address
        if hung.code in done:
            assert people.post(client, f"/operations/{done[hung.code]}/undo").status_code in (403, 404)
    assert unseen
    session.expire_all()
    assert business(session) == before


def test_who_may_not_see_the_record_is_neither_mentioned_nor_given_anything(
    client: FlaskClient, session: Session, kinds: None
) -> None:
    sample, firm = a_sample(session, 1), a_firm(session, 2)
    science, finance = people.actor(session, people.SCIENCE), people.id_of(session, people.FINANCE)
    about = ("sample", sample.id)

    def log(**more: Any) -> Activity:
        values = {
            "kind": ActivityKind.VISIT,
            "on": today(),
            "summary": "看了样品",
            "subjects": [about],
            **more,
        }
        return actions.log(session, actor=science, at=now(), today=today(), **values)

    for wrong in (
        {"mentions": [finance]},
        {"mentions": [finance], "subjects": [("firm", firm.id), about]},
        {"step": Planned("送样", today(), finance)},
    ):
        with pytest.raises(Refused, match="不能查看"):
            log(**wrong)
        session.rollback()
    step = actions.plan(
        session, actor=science, at=now(), today=today(), subject=about, text="送样", due_on=today(),
        owner_id=science.user_id,
    )  # fmt: skip
    commit(session)
    with pytest.raises(Refused, match="不能查看"):
        actions.hand_over(session, step, actor=science, at=now(), today=today(), owner_id=finance)
    session.rollback()
    people.sign_in(client, people.SCIENCE)
    sent = {"kind": "visit", "on": "今天", "summary": "请 @金书瑶 看看", "version": "0"}
    answer = people.post(client, f"/records/sample/{sample.id}/log", sent)
    assert answer.status_code == 422 and "不能查看" in answer.text and "请 @金书瑶 看看" in answer.text
    assert (
        people.post(client, f"/records/sample/{sample.id}/note", {"line": "@金书瑶 看看"}).status_code == 422
    )
    session.rollback()
    assert session.scalar(sa.select(sa.func.count()).select_from(Activity)) == 0
    assert session.scalar(sa.select(sa.func.count()).select_from(InboxItem)) == 0


def test_who_may_no_longer_see_the_record_is_told_nothing_any_more(
    client: FlaskClient, session: Session, kinds: None
) -> None:
    sample = a_sample(session, 1)
    mine, giver = people.id_of(session, people.SCIENCE), people.actor(session, people.SCIENCE_2)
    entry = actions.log(
        session, actor=giver, at=now(), today=today(), kind=ActivityKind.VISIT, on=today(), summary="密语经过",
        subjects=[("sample", sample.id)], mentions=[mine], step=Planned("密语待办", today(), mine),
    )  # fmt: skip
    session.add(InboxItem(user_id=mine, key="x", code="job-done", params={"title": "导出列表"}, at=now()))
    commit(session)
    step = session.scalars(sa.select(NextStep)).one()
    outside = client.application.test_client()
    people.sign_in(client, people.SCIENCE)
    feed = people.post(client, "/week/feed", {}).text.partition("/calendar/")[2].partition(".ics")[0]
    places = ["/inbox", "/", "/steps", "/week", "/steps/all"]

    def told() -> tuple[list[str], int, int]:
        shown = [place for place in places if {"密语", "样品1"} & marks(client.get(place).text)]
        events = outside.get(f"/calendar/{feed}.ics").text.count("BEGIN:VEVENT")
        return shown, badge(client.get("/inbox").text), events

    def marks(page: str) -> set[str]:
        return {word for word in ("密语", "样品1") if word in page}

    def move(unit: str) -> None:
        session.rollback()
        audit.begin(session, actor=system("tests"), action="sample.edit")
        session.get_one(Sample, sample.id, populate_existing=True).unit_id = people.unit_id(session, unit)
        session.flush()
        commit(session)

    assert told() == (places, 3, 1)
    move("商务局")
    assert told() == ([], 1, 0), "only the job of his own is left"
    for address in (f"/activities/{entry.id}", f"/steps/{step.id}", f"/records/sample/{sample.id}/timeline"):
        assert client.get(address).status_code == 404, address
    move("科技局")
    assert told() == (places, 3, 1)


def test_the_last_day_of_contact_is_of_what_one_may_read(session: Session, kinds: None) -> None:
    """An entry about a firm and about something confidential moves the firm's last day only for those who see both."""
    firm, hidden = a_firm(session, 1), a_sample(session, 1)
    commit(session)
    science, finance = people.actor(session, people.SCIENCE), people.actor(session, people.FINANCE)
    both = [("firm", firm.id), ("sample", hidden.id)]
    for about, day in ((both[:1], today() - dt.timedelta(9)), (both, today())):
        actions.log(
            session, actor=science, at=now(), today=today(), kind=ActivityKind.VISIT, on=day, summary="看了", subjects=about
        )  # fmt: skip
    commit(session)
    last = {
        viewer.name: session.scalar(sa.select(last_contact(viewer)).where(Firm.id == firm.id))
        for viewer in (science, finance)
    }
    assert last == {science.name: today(), finance.name: today() - dt.timedelta(9)}
