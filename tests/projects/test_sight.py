"""Who sees which project: one written table (`sight.SEES`), and every surface agrees with it and with `visible_to`."""

from __future__ import annotations

import csv
import io

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from crm.activities import actions as entries
from crm.activities.actions import Planned
from crm.activities.models import Activity, InboxItem, NextStep
from crm.activities.rules.words import ActivityKind
from crm.core.clock import now, today
from crm.core.transaction import commit
from crm.core.words import Refused
from crm.projects import actions, queries
from crm.projects.models import Project
from crm.projects.rules.words import Confidentiality
from tests import people
from tests.activities.sight import badge
from tests.people import Person
from tests.projects.cast import ROBOT, a_lead, a_team
from tests.projects.sight import CHIEF, HIRED, SEES, TEAM, UNIT, ZONE, World, alone, build, hire, of
from tests.records.office import business

# pages that show every project there is to those who see it, by the word they are asked
STREAMS = [
    "/projects", "/projects?state=active", "/projects/board", "/steps", "/inbox", "/week", "/steps/all?state=any",
    "/search?q=密语",
]  # fmt: skip
# pages of a project that whoever sees it may open
SHOWING = {
    "projects.show", "projects.payments", "projects.holding_panel", "projects.counting", "activities.timeline",
    "activities.files", "activities.fetch", "overview.record_history", "overview.operation",
}  # fmt: skip
# one for each way of seeing: these open every page there is, and try every write
THOROUGH = (people.INVESTMENT_2, people.SCIENCE_2, people.READ_ONLY, people.AUDITOR)


@pytest.fixture
def world(session: Session) -> World:
    made = build(session)
    session.rollback()
    return made


def test_the_table_is_what_visible_to_says(session: Session, world: World) -> None:
    for who, levels in SEES.items():
        rows = session.scalars(
            sa.select(Project.confidentiality).where(queries.visible_to(people.actor(session, who)))
        )
        assert {row.value for row in rows} == levels, who
    assert set(map(frozenset, SEES.values())) == {
        frozenset(), frozenset({ZONE}), frozenset({ZONE, UNIT}), frozenset({ZONE, UNIT, TEAM}),
    }  # fmt: skip


@pytest.mark.parametrize("who", SEES, ids=lambda who: who.username)
def test_every_surface_shows_just_what_the_table_says(
    app: Flask, client: FlaskClient, session: Session, world: World, who: Person
) -> None:
    _walk(app, client, session, world, who)


def _walk(app: Flask, client: FlaskClient, session: Session, world: World, who: Person) -> None:
    """All pages there are, as one person."""
    seen, reads = SEES[who], people.actor(session, who).may("project:read")
    session.rollback()
    people.sign_in(client, who)
    for level, hung in world.projects.items():
        ok: set[str] = set()
        for endpoint, address in of(app, hung, "GET"):
            if level in seen and endpoint not in SHOWING:
                continue
            answer = client.get(address)
            body = answer.get_data(as_text=True)
            assert answer.status_code < 500, (who, address)
            assert world.shown(body) <= seen, (who, address)
            if level not in seen:
                assert answer.status_code in (403, 404), (who, address)
            if answer.status_code == 200:
                ok.add(endpoint)
        missing = SHOWING - ok if level in seen else SHOWING & ok
        assert not missing, (who, level)
    firm = world.firm_id
    for address in (f"/firms/{firm}/projects", f"/records/firm/{firm}/timeline"):
        answer = client.get(address)
        assert answer.status_code in ((200,) if reads else (403, 404)), address
        if answer.status_code == 200:
            assert world.shown(answer.text) == seen, (who, address)
    everywhere = alone(app) if who in THOROUGH else ["/", "/changes", "/steps?whose=given", "/operations"]
    for address in [
        *everywhere,
        "/operations?work=any",
        "/firms?q=密语",
        "/?whose=given",
        "/inbox?show=later",
    ]:
        answer = client.get(address)
        assert answer.status_code < 500, (who, address)
        if answer.mimetype in ("text/html", "text/csv", "application/json"):
            assert world.shown(answer.get_data(as_text=True)) <= seen, (who, address)
    for address in STREAMS:
        answer = client.get(address)
        if answer.status_code == 200:
            assert world.shown(answer.text) == seen, (who, address)
        else:
            assert not seen or who is people.READ_ONLY, address
    for level in world.projects:  # asked for by its own word
        assert world.shown(client.get(f"/search?q=密语{level}").text) <= seen
        palette = client.get(f"/search?q=密语{level}", headers={"X-Palette": "1"}).text
        hung = world.projects[level]
        assert (f'"/projects/{hung.id}"' in palette) == (level in seen), (who, level)
    put_in_charge = len(world.projects) if who in (CHIEF, people.SCIENCE, people.REPORTER) else 0
    assert badge(client.get("/inbox").text) == 2 * len(seen) + put_in_charge, who
    rail = client.get("/search", headers={"X-Palette": "1"}).text  # the recent ones
    assert world.shown(rail) == seen


def test_an_export_holds_no_row_that_is_not_seen(client: FlaskClient, world: World) -> None:
    for who in SEES:
        _export(client, world, who)


def _export(client: FlaskClient, world: World, who: Person) -> None:
    people.sign_in(client, who)
    sent = {"all": "1", "filter": "", "format": "csv"}
    answer = people.post(client, "/lists/projects/export", sent)
    if not SEES[who] or who is people.READ_ONLY:
        assert answer.status_code in (403, 404)
        return
    shown = world.shown(answer.get_data(as_text=True))
    assert answer.status_code in (200, 302, 303) and shown <= SEES[who]
    if answer.status_code == 200:
        assert len(list(csv.reader(io.StringIO(answer.get_data(as_text=True))))) == 1 + len(shown)
    for hung in world.projects.values():  # and not by ticking an id one does not see
        ticked = people.post(client, "/lists/projects/export", {"ids": hung.id, "format": "csv"})
        assert world.shown(ticked.get_data(as_text=True)) <= SEES[who]


def test_nothing_is_written_to_a_project_not_seen(
    app: Flask, client: FlaskClient, session: Session, world: World
) -> None:
    before = business(session)
    for who in THOROUGH:
        _write(app, client, world, who)
    after = business(session)
    for table in (before.keys() | after.keys()) - {"bulk_runs"}:  # the question itself is kept
        assert after.get(table) == before.get(table), table


def _write(app: Flask, client: FlaskClient, world: World, who: Person) -> None:
    people.sign_in(client, who)
    sent = {
        "version": "1", "summary": "x", "line": "x", "reason": "因为这样", "outcome": "办了", "due_on": "明天",
        "stage": "lead", "state": "lost", "on": today().isoformat(), "name": "x", "step": "x",
    }  # fmt: skip
    for level in world.projects.keys() - SEES[who]:
        for _endpoint, address in of(app, world.projects[level], "POST"):
            answer = people.post(client, address, sent)
            assert answer.status_code in (403, 404), (who, address)
            assert world.shown(answer.get_data(as_text=True)) <= SEES[who], (who, address)
        ticked = {"ids": world.projects[level].id, "verb": "set", "set": "chain_role:fill"}
        run = people.post(client, "/lists/projects/bulk", ticked, follow_redirects=True)
        assert world.shown(run.text) <= SEES[who]


def secret(session: Session, level: Confidentiality = Confidentiality.TEAM) -> Project:
    return a_lead(session, 1, today=today(), at=now(), name="密语产线", confidentiality=level)


@pytest.mark.parametrize("level", [Confidentiality.UNIT, Confidentiality.TEAM])
def test_who_cannot_see_the_project_is_neither_mentioned_nor_given_a_step(
    client: FlaskClient, session: Session, level: Confidentiality
) -> None:
    project = secret(session, level)
    officer, outsider = people.actor(session, people.INVESTMENT), people.id_of(session, people.FINANCE)
    about, count = ("project", project.id), sa.select(sa.func.count())
    kept = session.scalar(count.select_from(NextStep))
    common = {
        "kind": ActivityKind.VISIT, "on": today(), "summary": "看了厂房", "subjects": [about], "at": now(),
        "today": today(),
    }  # fmt: skip
    for wrong in ({"mentions": [outsider]}, {"step": Planned("送方案", today(), outsider)}):
        with pytest.raises(Refused, match="不能查看"):
            entries.log(session, actor=officer, **common, **wrong)  # type: ignore[arg-type]
        session.rollback()
    people.sign_in(client, people.INVESTMENT)
    base = f"/records/project/{project.id}"
    for address, sent in (
        (f"{base}/log", {"kind": "visit", "on": "今天", "summary": "请 @金书瑶 看看"}),
        (f"{base}/note", {"line": "@金书瑶 看看"}),
        (f"{base}/steps/new", {"step": "请 @金书瑶 看看", "due_on": "明天"}),
    ):
        answer = people.post(client, address, sent)
        assert answer.status_code == 422 and "不能查看" in answer.text, address
        assert "@金书瑶 看看" in answer.text, address
    session.rollback()
    assert session.scalar(count.select_from(Activity)) == 0
    assert session.scalar(count.select_from(InboxItem)) == 0
    assert session.scalar(count.select_from(NextStep)) == kept


PLACES = ["/projects", "/projects/board", "/inbox", "/", "/steps", "/week", "/search?q=密语"]


@pytest.mark.parametrize("role", ["leader", "liaison", "agent"])
def test_after_a_handover_who_left_a_team_only_project_finds_it_nowhere(
    client: FlaskClient, session: Session, role: str
) -> None:
    hire(session)
    project = secret(session)
    project_id = project.id
    for one in (people.SCIENCE_2, people.FINANCE):
        team = a_team(session, CHIEF, "科技局", people.SCIENCE, people.REPORTER)
        place = f"{role}_id"
        team = type(team)(
            **{**{name: getattr(team, name) for name in team.__slots__}, place: people.id_of(session, one)}
        )
        actions.appoint(
            session, project, actor=ROBOT, today=today(), team=team, on=today(), reason="专班调整"
        )
        commit(session)
        if one is people.SCIENCE_2:
            entries.log(
                session, actor=people.actor(session, people.INVESTMENT), at=now(), today=today(), kind=ActivityKind.VISIT,
                on=today(), summary="密语经过", subjects=[("project", project_id)],
                mentions=[people.id_of(session, one)], step=Planned("密语待办", today(), people.id_of(session, one)),
            )  # fmt: skip
            commit(session)
            people.sign_in(client, one)
            assert client.get(f"/projects/{project_id}").status_code == 200
            assert [
                place for place in PLACES if "密语" in client.get(place).text.replace("?q=密语", "")
            ] == PLACES
    people.sign_in(client, people.SCIENCE_2)
    assert client.get(f"/projects/{project_id}").status_code == 404
    for address in ("timeline", "history", "files"):
        assert client.get(f"/records/project/{project_id}/{address}").status_code == 404, address
    for place in [place for place in PLACES if "?q" not in place]:
        assert "密语" not in client.get(place).text, place
    assert f"/projects/{project_id}" not in client.get("/search?q=密语", headers={"X-Palette": "1"}).text
    assert badge(client.get("/inbox").text) == 0


def test_the_cast_of_the_table_is_whole() -> None:
    assert set(people.ONE_OF_EACH) | set(HIRED) <= SEES.keys()
