"""Three schedulers, hundreds of people, one scheduler killed at every stage: one mail each, nobody missed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from crm.accounts.models import User
from crm.config import ROOT
from crm.core.audit_verify import verify
from crm.core.db import db, writing
from crm.digest.models import OutboxMail
from tests.digest.crowd import enter
from tests.digest.post_office import Letterbox, office

pytestmark = [
    pytest.mark.durable,
    pytest.mark.skipif(sys.platform == "win32", reason="forks and kills processes"),
]
STAGES = (
    "writing-the-week", "before-claim", "after-claim", "in-the-middle-of-a-mail", "between-mails", "after-250",
)  # fmt: skip


@pytest.fixture
def many() -> int:
    """The promise is about 500 on PostgreSQL; SQLite has one writer, the laws are the same."""
    return 500 if os.environ.get("CRM_TEST_DATABASE_URL") else 60


@pytest.fixture
def box() -> Iterator[tuple[Letterbox, str]]:
    with office() as opened:
        yield opened.box, opened.url()


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.timeout(600)
def test_one_mail_each_and_nobody_missed_whenever_one_is_killed(
    app: Flask, template: tuple[Flask, Any], box: tuple[Letterbox, str], many: int, stage: str
) -> None:
    letters, url = box
    with app.app_context():
        writing()
        expected = enter(db.session(), many)
        db.session.remove()
        db.engine.dispose()
    done = subprocess.run(
        [sys.executable, "-m", "tests.durable.mails", stage, str(many)],
        cwd=ROOT,
        env={**os.environ, **template[1].environment(), "CRM_SMTP_URL": url},
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout)
    print(stage, told)
    assert told["codes"][0] == -9, "the victim lives"
    assert told["codes"][1:] == [0, 0], done.stderr[-3000:]
    assert told["states"] == {"sent": many}
    got = Counter(address for address, _mail in letters.received)
    assert set(got) == expected, "somebody was missed"
    twice = [address for address, count in got.items() if count > 1]
    allowed = 1 if stage == "after-250" else 0
    assert len(twice) <= allowed and max(got.values()) <= 1 + allowed
    ids = Counter(letters.ids())
    assert len(ids) == many, "a repeated mail has another Message-ID"
    with app.app_context():
        session = db.session()
        rows = session.execute(sa.select(OutboxMail.message_id, User.email).join(User)).all()
        assert {(row.message_id, row.email) for row in rows} == {
            (str(mail["Message-ID"]), address) for address, mail in letters.received
        }
        session.rollback()
        assert verify(session).is_whole
        db.session.remove()
