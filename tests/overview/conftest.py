"""Firms of different owners and streets, for the pages of lists."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from flask import Flask

from crm.accounts.models import Unit, User
from crm.accounts.rules import UnitKind
from crm.core import audit
from crm.core.db import db, writing
from crm.core.permissions import system
from crm.core.transaction import commit
from crm.firms import actions

TODAY = dt.date(2026, 11, 23)
ROBOT = system("tests")
Enter = Callable[[int, int], list[int]]


@pytest.fixture
def enter(app: Flask) -> Enter:
    """`enter(first, count)` enters firms, each with a street and an officer of its own; returns their ids."""

    def make(first: int, count: int) -> list[int]:
        with app.app_context():
            writing()
            session = db.session()
            audit.begin(session, actor=ROBOT, action="tests.firms")
            ids = []
            for n in range(first, first + count):
                unit = Unit(
                    name=f"第{n}街道",
                    short_name=f"街{n}",
                    kind=UnitKind.STREET,
                    starts_on=dt.date(2015, 1, 1),
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
                    session, actor=ROBOT, today=TODAY, name=f"温州第{n:03d}精密机械有限公司", street_id=unit.id,
                    officer_id=user.id, capital_yuan=1_000_000 + n, registered_on=dt.date(2010, 1, 1),
                )  # fmt: skip
                ids.append(firm.id)
            commit(session)
            db.session.remove()
        return ids

    return make
