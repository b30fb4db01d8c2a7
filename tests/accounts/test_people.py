"""Accounts: kept by the system administrator, never deleted; trust.md R09, R17, R20, R22-R24, R43, R44."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from crm.accounts.actions import people as actions
from crm.accounts.models import Unit, User, UserRole
from crm.accounts.rules import Role
from crm.core import audit
from crm.core.clock import now, today
from crm.core.db import db
from crm.core.permissions import Forbidden, system
from crm.core.transaction import commit
from crm.core.words import Conflict, Refused
from tests import people
from tests.people import SCIENCE, STRANGER, SYSTEM_ADMIN, id_of, post, sign_in


def user_of(session: Session, person: people.Person) -> User:
    return session.execute(
        sa.select(User).where(User.username_key == person.username).execution_options(populate_existing=True)
    ).scalar_one()


def facts(session: Session, person: people.Person) -> dict[str, str]:
    user = user_of(session, person)
    return {
        "username": user.username,
        "name": user.name,
        "unit_id": str(user.unit_id or ""),
        "version": str(user.version),
    }


def test_a_new_account_has_a_one_time_password_and_no_role(client: FlaskClient, session: Session) -> None:
    sign_in(client, SYSTEM_ADMIN)
    unit = people.unit_id(session, "科技局")
    answer = post(client, "/people/new", {"username": "Wang.Li", "name": "王莉", "unit_id": str(unit)})
    assert answer.status_code == 200
    made = session.execute(sa.select(User).where(User.username_key == "wang.li")).scalar_one()
    assert (made.username, made.name, made.unit_id, made.must_change_password) == (
        "Wang.Li",
        "王莉",
        unit,
        True,
    )
    assert session.scalars(sa.select(UserRole).where(UserRole.user_id == made.id)).all() == []
    row = session.scalars(
        sa.select(audit.AuditEnvelope).where(audit.AuditEnvelope.action == "person.add")
    ).one()
    assert (row.subject_kind, row.subject_id, row.actor_name) == ("user", made.id, SYSTEM_ADMIN.name)


def test_fields_nobody_offered_have_no_effect(client: FlaskClient, session: Session) -> None:
    sign_in(client, SYSTEM_ADMIN)
    extra = {"roles": ["leader"], "role": "leader", "id": "1", "is_active": "0", "password_hash": "x", "is_demo": "1",
             "must_change_password": "", "created_at": "2000-01-01"}  # fmt: skip
    post(client, "/people/new", {"username": "wang.li", "name": "王莉", "unit_id": "", **extra})
    made = session.execute(sa.select(User).where(User.username_key == "wang.li")).scalar_one()
    assert made.is_active
    assert made.must_change_password
    assert not made.is_demo
    assert made.created_at.year > 2020
    assert session.scalars(sa.select(UserRole).where(UserRole.user_id == made.id)).all() == []


@pytest.mark.parametrize(
    ("field", "value"),
    [("username", ""), ("username", "a b/c"), ("username", "x"), ("username", "x" * 40), ("username", "cast-science"),
     ("username", "ＣＡＳＴ－ｓｃｉｅｎｃｅ"), ("name", ""), ("name", "长" * 61), ("unit_id", "999999"), ("unit_id", "x"),
     ("name", "\x00"), ("unit_id", "9" * 30)],
)  # fmt: skip
def test_what_cannot_be_an_account_is_refused_with_what_was_typed_kept(
    client: FlaskClient, session: Session, field: str, value: str
) -> None:
    sign_in(client, SYSTEM_ADMIN)
    before = session.scalar(sa.select(sa.func.count()).select_from(User))
    answer = post(client, "/people/new", {"username": "wang.li", "name": "王莉", "unit_id": "", field: value})
    assert answer.status_code == 422
    assert session.scalar(sa.select(sa.func.count()).select_from(User)) == before
    kept = "王莉" if field != "name" else "wang.li"
    assert kept in answer.get_data(as_text=True)


def test_the_second_of_two_editors_sees_both_versions_and_loses_nothing(
    client: FlaskClient, session: Session
) -> None:
    sign_in(client, SYSTEM_ADMIN)
    user_id, form = id_of(session, SCIENCE), facts(session, SCIENCE)
    other_unit = people.unit_id(session, "财政局")
    assert post(client, f"/people/{user_id}/edit", {**form, "name": "叶知春"}).status_code == 303
    answer = post(client, f"/people/{user_id}/edit", {**form, "name": "叶知夏", "unit_id": str(other_unit)})
    assert answer.status_code == 409
    page = answer.get_data(as_text=True)
    for text in (SCIENCE.name, "叶知春", "叶知夏", "财政局"):
        assert text in page
    assert user_of(session, SCIENCE).name == "叶知春"
    version = re.search(r'name="version" value="(\d+)"', page)
    mine = re.search(r'name="mine-unit_id" value="(\d+)"', page)
    assert version and mine
    chosen = {"version": version[1], "pick-name": "theirs", "mine-name": "叶知夏", "pick-unit_id": "mine",
              "mine-unit_id": mine[1]}  # fmt: skip
    assert post(client, f"/people/{user_id}/edit", chosen).status_code == 303
    saved = user_of(session, SCIENCE)
    assert (saved.name, saved.unit_id, saved.username) == ("叶知春", other_unit, SCIENCE.username)


def test_a_form_without_a_version_saves_nothing(client: FlaskClient, session: Session) -> None:
    sign_in(client, SYSTEM_ADMIN)
    form = facts(session, SCIENCE) | {"version": ""}
    assert post(client, f"/people/{id_of(session, SCIENCE)}/edit", {**form, "name": "x y"}).status_code == 409


def test_deactivating_ends_every_session_on_the_next_request(
    app: Flask, client: FlaskClient, session: Session
) -> None:
    live = sign_in(app.test_client(), SCIENCE)
    assert live.get("/account").status_code == 200
    sign_in(client, SYSTEM_ADMIN)
    user_id, version = id_of(session, SCIENCE), facts(session, SCIENCE)["version"]
    answer = post(client, f"/people/{user_id}/deactivate", {"version": version, "reason": "调离"})
    assert answer.status_code == 303
    assert live.get("/account").status_code == 303
    assert user_of(session, SCIENCE).deactivation_reason == "调离"
    assert (
        post(
            app.test_client(), "/sign-in", {"username": SCIENCE.username, "password": people.PASSWORD}
        ).status_code
        == 422
    )
    back = {"version": facts(session, SCIENCE)["version"]}
    assert post(client, f"/people/{user_id}/reactivate", back).status_code == 303
    assert live.get("/account").status_code == 303, "an ended session does not come back"
    assert (
        post(
            app.test_client(), "/sign-in", {"username": SCIENCE.username, "password": people.PASSWORD}
        ).status_code
        == 303
    )


def test_there_is_no_way_to_delete_an_account(app: Flask) -> None:
    rules = [rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith("accounts.")]
    assert not any("DELETE" in (rule.methods or ()) or "delete" in rule.endpoint for rule in rules)


def test_nobody_deactivates_the_own_account(session: Session) -> None:
    me = people.actor(session, SYSTEM_ADMIN)
    user = user_of(session, SYSTEM_ADMIN)
    with pytest.raises(Refused, match="自己"):
        actions.deactivate(session, user, actor=me, version=user.version, on=today(), reason="x", at=now())


@pytest.mark.parametrize("person", [people.SECURITY_ADMIN, people.AUDITOR, SYSTEM_ADMIN], ids=str)
def test_the_last_administrator_of_a_kind_stays(session: Session, person: people.Person) -> None:
    user = user_of(session, person)
    with pytest.raises(Refused, match="最后一个"):
        actions.deactivate(
            session, user, actor=system("tests"), version=None, on=today(), reason="x", at=now()
        )
    assert person.role is not None
    audit.begin(session, actor=system("tests"), action="role.grant", name="-")
    session.add(UserRole(user_id=id_of(session, STRANGER), role=person.role))
    session.flush()
    actions.deactivate(session, user, actor=system("tests"), version=None, on=today(), reason="x", at=now())


@pytest.mark.parametrize("person", [p for p in people.ONE_OF_EACH if p is not SYSTEM_ADMIN], ids=str)
def test_only_the_system_administrator_keeps_accounts(session: Session, person: people.Person) -> None:
    with pytest.raises(Forbidden):
        actions.add(session, actor=people.actor(session, person), username="wang.li", name="王莉", unit_id=None,
                    password_hash="!", at=now())  # fmt: skip


@pytest.mark.parametrize(
    "url", ["new", "{}/edit", "{}/deactivate", "{}/reactivate", "{}/unlock", "{}/reset-password"]
)
def test_others_forms_are_refused_before_they_are_read(
    client: FlaskClient, session: Session, url: str
) -> None:
    sign_in(client, SCIENCE)
    answer = post(
        client, "/people/" + url.format(id_of(session, STRANGER)), {"username": "", "version": "no"}
    )
    assert answer.status_code == 403


@pytest.mark.parametrize("user_id", ["0", "-1", "99999999", "9" * 20, "１", "%00", "1.0", "x"])
def test_impossible_ids_are_not_found(client: FlaskClient, user_id: str) -> None:
    sign_in(client, SYSTEM_ADMIN)
    assert client.get(f"/people/{user_id}").status_code == 404
    assert client.get(f"/units/{user_id}").status_code == 404


def test_a_refused_write_leaves_nothing(session: Session) -> None:
    user = user_of(session, SCIENCE)
    with pytest.raises(Conflict):
        actions.edit(
            session,
            user,
            actor=system("tests"),
            version=user.version + 1,
            username="x1",
            name="x",
            unit_id=None,
        )
    session.rollback()
    assert audit.running(session) is None


def test_the_list_filters_sorts_and_pages(client: FlaskClient, session: Session) -> None:
    more(session, 60)
    sign_in(client, SYSTEM_ADMIN)
    first = client.get("/people?sort=username").get_data(as_text=True)
    names = re.findall(r'class="td-name"[^>]*>([^<]+)<', first)
    assert len(names) == 50
    link = re.search(r'href="([^"]+)"[^>]*rel="next"', first)
    assert link
    second = client.get(link[1].replace("&amp;", "&")).get_data(as_text=True)
    others = re.findall(r'class="td-name"[^>]*>([^<]+)<', second)
    total = session.scalar(sa.select(sa.func.count()).select_from(User))
    assert len(names) + len(others) == total
    assert not set(names) & set(others)
    found = client.get(
        "/people?q=叶知&role=science&state=active&unit=" + str(people.unit_id(session, "科技局"))
    )
    assert re.findall(r'class="td-name"[^>]*>([^<]+)<', found.get_data(as_text=True)) == [SCIENCE.name]
    for nasty in (
        "q=%25",
        "q=%00",
        "q='",
        "sort=password_hash",
        "role=x",
        "unit=" + "9" * 30,
        "after=zz",
        "state=x",
    ):
        assert client.get("/people?" + nasty).status_code == 200


def test_names_sort_by_pinyin_also_after_one_is_changed(client: FlaskClient, session: Session) -> None:
    sign_in(client, SYSTEM_ADMIN)
    for username, name in (("zh1", "周启泰"), ("ou2", "欧阳安"), ("an3", "安然")):
        people.post(client, "/people/new", {"username": username, "name": name, "unit_id": ""})

    def listed() -> list[str]:
        page = client.get("/people?sort=name&q=").get_data(as_text=True)
        return [name for name in re.findall(r'class="td-name"[^>]*>([^<]+)<', page) if name in named]

    named = {"周启泰", "欧阳安", "安然", "吴思静"}
    assert listed() == ["安然", "欧阳安", "周启泰"]  # by code point: 周 before 安 before 欧
    user = session.scalars(sa.select(User).where(User.username == "an3")).one()
    form = {"username": "an3", "name": "吴思静", "unit_id": "", "version": str(user.version)}
    people.post(client, f"/people/{user.id}/edit", form)
    assert listed() == ["欧阳安", "吴思静", "周启泰"]


def more(session: Session, count: int) -> None:
    """Many people of different units and roles."""
    audit.begin(session, actor=system("tests"), action="person.add", name="-")
    units = session.scalars(sa.select(Unit.id)).all()
    ids = audit.insert_many(session, User, [
        {"username": f"more-{n}", "username_key": f"more-{n}", "name": f"某人{n}", "unit_id": units[n % len(units)],
         "password_hash": "!", "must_change_password": False, "is_active": True, "is_demo": False}
        for n in range(count)
    ])  # fmt: skip
    business = [role for role in Role if role.value not in ("system-admin", "security-admin", "auditor")]
    audit.insert_many(
        session,
        UserRole,
        [{"user_id": key, "role": business[n % len(business)]} for n, key in enumerate(ids)],
    )
    commit(session)


@pytest.mark.parametrize("url", ["/people", "/units", "/roles"])
def test_twice_the_rows_cost_the_same_number_of_queries(
    app: Flask, client: FlaskClient, session: Session, url: str
) -> None:
    sign_in(client, SYSTEM_ADMIN)
    more(session, 12)

    def cost() -> int:
        seen: list[str] = []
        with app.app_context():
            engine = db.engine

        def count(_c: object, _cur: object, statement: str, *_rest: object) -> None:
            seen.append(statement)

        sa.event.listen(engine, "before_cursor_execute", count)
        try:
            assert client.get(url).status_code == 200
        finally:
            sa.event.remove(engine, "before_cursor_execute", count)
        return len(seen)

    before = cost()
    audit.begin(session, actor=system("tests"), action="unit.add", name="-")
    audit.insert_many(session, Unit, [
        {"name": f"新单位{n}", "short_name": f"新{n}", "kind": "bureau", "parent_id": 1} for n in range(12)
    ])  # fmt: skip
    audit.insert_many(session, User, [
        {"username": f"twice-{n}", "username_key": f"twice-{n}", "name": f"又{n}", "password_hash": "!",
         "must_change_password": False, "is_active": True, "is_demo": False} for n in range(12)
    ])  # fmt: skip
    commit(session)
    assert cost() == before


def test_names_of_people_are_shown_as_text(client: FlaskClient, session: Session) -> None:
    sign_in(client, SYSTEM_ADMIN)
    post(client, "/people/new", {"username": "wang.li", "name": "<b onclick=x>王</b>", "unit_id": ""})
    user_id = session.execute(sa.select(User.id).where(User.username_key == "wang.li")).scalar_one()
    for url in ("/people", f"/people/{user_id}", f"/people/{user_id}/edit"):
        assert "<b onclick" not in client.get(url).get_data(as_text=True)
