"""Roles: granted by the security administrator only, 三员分立, acting at once; trust.md R09, R17, R24, R43."""

from __future__ import annotations

import re
from itertools import combinations

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from crm.accounts.actions import roles as actions
from crm.accounts.models import User, UserFactor, UserGrant, UserRole
from crm.accounts.rules import ADMINISTRATORS, TABLE, Permission, Role, check_roles, grants
from crm.core import audit
from crm.core.clock import now
from crm.core.permissions import Forbidden, Scope, system
from crm.core.transaction import commit
from crm.core.words import Refused
from tests import people
from tests.people import SCIENCE, SECURITY_ADMIN, STRANGER, id_of, post, sign_in

# domain.md § Who may do what, written out once more: a change of the rules has to be made in both places
WRITTEN = """
account:manage     A . . . . . . . . .
setting:manage     A . . . . . . . . .
job:manage         A . . . . . . . . .
role:grant         . A . . . . . . . .
policy:manage      . A . . . . . . . .
audit:read         . . A . . . . . . .
firm:read          . . . A A A A A A A
figure:read        . . . A O A A U A .
firm:edit          . . . . A A A U . .
figure:edit        . . . . . A A . . .
firm:import        . . . . . A A . . .
firm:merge         . . . . . A A . . .
ladder:tag         . . . . . A . . . .
contact:reveal     . . . A O O O . . .
listing:read       . . . A . A A . A .
listing:edit       . . . . . . A . . .
lead:log           . . . A A A A A A .
project:read       . . . A T T T T A Z
project:edit       . . . . T T T T . .
project:assign     . . . . . . . . . .
project:check      . . . . . . . . A .
instruction:write  . . . A . . . . A .
activity:add       . . . A A A A A A .
register:enter     . . . . O O O O . .
register:check     . . . . . . . . A .
plan:read          . . . R R R R O A .
plan:manage        . . . . . . . . A .
export:run         . . . A A A A O A .
export:log         . . A . . . . . . .
"""
LETTERS = {"A": Scope.ALL, "O": Scope.OWN, "U": Scope.UNIT, "T": Scope.TEAM, "Z": Scope.ZONE, "R": Scope.READ}


def test_the_table_of_permissions_is_the_written_one() -> None:
    written = {}
    for line in WRITTEN.split("\n"):
        if line:
            code, *cells = line.split()
            written[code] = {
                role: LETTERS[cell] for role, cell in zip(Role, cells, strict=True) if cell != "."
            }
    assert {permission.value: dict(row) for permission, row in TABLE.items()} == written
    assert set(TABLE) == set(Permission)


def test_administrators_see_no_business_data() -> None:
    allowed = {
        "account:manage",
        "setting:manage",
        "job:manage",
        "role:grant",
        "policy:manage",
        "audit:read",
        "export:log",
    }
    for role in ADMINISTRATORS:
        assert set(grants([role])) <= allowed


def test_the_widest_of_several_roles_counts() -> None:
    assert grants([Role.INVESTMENT, Role.SCIENCE])["figure:read"] == Scope.ALL
    assert grants([Role.SCIENCE, Role.REPORTER])["firm:edit"] == Scope.ALL
    assert grants([Role.INVESTMENT])["figure:read"] == Scope.OWN
    assert "project:assign" in grants([Role.INVESTMENT], [Permission.PROJECT_ASSIGN])
    assert grants([]) == {}


@pytest.mark.parametrize("pair", list(combinations(Role, 2)), ids=lambda pair: "+".join(pair))
def test_administrators_exclude_each_other_and_every_other_role(pair: tuple[Role, Role]) -> None:
    if set(pair) & ADMINISTRATORS:
        with pytest.raises(Refused):
            check_roles(pair)
    else:
        assert check_roles(pair) == set(pair)


@pytest.mark.parametrize(
    ("roles", "extras"),
    [
        ([Role.SCIENCE], [Permission.PROJECT_ASSIGN]),
        ([], [Permission.PROJECT_CHECK]),
        ([Role.INVESTMENT], [Permission.AUDIT_READ]),
    ],
)
def test_what_is_given_to_persons_goes_with_their_role(roles: list[Role], extras: list[Permission]) -> None:
    with pytest.raises(Refused):
        check_roles(roles, extras)
    check_roles([Role.INVESTMENT], [Permission.PROJECT_ASSIGN, Permission.PROJECT_CHECK])


def held(session: Session, person: people.Person) -> set[str]:
    return set(session.scalars(sa.select(UserRole.role).where(UserRole.user_id == id_of(session, person))))


def version(session: Session, person: people.Person) -> str:
    return str(session.scalar(sa.select(User.version).where(User.username_key == person.username)))


def test_a_grant_and_a_withdrawal_act_on_the_very_next_request(
    app: Flask, client: FlaskClient, session: Session
) -> None:
    session.add(UserFactor(user_id=id_of(session, STRANGER), secret=people.FACTOR, confirmed_at=now()))
    session.commit()
    live = sign_in(app.test_client(), STRANGER)
    assert live.get("/people").status_code == 403
    sign_in(client, SECURITY_ADMIN)
    url = f"/people/{id_of(session, STRANGER)}/roles"
    assert (
        post(client, url, {"version": version(session, STRANGER), "roles": ["system-admin"]}).status_code
        == 303
    )
    assert live.get("/people").status_code == 200
    assert post(client, url, {"version": version(session, STRANGER), "roles": []}).status_code == 303
    assert live.get("/people").status_code == 403


def test_excluding_roles_are_refused_beside_the_field(client: FlaskClient, session: Session) -> None:
    sign_in(client, SECURITY_ADMIN)
    data = {"version": version(session, STRANGER), "roles": ["auditor", "leader"]}
    answer = post(client, f"/people/{id_of(session, STRANGER)}/roles", data)
    assert answer.status_code == 422
    assert "三员分立" in answer.get_data(as_text=True)
    assert held(session, STRANGER) == set()


def test_an_unknown_role_is_refused(client: FlaskClient, session: Session) -> None:
    sign_in(client, SECURITY_ADMIN)
    data = {"version": version(session, STRANGER), "roles": ["root"]}
    assert post(client, f"/people/{id_of(session, STRANGER)}/roles", data).status_code == 422


def test_nobody_grants_to_himself(client: FlaskClient, session: Session) -> None:
    another = session.get_one(User, id_of(session, STRANGER))
    actions.grant(
        session, another, actor=system("tests"), version=None, roles=[Role.SECURITY_ADMIN], at=now()
    )
    commit(session)  # so that it is not the last one's role that is at stake
    sign_in(client, SECURITY_ADMIN)
    data = {"version": version(session, SECURITY_ADMIN), "roles": ["leader"]}
    answer = post(client, f"/people/{id_of(session, SECURITY_ADMIN)}/roles", data)
    assert answer.status_code == 422
    assert "不能给自己" in answer.get_data(as_text=True)
    assert held(session, SECURITY_ADMIN) == {"security-admin"}


@pytest.mark.parametrize("person", [people.SYSTEM_ADMIN, people.AUDITOR], ids=str)
def test_the_last_administrator_keeps_the_role(
    client: FlaskClient, session: Session, person: people.Person
) -> None:
    sign_in(client, SECURITY_ADMIN)
    data = {"version": version(session, person), "roles": ["leader"]}
    assert post(client, f"/people/{id_of(session, person)}/roles", data).status_code == 422
    assert held(session, person) == {person.role}


@pytest.mark.parametrize("person", [p for p in people.ONE_OF_EACH if p is not SECURITY_ADMIN], ids=str)
def test_only_the_security_administrator_grants(
    client: FlaskClient, session: Session, person: people.Person
) -> None:
    user = session.get_one(User, id_of(session, SCIENCE))
    with pytest.raises(Forbidden):
        actions.grant(
            session, user, actor=people.actor(session, person), version=None, roles=[Role.LEADER], at=now()
        )
    sign_in(client, person)
    data = {"version": version(session, SCIENCE), "roles": ["leader"]}
    assert post(client, f"/people/{id_of(session, SCIENCE)}/roles", data).status_code == 403


def test_the_second_of_two_granters_sees_both(client: FlaskClient, session: Session) -> None:
    sign_in(client, SECURITY_ADMIN)
    url = f"/people/{id_of(session, SCIENCE)}/roles"
    page = client.get(url).get_data(as_text=True)
    form = {
        name: re.search(rf'name="{name}"[^>]*value="([^"]*)"', page)[1]
        for name in ("version", "was_roles", "was_extras")
    }  # type: ignore[index]
    assert post(client, url, {**form, "roles": ["science", "finance"]}).status_code == 303
    answer = post(client, url, {**form, "roles": ["leader"]})
    assert answer.status_code == 409
    text = answer.get_data(as_text=True)
    assert "科技专员" in text and "金融专员" in text and "领导" in text
    assert held(session, SCIENCE) == {"science", "finance"}
    new = re.search(r'name="version" value="(\d+)"', text)
    assert new
    answer = post(client, url, {"version": new[1], "pick-roles": "mine", "mine-roles": "leader"})
    assert answer.status_code == 303
    assert held(session, SCIENCE) == {"leader"}


def test_a_grant_of_roles_and_an_edit_of_facts_do_not_overwrite_each_other(
    app: Flask, client: FlaskClient, session: Session
) -> None:
    seen = version(session, SCIENCE)
    sign_in(client, SECURITY_ADMIN)
    url = f"/people/{id_of(session, SCIENCE)}"
    assert post(client, url + "/roles", {"version": seen, "roles": ["finance"]}).status_code == 303
    admin = sign_in(app.test_client(), people.SYSTEM_ADMIN)
    assert post(admin, url + "/deactivate", {"version": seen, "reason": "x"}).status_code == 409


def test_the_log_says_which_roles_were_before_and_after(client: FlaskClient, session: Session) -> None:
    sign_in(client, SECURITY_ADMIN)
    data = {
        "version": version(session, people.INVESTMENT),
        "roles": ["investment"],
        "extras": ["project:assign"],
    }
    assert post(client, f"/people/{id_of(session, people.INVESTMENT)}/roles", data).status_code == 303
    row = session.scalars(
        sa.select(audit.AuditEnvelope).where(audit.AuditEnvelope.action == "role.grant")
    ).one()
    assert row.params["before"] == ["investment"]
    assert row.params["extras"] == ["project:assign"]
    assert session.scalars(
        sa.select(UserGrant.permission).where(UserGrant.user_id == row.subject_id)
    ).all() == ["project:assign"]


def test_a_deactivated_administrator_may_lose_the_role(session: Session) -> None:
    audit.begin(session, actor=system("tests"), action="role.grant", name="-")
    user = session.get_one(User, id_of(session, STRANGER))
    session.add(UserRole(user_id=user.id, role=Role.AUDITOR))
    user.is_active = False
    session.flush()
    actions.grant(session, user, actor=system("tests"), version=None, roles=[], at=now())
    session.flush()
    assert held(session, STRANGER) == set()


def test_the_matrix_page_shows_every_permission_and_role(client: FlaskClient) -> None:
    sign_in(client, people.AUDITOR)
    page = client.get("/roles").get_data(as_text=True)
    for permission in Permission:
        assert permission.value in page
    for role in Role:
        assert role.label in page
