"""Files on records: the scan before they are fetched, putting away, and what is written down."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from crm.activities.actions import scanning
from crm.activities.rules.words import Scan
from crm.core import audit
from crm.core.db import db
from crm.core.words import Refused
from crm.ops.jobs import work_once
from tests import people
from tests.activities.contents import PDF
from tests.activities.test_files import count, firm_id, folder, keep, send, stored

__all__ = ["firm_id", "folder"]


# --- the scan -----------------------------------------------------------------------------------------------------


@pytest.fixture
def scanner() -> Iterator[list[scanning.Scanner]]:
    """A scanner that refuses what holds the word EVIL."""
    scanning.SCANNER[:] = [lambda path: Scan.REFUSED if b"EVIL" in path.read_bytes() else Scan.CLEAN]
    yield scanning.SCANNER
    scanning.SCANNER.clear()


def test_a_file_is_handed_out_when_the_scanner_has_found_nothing(
    client: FlaskClient, firm_id: int, scanner: Any
) -> None:
    people.sign_in(client, people.SCIENCE)
    send(client, firm_id, ("年报.pdf", PDF), ("坏.pdf", PDF + b"EVIL"))
    for number in (1, 2):
        waiting = client.get(f"/files/{number}")
        assert waiting.status_code == 423 and "还在检查" in waiting.get_data(as_text=True)
        assert b"%PDF" not in waiting.data
    page = client.get(f"/records/firm/{firm_id}/files").get_data(as_text=True)
    assert "等待检查" in page and '/files/1"' not in page
    assert work_once(client.application) == 2
    assert client.get("/files/1").data == PDF
    refused = client.get("/files/2")
    assert refused.status_code == 423 and "没有通过安全检查" in refused.get_data(as_text=True)
    again = send(client, firm_id, ("又来.pdf", PDF + b"EVIL"))
    assert again.status_code == 422 and "没有通过安全检查" in again.get_data(as_text=True)


@pytest.mark.parametrize(("code", "verdict"), [(0, Scan.CLEAN), (1, Scan.REFUSED), (2, None), (137, None)])
def test_a_command_gives_its_verdict_by_its_exit_code(
    tmp_path: Path, code: int, verdict: Scan | None
) -> None:
    script = tmp_path / "scan me.sh"
    script.write_text(f'#!/bin/sh\ntest -f "$2" || exit 9\nexit {code}\n')
    script.chmod(0o700)
    target = tmp_path / "a; touch hacked"
    target.write_bytes(PDF)
    scan = scanning.by_command(f"'{script}' --fast")
    if verdict is None:
        with pytest.raises(Refused):
            scan(target)
    else:
        assert scan(target) is verdict
    assert not (tmp_path / "hacked").exists()


def test_a_scanner_that_is_not_there_leaves_the_file_waiting(
    client: FlaskClient, firm_id: int, scanner: list[scanning.Scanner]
) -> None:
    people.sign_in(client, people.SCIENCE)
    scanner[:] = [scanning.by_command("/nowhere/scan")]
    send(client, firm_id, ("年报.pdf", PDF))
    work_once(client.application)
    assert client.get("/files/1").status_code == 423


# --- putting away, and what is written down -----------------------------------------------------------------------


def test_a_file_put_away_is_not_fetched_and_stays_in_the_history(client: FlaskClient, firm_id: int) -> None:
    people.sign_in(client, people.SCIENCE)
    send(client, firm_id, ("年报.pdf", PDF))
    without = people.post(client, "/files/1/remove", {"reason": " ", "version": "1"})
    assert without.status_code == 422 and "原因" in without.get_data(as_text=True)
    stale = people.post(client, "/files/1/remove", {"reason": "传错了", "version": "7"})
    assert stale.status_code == 409
    assert people.post(client, "/files/1/remove", {"reason": "传错了", "version": "1"}).status_code == 303
    assert client.get("/files/1").status_code == 404
    assert people.post(client, "/files/1/remove", {"reason": "再来", "version": "2"}).status_code == 404
    page = client.get(f"/records/firm/{firm_id}/files").get_data(as_text=True)
    assert "传错了" in page and "年报.pdf" in page and 'href="/files/1"' not in page
    assert send(client, firm_id, ("年报.pdf", PDF)).status_code == 303, "it may come again"
    assert count(client.application) == 2


@pytest.mark.parametrize(
    ("who", "status"),
    [(people.SCIENCE, 303), (people.FINANCE, 303), (people.REPORTER, 303), (people.LEADER, 403),
     (people.SUPERVISOR, 403), (people.READ_ONLY, 403)],
    ids=str,
)  # fmt: skip
def test_the_uploader_and_who_changes_the_record_put_a_file_away(
    client: FlaskClient, firm_id: int, who: people.Person, status: int
) -> None:
    with client.application.app_context():
        file_id = keep(db.session(), firm_id, "年报.pdf", PDF, people.INVESTMENT).id
    people.sign_in(client, who)
    answer = people.post(client, f"/files/{file_id}/remove", {"reason": "传错了", "version": "1"})
    assert answer.status_code == status
    assert (client.get(f"/files/{file_id}").status_code == 200) == (status == 403)


def test_uploading_fetching_and_putting_away_are_written_down(
    client: FlaskClient, session: Session, firm_id: int
) -> None:
    people.sign_in(client, people.SCIENCE)
    send(client, firm_id, ("年报.pdf", PDF))
    client.head("/files/1")
    client.get("/files/1")
    people.post(client, "/files/1/remove", {"reason": "传错了", "version": "1"})
    rows = session.scalars(
        sa.select(audit.AuditEnvelope)
        .where(audit.AuditEnvelope.action.like("file.%"))
        .order_by(audit.AuditEnvelope.seq)
    ).all()
    assert [row.action for row in rows] == ["file.add", "file.fetch", "file.remove"]
    of_firm, of_file = ("firm", firm_id), ("attachment", 1)
    assert [(row.subject_kind, row.subject_id) for row in rows] == [of_firm, of_file, of_firm]
    assert rows[1].params == {"kind": "firm", "record": firm_id}


def test_content_that_is_gone_or_cut_short_is_said_so(
    client: FlaskClient, firm_id: int, folder: Path
) -> None:
    people.sign_in(client, people.SCIENCE)
    send(client, firm_id, ("年报.pdf", PDF))
    path = stored(folder)[0]
    path.write_bytes(PDF[:10])
    assert client.get("/files/1").status_code == 410
    path.unlink()
    answer = client.get("/files/1")
    assert answer.status_code == 410 and "找不到" in answer.get_data(as_text=True)
    send(client, firm_id, ("又传.pdf", PDF))
    assert client.get("/files/1").data == PDF, "the same content again heals it"


def test_a_long_list_comes_in_pages_with_the_same_number_of_queries(
    client: FlaskClient, firm_id: int
) -> None:
    people.sign_in(client, people.LEADER)
    cast = [people.SCIENCE, people.FINANCE, people.INVESTMENT]
    seen = []
    for upto in (10, 19, 41):
        with client.application.app_context():
            for n in range(count(client.application), upto):
                keep(db.session(), firm_id, f"{n}.pdf", PDF + bytes([n]), cast[n % 3])
        with counted(client.application) as statements:
            page = client.get(f"/records/firm/{firm_id}/files").get_data(as_text=True)
        seen.append(len(statements))
    assert len(set(seen)) == 1
    assert page.count(" download>") == 20
    below = re.search(r"below=(\d+)", page)
    assert below is not None
    rest = client.get(f"/records/firm/{firm_id}/files?below={below[1]}").get_data(as_text=True)
    assert len(set(re.findall(r"/files/(\d+)\"", page + rest))) == 40


@contextmanager
def counted(app: Flask) -> Iterator[list[str]]:
    """The statements sent meanwhile."""
    sent: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        sent.append(statement)

    with app.app_context():
        engine = db.engine
    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)


def test_a_disk_that_fills_while_an_upload_is_received_is_told(
    client: FlaskClient, firm_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full() -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    people.sign_in(client, people.SCIENCE)
    monkeypatch.setattr("crm.activities.views.files.uploads", full)
    answer = send(client, firm_id, ("年报.pdf", PDF))
    assert answer.status_code == 503 and "磁盘满了" in answer.get_data(as_text=True)
