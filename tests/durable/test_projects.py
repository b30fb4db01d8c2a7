"""Projects under several real processes: one first report wins; a handover during an edit loses nobody's words."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from crm.config import ROOT
from crm.core.audit_verify import verify
from crm.core.db import db
from crm.projects.models import FrozenMonth, Project, ProjectCharge, ProjectCount
from crm.projects.queries.counts import tallies
from crm.projects.rules.words import Stage
from tests.projects.cast import ROBOT, a_lead, bring
from tests.projects.money_cast import SIGNED, counted, paid, signed

pytestmark = [
    pytest.mark.durable,
    pytest.mark.skipif(sys.platform == "win32", reason="forks processes"),
]


def run(template: tuple[Flask, Any], scene: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-m", "tests.durable.projects", scene],
        cwd=ROOT,
        env={**os.environ, **template[1].environment()},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)["found"]


def test_of_reports_in_one_second_one_is_the_first(app: Flask, template: tuple[Flask, Any]) -> None:
    assert run(template, "two-reports") == ["first", *["told"] * 7]
    with app.app_context():
        assert db.session().scalar(sa.select(sa.func.count()).select_from(Project)) == 1
        db.session().rollback()
        assert verify(db.session()).is_whole
        db.session.remove()


def test_a_handover_during_an_edit_overwrites_nothing(app: Flask, template: tuple[Flask, Any]) -> None:
    with app.app_context():
        session = db.session()
        bring(session, a_lead(session), Stage.NEGOTIATION)
        db.session.remove()
        db.engine.dispose()
    found = run(template, "handover-during-edit")
    for n in range(6):
        pair = sorted(outcome for _kind, at, outcome in found if at == n)
        assert pair == ["told", "written"], found
    with app.app_context():
        session = db.session()
        handed = sum(outcome == "written" for kind, _n, outcome in found if kind == "handover")
        charges = session.scalar(sa.select(sa.func.count()).select_from(ProjectCharge))
        current = session.scalar(sa.select(sa.func.count()).where(ProjectCharge.is_current == 1))
        assert (charges, current) == (1 + handed, 1)
        session.rollback()
        assert verify(session).is_whole
        db.session.remove()


def test_of_several_who_freeze_a_month_one_does_and_the_others_are_told(
    app: Flask, template: tuple[Flask, Any]
) -> None:
    with app.app_context():
        session = db.session()
        paid(session, counted(session, signed(session)))
        db.session.remove()
        db.engine.dispose()
    found = run(template, "two-freeze")
    assert found.count("written") == 1 and all("已经冻结" in each for each in found if each != "written"), (
        found
    )
    with app.app_context():
        assert db.session().scalar(sa.select(sa.func.count()).select_from(FrozenMonth)) == 1
        db.session().rollback()
        assert verify(db.session()).is_whole
        db.session.remove()


def test_what_is_checked_during_a_freeze_is_in_the_month_or_in_the_next(
    app: Flask, template: tuple[Flask, Any]
) -> None:
    """Whichever came first: the figures that were frozen are those of the month for good."""
    with app.app_context():
        session = db.session()
        projects = [signed(session, n) for n in range(1, 17)]
        for project in projects[-4:]:
            counted(session, project)
        db.session.remove()
        db.engine.dispose()
    found = run(template, "count-while-frozen")
    outcomes = {(kind, number): outcome for kind, number, outcome in found}
    assert outcomes["freeze", 0] == "written", found
    for (kind, _number), outcome in outcomes.items():
        if kind == "uncount":
            assert outcome == "written" or "已经冻结" in outcome, found
        else:
            assert outcome == "written", found
    with app.app_context():
        session = db.session()
        stored = session.scalars(sa.select(FrozenMonth)).one()
        now = {
            key: tally.reported for key, tally in tallies(session, dt.date(2026, 9, 30), viewer=ROBOT).items()
        }
        assert stored.figures == now
        days = set(session.scalars(sa.select(ProjectCount.counts_on)))
        assert days <= {SIGNED, dt.date(2026, 10, 1)}, days
        session.rollback()
        assert verify(session).is_whole
        db.session.remove()
