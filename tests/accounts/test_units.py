"""Units: dated, with parents, heads and successors; never deleted."""

from __future__ import annotations

import datetime as dt
import re

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from crm.accounts import queries
from crm.accounts.actions import units as actions
from crm.accounts.models import Unit, UnitHead
from crm.accounts.rules import UnitKind
from crm.core.clock import now
from crm.core.permissions import system
from crm.core.transaction import commit
from crm.core.words import Conflict, Missing, Refused
from tests import people
from tests.people import SYSTEM_ADMIN, id_of, post, sign_in

ADMIN = system("tests")


def facts(name: str, **more: object) -> dict[str, object]:
    return {"name": name, "short_name": name[:4], "kind": UnitKind.BUREAU, "parent_id": None, "starts_on": None,
            "ends_on": None, "successor_id": None, **more}  # fmt: skip


def test_a_renamed_bureau_ends_and_has_a_successor(client: FlaskClient, session: Session) -> None:
    sign_in(client, SYSTEM_ADMIN)
    parent = str(people.unit_id(session, "管委会"))
    old = {
        "name": "国土资源局",
        "short_name": "国土局",
        "kind": "bureau",
        "parent_id": parent,
        "starts_on": "2010-01-01",
    }
    new = {
        "name": "自然资源局",
        "short_name": "资源局",
        "kind": "bureau",
        "parent_id": parent,
        "starts_on": "2019-04-01",
    }
    for form in (old, new):
        assert post(client, "/units/new", {"ends_on": "", "successor_id": "", **form}).status_code == 303
    old_id, new_id = people.unit_id(session, "国土局"), people.unit_id(session, "资源局")
    ended = {**old, "ends_on": "2019-03-31", "successor_id": str(new_id), "version": "1"}
    assert post(client, f"/units/{old_id}/edit", ended).status_code == 303
    unit = queries.get_unit(session, old_id)
    assert unit.successor is not None
    assert (unit.ends_on, unit.successor.name) == (dt.date(2019, 3, 31), "自然资源局")
    known = [
        dict(queries.unit_choices(session, on=day)) for day in (dt.date(2018, 1, 1), dt.date(2020, 1, 1))
    ]
    assert old_id in known[0] and new_id not in known[0]
    assert new_id in known[1] and old_id not in known[1]
    assert "资源局" in client.get("/units").get_data(as_text=True)


@pytest.mark.parametrize(
    "change",
    [{"name": ""}, {"short_name": ""}, {"kind": "king"}, {"starts_on": "30.2."}, {"starts_on": "2024-02-30"},
     {"starts_on": "2024-01-02", "ends_on": "2024-01-01"}, {"successor_id": "1"}, {"parent_id": "99999"},
     {"name": "科技局", "starts_on": "2015-01-01"}, {"starts_on": "0001-01-01"}],
)  # fmt: skip
def test_what_cannot_be_a_unit_is_refused(client: FlaskClient, change: dict[str, str]) -> None:
    sign_in(client, SYSTEM_ADMIN)
    good = {
        "name": "新设局",
        "short_name": "新设",
        "kind": "bureau",
        "parent_id": "",
        "starts_on": "",
        "ends_on": "",
        "successor_id": "",
    }
    assert post(client, "/units/new", {**good, **change}).status_code == 422
    assert post(client, "/units/new", good).status_code == 303


def test_a_unit_is_never_above_itself(session: Session) -> None:
    top = session.get_one(Unit, people.unit_id(session, "管委会"))
    low = people.unit_id(session, "金融办")
    for parent in (top.id, low):
        with pytest.raises(Refused):
            actions.edit(session, top, actor=ADMIN, version=None, **facts(top.name, parent_id=parent))
        session.rollback()


def test_a_unit_knows_all_that_is_under_it(session: Session) -> None:
    ids = {name: people.unit_id(session, name) for name in ("管委会", "经发局", "金融办", "科技局")}
    assert queries.unit_and_below(session, ids["经发局"]) == {ids["经发局"], ids["金融办"]}
    assert set(ids.values()) <= queries.unit_and_below(session, ids["管委会"])
    assert queries.unit_and_below(session, None) == frozenset()
    assert queries.ancestors(session, ids["金融办"]) == [ids["经发局"], ids["管委会"]]
    assert people.actor(session, people.FINANCE).unit_ids == {ids["金融办"]}


def test_heads_are_dated_without_gap_or_overlap(session: Session) -> None:
    unit = session.get_one(Unit, people.unit_id(session, "科技局"))
    first, second = id_of(session, people.SCIENCE), id_of(session, people.SCIENCE_2)
    days = [dt.date(2024, 1, 1), dt.date(2025, 6, 1)]
    for who, day in zip((first, second), days, strict=True):
        actions.name_head(session, unit, actor=ADMIN, version=None, user_id=who, on=day, at=now())
        commit(session)
    for day, name in [(days[0], people.SCIENCE.name), (dt.date(2025, 5, 31), people.SCIENCE.name),
                      (days[1], people.SCIENCE_2.name), (dt.date(2030, 1, 1), people.SCIENCE_2.name)]:  # fmt: skip
        head = queries.head_on(session, unit.id, day)
        assert head is not None and head.name == name
    assert queries.head_on(session, unit.id, dt.date(2023, 12, 31)) is None
    with pytest.raises(Refused):
        actions.name_head(session, unit, actor=ADMIN, version=None, user_id=first, on=days[0], at=now())
    actions.name_head(session, unit, actor=ADMIN, version=None, user_id=first, on=days[1], at=now())
    actions.name_head(
        session, unit, actor=ADMIN, version=None, user_id=None, on=dt.date(2026, 1, 1), at=now()
    )
    commit(session)
    rows = session.scalars(
        sa.select(UnitHead).where(UnitHead.unit_id == unit.id).order_by(UnitHead.starts_on)
    ).all()
    assert [(row.user_id, row.ends_on) for row in rows] == [
        (first, dt.date(2025, 5, 31)), (first, dt.date(2025, 12, 31)),
    ]  # fmt: skip


def test_the_head_form_shows_on_the_page(client: FlaskClient, session: Session) -> None:
    sign_in(client, SYSTEM_ADMIN)
    unit = people.unit_id(session, "科技局")
    data = {"user_id": str(id_of(session, people.SCIENCE)), "starts_on": "2024-01-01", "version": "1"}
    assert post(client, f"/units/{unit}/head", data).status_code == 303
    assert people.SCIENCE.name in client.get(f"/units/{unit}").get_data(as_text=True)
    assert post(client, f"/units/{unit}/head", data).status_code == 409
    assert post(client, f"/units/{unit}/head", {**data, "version": "2", "user_id": "x"}).status_code == 422


def test_the_second_of_two_editors_sees_both_versions(client: FlaskClient, session: Session) -> None:
    sign_in(client, SYSTEM_ADMIN)
    unit = people.unit_id(session, "财政局")
    form = {"name": "财政局", "short_name": "财政局", "kind": "bureau", "parent_id": "", "starts_on": "2015-01-01",
            "ends_on": "", "successor_id": "", "version": "1"}  # fmt: skip
    assert post(client, f"/units/{unit}/edit", {**form, "short_name": "财政"}).status_code == 303
    answer = post(client, f"/units/{unit}/edit", {**form, "short_name": "财局", "kind": "office"})
    assert answer.status_code == 409
    page = answer.get_data(as_text=True)
    for text in ("财政局", "财政", "财局", "科室"):
        assert text in page
    picks = {f"pick-{name}": "mine" for name in re.findall(r'name="mine-(\w+)"', page)}
    mine = dict(re.findall(r'name="(mine-\w+)" value="([^"]*)"', page))
    assert post(client, f"/units/{unit}/edit", {"version": "2", **picks, **mine}).status_code == 303
    saved = queries.get_unit(session, unit)
    assert (saved.short_name, saved.kind) == ("财局", UnitKind.OFFICE)


def test_a_stale_write_and_a_missing_unit_are_told_apart(session: Session) -> None:
    unit = session.get_one(Unit, people.unit_id(session, "财政局"))
    with pytest.raises(Conflict):
        actions.edit(session, unit, actor=ADMIN, version=99, **facts("财政局"))
    with pytest.raises(Missing):
        queries.get_unit(session, 99999)
