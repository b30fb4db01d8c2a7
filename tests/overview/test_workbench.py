"""The workbench: what stands there for whom, and that every count opens a list of just so many."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event
from sqlalchemy.orm import Session

from crm.accounts.rules import ADMINISTRATORS, Role
from crm.core.clock import today
from crm.core.db import db
from crm.firms.queries.own import kept
from crm.overview.rules.changes import last_monday, since_of
from crm.overview.rules.workbench import BENCHES, Bench, Panel, bench_of
from crm.overview.views.panels import PANELS
from tests import people
from tests.overview.bench_cast import ROLES, morning

COUNT = re.compile(r'<a [^>]*href="([^"]*)"[^>]*data-count="(\d+)"[^>]*>.*?</a>', re.S)
# a number that counts records, written out instead of linked
BARE = re.compile(r"\d[\d,]* ?(?:件|家|张|条|批|次)")


def test_everybody_with_business_here_has_a_workbench_and_nobody_else() -> None:
    assert set(BENCHES) == set(Role) - ADMINISTRATORS
    for role, bench in BENCHES.items():
        both = (*bench.main, *bench.side)
        assert len(both) == len(set(both)), role
        assert bench.main, f"{role}: a phone would begin with what is beside"


def test_every_panel_is_shown_to_somebody_and_can_be_filled() -> None:
    used = {panel for bench in BENCHES.values() for panel in (*bench.main, *bench.side)}
    assert used == set(Panel) == set(PANELS)


def test_a_leader_sees_what_waits_first() -> None:
    bench = BENCHES[Role.LEADER]
    assert bench.main == (Panel.STEPS, Panel.INSTRUCTIONS, Panel.CLIMBED, Panel.LATE)
    assert {Panel.PROJECTS, Panel.CHANGES, Panel.FIGURES} <= set(bench.side)
    assert BENCHES[Role.SUPERVISOR].main[0] is Panel.LATE
    assert Panel.STREET_FIRMS in BENCHES[Role.REPORTER].main


def test_two_roles_share_one_workbench_without_a_panel_twice() -> None:
    bench = bench_of({Role.REPORTER.value, Role.LEADER.value})
    assert bench.main[:4] == BENCHES[Role.LEADER].main
    both = (*bench.main, *bench.side)
    assert Panel.STREET_FIRMS in bench.main and len(both) == len(set(both))
    assert bench_of(set()) == Bench((), ())


def main_of(page: str) -> str:
    """What stands between the frame's bars."""
    found = re.search(r"<main\b.*?</main>", page, re.S)
    assert found is not None
    return found[0]


def counted(page: str) -> int:
    """The number beside a list's title."""
    found = re.search(r'<span class="td-count">([\d,]+)', page)
    assert found is not None
    return int(found[1].replace(",", ""))


@pytest.mark.parametrize("whose", ["mine", "given"])
@pytest.mark.parametrize("who", ROLES, ids=str)
def test_every_count_opens_a_list_of_just_so_many(
    client: FlaskClient, session: Session, who: people.Person, whose: str
) -> None:
    morning(session)
    people.sign_in(client, who)
    shown = main_of(client.get("/", query_string={"whose": whose}).text)
    links = [(unescape(url), int(number)) for url, number in COUNT.findall(shown)]
    assert len(links) >= 12, "the page counts less than it did"
    assert sum(number > 0 for _url, number in links) >= 10
    for url, number in links:
        answer = client.get(url)
        assert answer.status_code == 200, url
        assert counted(answer.text) == number, url
    text = re.sub(r"<[^>]*>", "", COUNT.sub("#", shown))
    assert BARE.findall(text) == [], "a number that opens nothing"


@pytest.mark.parametrize("who", ROLES, ids=str)
def test_a_count_and_the_rows_of_its_list_are_as_many(
    client: FlaskClient, session: Session, who: people.Person
) -> None:
    """Not only the list's own number: the rows themselves, where they fit on one page."""
    morning(session, 21)
    people.sign_in(client, who)
    looked = 0
    for raw, number in COUNT.findall(main_of(client.get("/").text)):
        url = unescape(raw)
        if url.startswith("/steps?") or int(number) > 20:
            continue
        page = client.get(url).text
        body = re.search(r"<tbody>(.*)</tbody>", page, re.S)
        rows = page.count("/snooze") if url == "/inbox" else body[1].count("<tr") if body else 0
        assert rows == int(number), url
        looked += 1
    assert looked >= 6


@pytest.mark.parametrize("who", ROLES, ids=str)
def test_an_empty_office_has_a_workbench_too(client: FlaskClient, who: people.Person) -> None:
    people.sign_in(client, who)
    shown = main_of(client.get("/").text)
    links = COUNT.findall(shown)
    assert links and all(number == "0" for _url, number in links)
    for language in ("en", "zh"):
        people.post(client, "/language", {"language": language})
        assert client.get("/").status_code == 200


@contextmanager
def statements(app: Flask) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith(("BEGIN", "SAVEPOINT", "RELEASE", "PRAGMA")):
            seen.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


PAGES = ["/", "/changes", "/changes?kind=granted", "/steps/all?state=any", "/instructions?state=any"]


@pytest.mark.parametrize("who", ROLES, ids=str)
def test_twice_the_rows_cost_no_more_statements(
    app: Flask, client: FlaskClient, session: Session, who: people.Person
) -> None:
    """Twice the firms, each of another officer, their steps of other people."""

    def cost() -> dict[str, list[str]]:
        people.sign_in(client, who)
        found = {}
        for path in PAGES:
            if client.get(path).status_code == 403:
                continue
            with statements(app) as seen:
                assert client.get(path).status_code == 200
            found[path] = seen
        return found

    morning(session)
    few = cost()
    morning(session, start=14)
    many = cost()
    assert "/" in few and "/changes" in few
    for path, seen in many.items():
        assert len(seen) <= len(few[path]), "\n".join([path, *sorted(set(seen) - set(few[path]))[:5]])
    assert len(many["/"]) <= 60


def test_a_leader_reads_who_is_late_and_what_was_answered(client: FlaskClient, session: Session) -> None:
    morning(session)
    people.sign_in(client, people.LEADER)
    shown = main_of(client.get("/").text)
    waiting = re.search(r'aria-labelledby="instructions-h".*?</section>', shown, re.S)
    assert waiting is not None
    days = [int(day) for day in re.findall(r"逾期 (\d+) 天", waiting[0])]
    assert days == sorted(days, reverse=True) and days, "the most overdue first"
    assert people.SCIENCE.name in waiting[0] or people.FINANCE.name in waiting[0]
    assert "上周一以来已答复" in waiting[0] or "已等" in waiting[0] or "今天批示" in waiting[0]
    assert "科技局" in shown and "经济发展局" not in shown  # units by their short names
    # a supervisor watches over the instructions of others, too
    people.sign_in(client, people.SUPERVISOR)
    assert f"{people.LEADER.name} 批示" in main_of(client.get("/").text)


def test_a_reporter_sees_the_firms_of_the_own_street_alone(client: FlaskClient, session: Session) -> None:
    morning(session)
    street = people.unit_id(session, "海城")
    people.sign_in(client, people.REPORTER)
    shown = main_of(client.get("/").text)
    assert "海城的企业" in shown and f"street={street}" in shown and "沙城" not in shown
    assert f"/ladder/calendar?months=6&amp;street={street}" in shown


def test_a_firm_is_quiet_the_day_after_the_last_day_of_contact(session: Session) -> None:
    morning(session, 1)  # a visit today, of a firm the leader serves
    leader = people.actor(session, people.LEADER)
    assert kept(session, leader, quiet_from=today()).quiet == 0
    late = kept(session, leader, quiet_from=today() + dt.timedelta(1))
    assert (late.firms, late.quiet, [firm.last_on for firm in late.longest]) == (1, 1, [today()])


def test_administrators_have_no_workbench(client: FlaskClient) -> None:
    for who in (people.SYSTEM_ADMIN, people.SECURITY_ADMIN, people.AUDITOR):
        people.sign_in(client, who)
        assert client.get("/").status_code == 303
        assert client.get("/changes").status_code == 403
    people.sign_in(client, people.STRANGER)
    assert "您的账号还没有角色" in client.get("/").text


def test_news_begins_on_the_monday_of_the_week_before() -> None:
    monday = today().fromisocalendar(2026, 48, 1)
    assert [last_monday(monday.replace(day=monday.day + n)).isoformat() for n in (0, 6)] == ["2026-11-16"] * 2
    assert since_of("2026-11-20", monday).isoformat() == "2026-11-20"
    for strange in ("", "x", "2026-11-24", "9999-12-31", "２０２６-11-01"):
        assert since_of(strange, monday) == last_monday(monday)
    assert since_of("0001-01-01", monday).isoformat() == "2025-11-22"
