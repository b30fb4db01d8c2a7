"""Projects under several real processes: one first report wins; a handover during an edit loses nobody's words."""

from __future__ import annotations

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
from crm.projects.models import Project, ProjectCharge
from crm.projects.rules.words import Stage
from tests.projects.cast import a_lead, bring

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
