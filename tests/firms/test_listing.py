"""The list of firms: the URL is the filter, paging loses nothing, and the number of statements does not grow."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from crm.accounts.models import Unit, User
from crm.accounts.rules import UnitKind
from crm.core import audit, lists
from crm.core.db import db
from crm.core.lists import exporting
from crm.core.permissions import system
from crm.core.transaction import commit
from crm.firms import actions, queries
from crm.firms.models import Firm, YearFigures
from crm.firms.rules.words import LeadingIndustry
from tests import people

TODAY = dt.date(2026, 11, 23)
ROBOT = system("tests")


def enter(session: Session, first: int, count: int) -> list[int]:
    """Firms with distinct officers, streets and units."""
    audit.begin(session, actor=ROBOT, action="tests.firms")
    ids: list[int] = []
    for n in range(first, first + count):
        unit = Unit(
            name=f"第{n}街道", short_name=f"街{n}", kind=UnitKind.STREET, starts_on=dt.date(2015, 1, 1)
        )
        session.add(unit)
        session.flush()
        user = User(
            username=f"officer{n}",
            username_key=f"officer{n}",
            name=f"专员{n}",
            unit_id=unit.id,
            password_hash="!",
        )
        session.add(user)
        session.flush()
        firm = actions.register(
            session, actor=ROBOT, today=TODAY, name=f"温州第{n:03d}精密机械有限公司", street_id=unit.id, officer_id=user.id,
            registered_on=None if n % 3 == 0 else dt.date(2000 + n % 20, 1, 1),
            leading_industry=LeadingIndustry.SMART_EQUIPMENT if n % 2 else LeadingIndustry.OTHER,
        )  # fmt: skip
        ids.append(firm.id)
    commit(session)
    return ids


@contextmanager
def statements(app: Flask) -> Iterator[list[str]]:
    """The statements sent while the block runs."""
    seen: list[str] = []

    def listen(_c: object, _cursor: object, statement: str, *_: object) -> None:
        if not statement.startswith("BEGIN"):
            seen.append(statement)

    with app.app_context():
        engine = db.engine
    sa.event.listen(engine, "before_cursor_execute", listen)
    try:
        yield seen
    finally:
        sa.event.remove(engine, "before_cursor_execute", listen)


@pytest.mark.parametrize(
    "address", ["/firms", "/firms?q=精密", "/firms?sort=name&industry=smart-equipment", "/firms/import"]
)
def test_twice_the_firms_cost_no_more_statements(app: Flask, client: FlaskClient, address: str) -> None:
    with app.app_context():
        enter(db.session(), 0, 4)
        db.session.remove()
    people.sign_in(client, people.SCIENCE)
    client.get(address)
    with statements(app) as few:
        assert client.get(address).status_code == 200
    with app.app_context():
        enter(db.session(), 4, 8)
        db.session.remove()
    with statements(app) as many:
        assert client.get(address).status_code == 200
    assert len(many) == len(few)
    assert len(many) <= 12, "\n".join(x[:150].replace(chr(10), " ") for x in many)


def test_a_record_costs_at_most_twelve_statements_however_much_it_holds(
    app: Flask, client: FlaskClient
) -> None:
    with app.app_context():
        session = db.session()
        firm_id = enter(session, 0, 1)[0]
        db.session.remove()
    people.sign_in(client, people.SCIENCE)
    client.get(f"/firms/{firm_id}")
    with statements(app) as few:
        client.get(f"/firms/{firm_id}")
    with app.app_context():
        session = db.session()
        firm = queries.get_firm(session, firm_id, viewer=ROBOT)
        for year in range(2010, 2026):
            actions.set_figures(
                session, firm, actor=ROBOT, today=TODAY, year=year, source="x", figures={"tax_yuan": 1}
            )
            actions.save_contact(session, firm, actor=ROBOT, name=f"人{year}")
        commit(session)
        db.session.remove()
    with statements(app) as many:
        assert client.get(f"/firms/{firm_id}").status_code == 200
    assert len(many) == len(few)
    assert len(many) <= 12, "\n".join(x[:150].replace(chr(10), " ") for x in many)


@pytest.mark.parametrize("sort", ["-updated", "updated", "name", "-name", "registered", "-registered"])
def test_paging_forth_and_back_shows_every_firm_once(session: Session, sort: str) -> None:
    ids = enter(session, 0, 17)
    forth: list[int] = []
    args = {"sort": sort}
    pages: list[list[int]] = []
    for _ in range(10):
        wanted = queries.LIST.asked(args)
        found = lists.read(session, queries.LIST, wanted, ROBOT, 5)
        page = found.page
        assert (found.total, found.is_capped) == (17, False)
        pages.append([row.id for row in page.rows])
        assert page.first == len(forth) + 1
        forth += pages[-1]
        if page.after is None:
            break
        args = {"sort": sort, "after": page.after}
    assert sorted(forth) == sorted(ids)
    back = page.before
    for expected in reversed(pages[:-1]):
        page = lists.read(
            session, queries.LIST, queries.LIST.asked({"sort": sort, "before": back or ""}), ROBOT, 5
        ).page
        assert [row.id for row in page.rows] == expected
        back = page.before
    assert back is None


def test_firms_without_a_date_come_last_in_both_directions(session: Session) -> None:
    enter(session, 0, 7)
    for sort in ("registered", "-registered"):
        page = lists.read(session, queries.LIST, queries.LIST.asked({"sort": sort}), ROBOT).page
        known = [row.registered is not None for row in page.rows]
        assert known == sorted(known, reverse=True)


def test_nonsense_in_the_address_is_dropped_never_an_error(app: Flask, client: FlaskClient) -> None:
    people.sign_in(client, people.SCIENCE)
    nasty = [
        "'",
        "' OR 1=1--",
        "{{7*7}}",
        "\x00",
        "９" * 30,
        "-1",
        "2147483648",
        "9" * 40,
        "%",
        "a" * 3000,
        "../..",
        "<b>",
    ]
    for text in nasty:
        for key in (
            "q",
            "sort",
            "industry",
            "street",
            "officer",
            "status",
            "size",
            "above",
            "from",
            "code",
            "after",
            "before",
            "columns",
            "stage",
            "archived",
        ):
            response = client.get(f"/firms?{key}={quote(text)}")
            assert response.status_code == 200, (key, text)


def test_sort_and_filter_keys_are_whitelists() -> None:
    wanted = queries.LIST.asked({"sort": "password_hash", "evil": "1", "columns": "password_hash,street"})
    assert wanted.sort_key == "-updated"
    assert wanted.conditions == {}
    assert wanted.columns == ("street",)


def test_counting_stops_at_the_cap(session: Session) -> None:
    enter(session, 0, 6)
    ids = sa.select(Firm.id)
    assert lists.count(session, ids, cap=5) == (5, True)
    assert lists.count(session, ids, cap=6) == (6, False)


def test_filters_find_what_they_say(session: Session) -> None:
    enter(session, 0, 6)
    actions.register(
        session, actor=ROBOT, today=TODAY, name="浙江没有街道有限公司", code="91110000600037341L"
    )
    commit(session)

    def found(**args: str) -> int:
        return lists.read(session, queries.LIST, queries.LIST.asked(args), ROBOT).total

    assert found() == 7
    assert found(industry="smart-equipment") == 3
    assert found(street="none") == 1
    assert found(code="yes") == 1
    assert found(q="精密") == 6
    assert found(q="zjmyjd") == 1
    assert found(status="moved-out") == 0
    assert found(**{"from": "2001-01-01", "until": "2001-12-31"}) == 1
    assert found(archived="yes") == 0


def test_administrators_find_no_firm_at_all(session: Session) -> None:
    enter(session, 0, 2)
    for person in (people.SYSTEM_ADMIN, people.SECURITY_ADMIN, people.AUDITOR, people.STRANGER):
        viewer = people.actor(session, person)
        assert lists.read(session, queries.LIST, queries.LIST.asked({}), viewer).total == 0
        assert queries.search(session, "温州", viewer) == []


def test_a_reporter_exports_only_the_own_streets_firms(session: Session) -> None:
    enter(session, 0, 3)
    actions.register(
        session, actor=ROBOT, today=TODAY, name="海城有限公司", street_id=people.unit_id(session, "海城")
    )
    commit(session)
    reporter = people.actor(session, people.REPORTER)
    wanted = queries.LIST.asked({})
    taken = exporting.taken(session, queries.LIST, wanted, reporter)
    assert (taken.count, taken.withheld) == (1, 3)
    rows = [row.name for chunk in lists.every(session, queries.LIST, wanted, taken.ids) for row in chunk]
    assert rows == ["海城有限公司"]
    everything = exporting.taken(session, queries.LIST, wanted, ROBOT)
    assert (everything.count, everything.withheld) == (4, 0)
    chunks = lists.every(session, queries.LIST, wanted, everything.ids, chunk=2)
    assert [len(chunk) for chunk in chunks] == [2, 2]


def test_figures_are_no_column_of_the_list(session: Session) -> None:
    """What is scoped (figures, contacts) must not slip into a list everybody sees."""
    names = {column.key for column in queries.COLUMNS}
    assert not names & set(YearFigures.__table__.columns.keys()) - {"id"}
