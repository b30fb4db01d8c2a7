"""The pages of the registry, walked as people of several roles."""

from __future__ import annotations

import datetime as dt
import io
import re
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from crm.core import audit
from crm.core.db import db, writing
from crm.core.permissions import system
from crm.core.sheets import read
from crm.core.transaction import commit
from crm.firms import actions
from crm.firms.models import Contact, Firm, FirmName, YearFigures
from crm.firms.rules.words import FirmStatus, LeadingIndustry, Metric
from tests import people

TODAY = dt.date(2026, 11, 23)
CODE = "91330300600037341G"
ROBOT = system("tests")


def code_of(body: str) -> str:
    """A valid credit code with this organisation part."""
    from stdnum.cn import uscc

    head = f"91330300{body}"
    return str(head + uscc.calc_check_digit(head + "0"))


@pytest.fixture
def firm_id(app: Flask) -> int:
    """A firm of the street 海城 with everything a page may show."""
    with app.app_context():
        writing()
        session = db.session()
        firm = actions.register(
            session, actor=ROBOT, today=TODAY, name="温州拓屿精密机械有限公司", code=code_of("MA2L9E2U5"),
            former_names=["温州拓屿机械厂"], street_id=people.unit_id(session, "海城"),
            officer_id=people.id_of(session, people.INVESTMENT), leading_industry=LeadingIndustry.SMART_EQUIPMENT,
        )  # fmt: skip
        actions.set_figures(
            session, firm, actor=ROBOT, today=TODAY, year=2025, source="审计报告",
            figures={Metric.REVENUE.value: 62_540_000, Metric.RD_HIGH_TECH.value: 2_750_000},
        )  # fmt: skip
        actions.save_contact(session, firm, actor=ROBOT, name="叶青", phone="13812345678", email="yeqing@example.com")
        commit(session)
        found = firm.id
        db.session.remove()
    return found


@pytest.fixture
def science(client: FlaskClient) -> FlaskClient:
    return people.sign_in(client, people.SCIENCE)


@pytest.fixture
def in_app(app: Flask) -> Iterator[Session]:
    with app.app_context():
        yield db.session()
        db.session.remove()


def text(response: Any) -> str:
    return str(response.get_data(as_text=True))


PAGES = (
    "/firms", "/firms/new", "/firms/import", "/firms/{id}", "/firms/{id}/edit/all", "/firms/{id}/edit/trade",
    "/firms/{id}/rename", "/firms/{id}/move", "/firms/{id}/archive", "/firms/{id}/names/new", "/firms/{id}/contacts/new",
    "/firms/{id}/figures/2025", "/firms/{id}/ip", "/firms/{id}/equity/new", "/firms/{id}/institutions/new",
    "/firms/{id}/above-scale", "/firms/{id}/holdings", "/firms/{id}/history", "/firms?q=拓屿&sort=name&industry=smart-equipment",
    "/firms/look-alikes?name=温州拓屿精密机械",
)  # fmt: skip


@pytest.mark.parametrize("address", PAGES)
def test_every_page_opens_for_the_science_officer(science: FlaskClient, firm_id: int, address: str) -> None:
    response = science.get(address.replace("{id}", str(firm_id)))
    assert response.status_code == 200, text(response)[:2000]
