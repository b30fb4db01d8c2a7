"""`people …` on the command line."""

from __future__ import annotations

import argparse
import io
import json

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from crm.accounts.commands import COMMANDS
from crm.accounts.models import SignInAttempt
from crm.core import audit, cli
from crm.core.permissions import Actor, Forbidden, system
from crm.core.words import Refused
from tests import people
from tests.people import SCIENCE, post


def run(*words: str, actor: Actor | None = None) -> str:
    arguments = cli.parser_of(COMMANDS).parse_args(words)
    out, err = io.StringIO(), io.StringIO()
    command: cli.Command = arguments.command
    assert isinstance(arguments, argparse.Namespace)
    command.run(arguments, cli.Context(actor or system("cli"), arguments.json, out, err))
    return out.getvalue()


def test_an_account_is_added_with_a_role_and_its_password_works_once(
    client: FlaskClient, session: Session
) -> None:
    made = json.loads(
        run("people", "add", "wang.li", "王莉", "--unit", "科技局", "--role", "science", "--json")
    )
    answer = post(client, "/sign-in", {"username": "Wang.Li", "password": made["password"]})
    assert answer.status_code == 303
    assert client.get("/").location == "/account/password"
    [row] = [row for row in json.loads(run("people", "list", "--json")) if row["username"] == "wang.li"]
    assert row == {
        "username": "wang.li",
        "name": "王莉",
        "unit": "科技局",
        "is_active": True,
        "roles": ["science"],
    }
    envelope = session.scalars(
        sa.select(audit.AuditEnvelope).where(audit.AuditEnvelope.action == "person.add")
    ).one()
    assert envelope.actor_name == "system:cli"


@pytest.mark.parametrize(
    "words",
    [("add", "cast-science", "x"), ("add", "x", "x"), ("add", "wang.li", "王", "--unit", "没有"), ("unlock", "nobody"),
     ("add", "wang.li", "王", "--role", "auditor", "--role", "leader"), ("roles", "cast-science", "king"),
     ("deactivate", "cast-auditor", "--reason", "x"), ("roles", "cast-system")],
)  # fmt: skip
def test_what_the_pages_refuse_the_command_refuses(session: Session, words: tuple[str, ...]) -> None:
    with pytest.raises(Refused):
        run("people", *words)


def test_acting_as_a_person_has_that_persons_rights(session: Session) -> None:
    for words in (
        ("list",),
        ("add", "wang.li", "王莉"),
        ("unlock", SCIENCE.username),
        ("reset-password", SCIENCE.username),
    ):
        with pytest.raises(Forbidden):
            run("people", *words, actor=people.actor(session, people.LEADER))
    with pytest.raises(Forbidden):
        run(
            "people",
            "add",
            "wang.li",
            "王莉",
            "--role",
            "leader",
            actor=people.actor(session, people.SYSTEM_ADMIN),
        )
    session.rollback()
    run("people", "add", "wang.li", "王莉", actor=people.actor(session, people.SYSTEM_ADMIN))


def test_the_server_resets_also_an_administrators_password(client: FlaskClient, session: Session) -> None:
    made = json.loads(run("people", "reset-password", people.AUDITOR.username, "--json"))
    assert (
        post(
            client, "/sign-in", {"username": people.AUDITOR.username, "password": made["password"]}
        ).status_code
        == 303
    )


def test_unlock_deactivate_and_back(client: FlaskClient, session: Session) -> None:
    for _ in range(5):
        post(client, "/sign-in", {"username": SCIENCE.username, "password": "falsch"})
    run("people", "unlock", SCIENCE.username)
    assert session.scalars(sa.select(SignInAttempt.key).where(SignInAttempt.key.like("name:%"))).all() == []
    run("people", "deactivate", SCIENCE.username, "--reason", "调离")
    session.rollback()
    good = {"username": SCIENCE.username, "password": people.PASSWORD}
    assert post(client, "/sign-in", good).status_code == 422
    run("people", "reactivate", SCIENCE.username)
    session.rollback()
    assert post(client, "/sign-in", good).status_code == 303
