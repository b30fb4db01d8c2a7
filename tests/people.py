"""The cast, the same in every test: three administrators, a leader, officers of several bureaus, a stranger.

`sign_in(client, SCIENCE)` makes a browser belong to a person (no password is hashed), `post(client, url, data)`
sends a form with that browser's own token, `actor(session, SCIENCE)` is the person as queries and actions take it.
"""

from __future__ import annotations

import datetime as dt
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import has_app_context
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from crm.accounts import queries
from crm.accounts.actions.hashing import hash_password
from crm.accounts.models import Unit, User, UserFactor, UserGrant, UserRole, UserSession
from crm.accounts.rules import ADMINISTRATORS, Permission, Role, UnitKind
from crm.core.clock import now
from crm.core.db import db
from crm.core.permissions import Actor

PASSWORD = "松间明月Lz-47"
FACTOR = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"  # the second factor of the three administrators


@dataclass(frozen=True)
class Person:
    """Somebody of the cast. `role` None is somebody without any."""

    username: str
    name: str
    role: Role | None
    unit: str
    extras: tuple[Permission, ...] = ()

    def __str__(self) -> str:
        return self.username


COMMITTEE, BUREAU, STREET, OFFICE = UnitKind.COMMITTEE, UnitKind.BUREAU, UnitKind.STREET, UnitKind.OFFICE
# short name: full name, kind, parent
UNITS: dict[str, tuple[str, UnitKind, str | None]] = {
    "管委会": ("温州浙南产业集聚区管理委员会", COMMITTEE, None),
    "商务局": ("商务局", BUREAU, "管委会"),
    "经发局": ("经济发展局", BUREAU, "管委会"),
    "科技局": ("科技局", BUREAU, "管委会"),
    "金融办": ("经济发展局金融办", OFFICE, "经发局"),
    "自创办": ("国家自主创新示范区建设办公室", OFFICE, "管委会"),
    "财政局": ("财政局", BUREAU, "管委会"),
    "海城": ("海城街道", STREET, "管委会"),
    "沙城": ("沙城街道", STREET, "管委会"),
}

SYSTEM_ADMIN = Person("cast-system", "方立言", Role.SYSTEM_ADMIN, "管委会")
SECURITY_ADMIN = Person("cast-security", "严守正", Role.SECURITY_ADMIN, "管委会")
AUDITOR = Person("cast-auditor", "慎思齐", Role.AUDITOR, "管委会")
LEADER = Person("cast-leader", "程远山", Role.LEADER, "管委会")
INVESTMENT = Person("cast-investment", "林晓雯", Role.INVESTMENT, "商务局")
INVESTMENT_2 = Person("cast-investment-2", "周启航", Role.INVESTMENT, "经发局")
BUREAU_HEAD = Person("cast-head", "陈牧之", Role.INVESTMENT, "商务局", (Permission.PROJECT_ASSIGN,))
SCIENCE = Person("cast-science", "叶知秋", Role.SCIENCE, "科技局")
SCIENCE_2 = Person("cast-science-2", "吴思远", Role.SCIENCE, "科技局")
FINANCE = Person("cast-finance", "金书瑶", Role.FINANCE, "金融办")
REPORTER = Person("cast-reporter", "项嘉树", Role.REPORTER, "海城")
SUPERVISOR = Person("cast-supervisor", "戴清越", Role.SUPERVISOR, "自创办")
READ_ONLY = Person("cast-readonly", "夏一诺", Role.READ_ONLY, "财政局")
STRANGER = Person("cast-stranger", "胡不归", None, "沙城")

CAST = (
    SYSTEM_ADMIN,
    SECURITY_ADMIN,
    AUDITOR,
    LEADER,
    INVESTMENT,
    INVESTMENT_2,
    BUREAU_HEAD,
    SCIENCE,
    SCIENCE_2,
    FINANCE,
    REPORTER,
    SUPERVISOR,
    READ_ONLY,
    STRANGER,
)
# one person of each role, and the one without: the columns of the matrix role x endpoint
ONE_OF_EACH = (
    SYSTEM_ADMIN,
    SECURITY_ADMIN,
    AUDITOR,
    LEADER,
    INVESTMENT,
    SCIENCE,
    FINANCE,
    REPORTER,
    SUPERVISOR,
    READ_ONLY,
    STRANGER,
)


def enter(session: Session) -> None:
    """Put units and people into the template database (within a named transaction)."""
    ids: dict[str, int] = {}
    for short, (name, kind, parent) in UNITS.items():
        unit = Unit(
            name=name,
            short_name=short,
            kind=kind,
            parent_id=ids.get(parent or ""),
            starts_on=dt.date(2015, 1, 1),
        )
        session.add(unit)
        session.flush()
        ids[short] = unit.id
    shared = hash_password(PASSWORD)
    at = now()
    for person in CAST:
        user = User(
            username=person.username,
            username_key=person.username,
            name=person.name,
            unit_id=ids[person.unit],
            password_hash=shared,
            password_changed_at=at,
        )
        session.add(user)
        session.flush()
        if person.role is not None:
            session.add(UserRole(user_id=user.id, role=person.role))
        if person.role in ADMINISTRATORS:
            session.add(UserFactor(user_id=user.id, secret=FACTOR, confirmed_at=at))
        for permission in person.extras:
            session.add(UserGrant(user_id=user.id, permission=permission))
        session.flush()


def id_of(session: Session, person: Person) -> int:
    """The account's id."""
    return session.execute(sa.select(User.id).where(User.username_key == person.username)).scalar_one()


def unit_id(session: Session, short_name: str) -> int:
    """A unit's id by its short name."""
    return session.execute(sa.select(Unit.id).where(Unit.short_name == short_name)).scalar_one()


def actor(session: Session, person: Person) -> Actor:
    """The person as queries and actions take it."""
    found = queries.actor_of(session, id_of(session, person))
    assert found is not None
    return found


def sign_in(client: FlaskClient, person: Person) -> FlaskClient:
    """Make this browser the person's, without the sign-in page. Returns the browser.

    What an open `session` fixture has not committed is rolled back, as by every request.
    """
    if has_app_context():
        db.session.rollback()
    token = secrets.token_urlsafe(32)
    at = now()
    with client.application.app_context(), Session(db.engine) as session:
        session.add(
            UserSession(
                token_hash=queries.hash_token(token),
                user_id=id_of(session, person),
                started_at=at,
                expires_at=at + dt.timedelta(hours=12),
                address="127.0.0.1",
                agent="tests",
            )
        )
        session.commit()
    with client.session_transaction() as cookie:
        cookie.clear()
        cookie.update({"_user_id": token, "_fresh": True, "seen": int(time.time())})
    return client


def csrf(client: FlaskClient) -> str:
    """A good form token of this browser."""
    with client.session_transaction() as cookie:
        raw = cookie.setdefault("csrf_token", secrets.token_hex(20))
    return str(URLSafeTimedSerializer(client.application.secret_key, salt="wtf-csrf-token").dumps(raw))


def post(client: FlaskClient, url: str, data: Mapping[str, Any] | None = None, **kwargs: Any) -> TestResponse:
    """Send a form with this browser's own token."""
    return client.post(url, data={"csrf_token": csrf(client), **(data or {})}, **kwargs)
