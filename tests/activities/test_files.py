"""Files on records: who sees them, what is taken, what is kept, what a crash leaves."""

from __future__ import annotations

import dataclasses
import datetime as dt
import errno
import io
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from crm.activities import actions
from crm.activities.actions import files
from crm.activities.actions.files import Upload
from crm.activities.models import Attachment, StoredFile
from crm.activities.queries.entries import FILES, get_activity
from crm.activities.queries.timeline import stream
from crm.activities.rules.files import LARGEST, MOST, check_file, clean_name
from crm.activities.rules.words import ActivityKind
from crm.core import audit
from crm.core.clock import now
from crm.core.db import db, writing
from crm.core.files import Folder, store
from crm.core.i18n import say
from crm.core.permissions import system
from crm.core.records import SUBJECTS, declare
from crm.core.transaction import commit
from crm.core.words import Refused
from crm.firms import actions as registry
from tests import people
from tests.activities.contents import BAD, EXE, GOOD, PDF
from tests.records import sample

TODAY = dt.date(2026, 11, 27)
QUOTA = 10_000_000
ROBOT = system("tests")


@pytest.fixture(autouse=True)
def folder(app: Flask, tmp_path: Path) -> Iterator[Path]:
    """An empty store for each test."""
    before = app.extensions["tidui-files"]
    app.extensions["tidui-files"] = Folder(tmp_path / "files")
    yield tmp_path / "files"
    app.extensions["tidui-files"] = before


@pytest.fixture
def firm_id(app: Flask) -> int:
    """A firm of the street 海城."""
    with app.app_context():
        writing()
        session = db.session()
        made = registry.register(
            session,
            actor=ROBOT,
            today=TODAY,
            name="温州岚屿泵阀有限公司",
            street_id=people.unit_id(session, "海城"),
        )
        commit(session)
        db.session.remove()
    return made.id


def keep(
    session: Session, about: int, name: str, content: bytes, who: people.Person, **more: Any
) -> Attachment:
    """Put a file on a firm."""
    received = files.receive(store(), [Upload(name, io.BytesIO(content))])
    made = files.attach(
        session, received, actor=people.actor(session, who), today=TODAY, subject=("firm", about),
        **{"quota": QUOTA, **more},
    )  # fmt: skip
    commit(session)
    return made[0]


def send(client: FlaskClient, firm_id: int, *sent: tuple[str, bytes]) -> TestResponse:
    """Upload through the page."""
    data: dict[str, Any] = {"files": [(io.BytesIO(content), name) for name, content in sent]}
    return people.post(client, f"/records/firm/{firm_id}/files", data, content_type="multipart/form-data")


def count(app: Flask, model: Any = Attachment) -> int:
    with app.app_context():
        found = db.session.scalar(sa.select(sa.func.count()).select_from(model)) or 0
        db.session.remove()
    return int(found)


def stored(folder: Path) -> list[Path]:
    """Every file in the store, finished or not."""
    return [path for path in folder.rglob("*") if path.is_file()]


# --- who ----------------------------------------------------------------------------------------------------------

SEES = (people.LEADER, people.INVESTMENT, people.SCIENCE, people.FINANCE, people.REPORTER, people.SUPERVISOR)
SEES_NOTHING = (people.SYSTEM_ADMIN, people.SECURITY_ADMIN, people.AUDITOR, people.STRANGER)


@pytest.mark.parametrize("who", [*SEES, people.READ_ONLY], ids=str)
def test_who_sees_the_firm_fetches_its_files(client: FlaskClient, firm_id: int, who: people.Person) -> None:
    with client.application.app_context():
        file_id = keep(db.session(), firm_id, "年报.pdf", PDF, people.SCIENCE).id
    people.sign_in(client, who)
    answer = client.get(f"/files/{file_id}")
    assert (answer.status_code, answer.data) == (200, PDF)
    panel = client.get(f"/records/firm/{firm_id}/files", headers={"HX-Request": "true"}).get_data(
        as_text=True
    )
    assert "年报.pdf" in panel
    assert ("multipart/form-data" in panel) == (who is not people.READ_ONLY)


@pytest.mark.parametrize("who", SEES_NOTHING, ids=str)
def test_who_does_not_see_the_firm_finds_no_file(
    client: FlaskClient, firm_id: int, who: people.Person
) -> None:
    with client.application.app_context():
        file_id = keep(db.session(), firm_id, "年报.pdf", PDF, people.SCIENCE).id
    people.sign_in(client, who)
    for address in (f"/files/{file_id}", f"/records/firm/{firm_id}/files"):
        answer = client.get(address)
        assert answer.status_code == 404
        assert "年报" not in answer.get_data(as_text=True) and "岚屿" not in answer.get_data(as_text=True)
    assert send(client, firm_id, ("a.pdf", PDF)).status_code == 403
    assert (
        people.post(client, f"/files/{file_id}/remove", {"reason": "试试", "version": "1"}).status_code == 403
    )
    assert count(client.application) == 1


def test_who_only_reads_uploads_nothing(client: FlaskClient, firm_id: int, folder: Path) -> None:
    people.sign_in(client, people.READ_ONLY)
    assert send(client, firm_id, ("a.pdf", PDF)).status_code == 403
    assert stored(folder) == [] and count(client.application) == 0


def test_nobody_fetches_without_signing_in(client: FlaskClient, firm_id: int) -> None:
    with client.application.app_context():
        file_id = keep(db.session(), firm_id, "年报.pdf", PDF, people.SCIENCE).id
    answer = client.get(f"/files/{file_id}")
    assert answer.status_code == 303 and "/sign-in" in answer.location


@pytest.mark.parametrize("number", ["0", "2147483648", "99999999999999999999", "-1", "９", "1%00"])
def test_impossible_ids_are_not_found(client: FlaskClient, number: str) -> None:
    people.sign_in(client, people.SCIENCE)
    for address in (f"/files/{number}", f"/records/firm/{number}/files", f"/records/nonsense/{number}/files"):
        assert client.get(address).status_code == 404


# --- the files of an activity, and a kind of record that only a unit sees ------------------------------------------


@pytest.fixture
def samples(app: Flask) -> Iterator[None]:
    """The tests' own kind of record, seen by the people of its unit only."""
    declare(sample.SAMPLE)
    yield
    del SUBJECTS["sample"]


@pytest.mark.usefixtures("samples")
@pytest.mark.parametrize(
    ("who", "sees"), [(people.SCIENCE, True), (people.SCIENCE_2, True), (people.FINANCE, False), (people.STRANGER, False)],
    ids=str,
)  # fmt: skip
def test_a_file_of_an_activity_is_seen_by_those_who_see_all_it_is_about(
    client: FlaskClient, firm_id: int, who: people.Person, sees: bool
) -> None:
    with client.application.app_context():
        session = db.session()
        me = people.actor(session, people.SCIENCE)
        audit.begin(session, actor=me, action="sample.add")
        other = sample.Sample(name="样品一", unit_id=people.unit_id(session, "科技局"))
        session.add(other)
        session.flush()
        received = files.receive(store(), [Upload("合同.pdf", io.BytesIO(PDF))])
        entry = actions.log(
            session, actor=me, at=now(), today=TODAY, kind=ActivityKind.MEETING, on=TODAY, summary="谈了两家",
            subjects=[("firm", firm_id), ("sample", other.id)],
        )  # fmt: skip
        made = files.attach(
            session, received, actor=me, today=TODAY, subject=("firm", firm_id), activity=entry, quota=QUOTA
        )
        commit(session)
        entry_id, file_id = entry.id, made[0].id
    people.sign_in(client, who)
    assert client.get(f"/files/{file_id}").status_code == (200 if sees else 404)
    page = client.get(f"/records/firm/{firm_id}/files").get_data(as_text=True)
    assert ("合同.pdf" in page) == sees
    if not sees:
        return
    with client.application.app_context():
        session = db.session()
        me = people.actor(session, people.SCIENCE)
        assert [line.name for line in get_activity(session, entry_id, viewer=me).files] == ["合同.pdf"]
        actions.withdraw(
            session, get_activity(session, entry_id, viewer=me).activity, actor=me, today=TODAY, version=None,
            reason="记错了企业",
        )  # fmt: skip
        commit(session)
        assert get_activity(session, entry_id, viewer=me).files == []
    assert client.get(f"/files/{file_id}").status_code == 404, "what was taken back takes its files along"


def test_a_file_stands_in_the_stream_of_its_record(session: Session, firm_id: int) -> None:
    keep(session, firm_id, "年报.pdf", PDF, people.SCIENCE)
    shown = stream(session, ("firm", firm_id), people.actor(session, people.LEADER), today=TODAY)
    of_files = [entry for entry in shown.entries if entry.source == FILES.code]
    assert [entry.details.name for entry in of_files] == ["年报.pdf"]


# --- what is taken ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", GOOD)
def test_what_an_office_works_with_is_taken(name: str) -> None:
    assert "html" not in check_file(name, io.BytesIO(GOOD[name]))


@pytest.mark.parametrize("name", BAD)
def test_what_is_not_what_its_name_says_is_refused_in_words(app: Flask, name: str) -> None:
    with pytest.raises(Refused) as refusal:
        check_file(clean_name(name), io.BytesIO(BAD[name]))
    with app.test_request_context():
        assert name in say(refusal.value)


def test_a_program_called_docx_is_told_what_it_is(app: Flask) -> None:
    with pytest.raises(Refused) as refusal:
        check_file("真的.docx", io.BytesIO(EXE))
    with app.test_request_context():
        assert "内容其实是程序" in say(refusal.value)


def test_a_comment_without_end_is_judged_quickly() -> None:
    started = now()
    with pytest.raises(Refused):
        check_file("a.txt", io.BytesIO(b"<!---->" * 600 + b"<" * 60_000))
    check_file("b.txt", io.BytesIO(b"a" * 3_000_000))
    assert (now() - started).total_seconds() < 3


def test_too_large_is_told_before_it_is_read() -> None:
    with pytest.raises(Refused) as refusal:
        check_file("大.pdf", io.BytesIO(PDF + bytes(LARGEST)))
    assert refusal.value.params["most"] == 50


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ("𠮷 报告 (终稿).pdf", "𠮷 报告 (终稿).pdf"),
        ("../../etc/passwd.pdf", "passwd.pdf"),
        ("C:\\Users\\a\\年报.pdf", "年报.pdf"),
        ("a\x00b\r\nSet-Cookie: x.pdf", "abSet-Cookie: x.pdf"),
        ("报告\u202efdp.exe", "报告fdp.exe"),
        ("evil.exe. . ", "evil.exe"),
        (".pdf", "未命名.pdf"),
        ("..", "未命名"),
        ("", "未命名"),
        (None, "未命名"),
        ("长" * 400 + ".pdf", "长" * 176 + ".pdf"),
        ("<b>&'\".pdf", "<b>&'\".pdf"),
        ("﨑.txt", "﨑.txt"),
    ],
)
def test_names_survive_without_what_is_dangerous(raw: str | None, kept: str) -> None:
    assert clean_name(raw) == kept


NAMES = (
    "𠮷 报告 (终稿).pdf",
    "<img src=x onerror=alert(1)>.pdf",
    '"; filename="x.html.pdf',
    "a%0d%0ab.pdf",
    "=1+1.pdf",
)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_is_handed_out_to_be_saved_and_never_shown(
    client: FlaskClient, firm_id: int, name: str
) -> None:
    people.sign_in(client, people.SCIENCE)
    with client.application.app_context():
        file_id = keep(db.session(), firm_id, name, PDF, people.SCIENCE).id
    answer = client.get(f"/files/{file_id}")
    told = answer.headers["Content-Disposition"]
    assert told.startswith("attachment;")
    encoded = re.search(r"; filename\*=UTF-8''([^;]+)$", told)
    assert encoded is not None and unquote(encoded[1]) == name
    assert told.count('"') == 2 and told.isascii()
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Length"] == str(len(PDF))
    page = client.get(f"/records/firm/{firm_id}/files").get_data(as_text=True)
    assert "<img src=x" not in page


def test_no_type_is_ever_handed_out_that_a_browser_would_run() -> None:
    kinds = {check_file(name, io.BytesIO(content)) for name, content in GOOD.items()}
    assert not [kind for kind in kinds if re.search("html|svg|xml$|javascript", kind)]


# --- uploading ----------------------------------------------------------------------------------------------------


def test_the_timeline_links_a_file_once_it_may_be_fetched(client: FlaskClient, firm_id: int) -> None:
    people.sign_in(client, people.SCIENCE)
    send(client, firm_id, ("年报.pdf", PDF))
    page = client.get(f"/records/firm/{firm_id}/timeline").get_data(as_text=True)
    assert 'href="/files/1"' in page and "年报.pdf" in page


def test_several_files_come_at_once_and_the_page_says_so(
    client: FlaskClient, firm_id: int, folder: Path
) -> None:
    people.sign_in(client, people.SCIENCE)
    answer = send(client, firm_id, ("𠮷 报告.pdf", PDF), ("台账.xlsx", GOOD["台账.xlsx"]))
    assert (answer.status_code, answer.location) == (303, f"/firms/{firm_id}#files")
    page = client.get(f"/records/firm/{firm_id}/files").get_data(as_text=True)
    assert "𠮷 报告.pdf" in page and "台账.xlsx" in page and "叶知秋" in page
    names = {path.name for path in stored(folder)}
    assert len(names) == 2 and all(re.fullmatch("[0-9a-f]{64}", name) for name in names)
    assert "records/firm" in client.get(f"/firms/{firm_id}").get_data(as_text=True)


def test_one_bad_file_among_good_ones_and_nothing_is_kept(
    client: FlaskClient, firm_id: int, folder: Path
) -> None:
    people.sign_in(client, people.SCIENCE)
    answer = send(client, firm_id, ("年报.pdf", PDF), ("真的.docx", EXE), ("页面.html", b"<html>"))
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "真的.docx" in page and "页面.html" in page and "这次都没有保存" in page
    assert stored(folder) == [] and count(client.application) == 0


def test_nothing_chosen_and_too_many_are_told(client: FlaskClient, firm_id: int) -> None:
    people.sign_in(client, people.SCIENCE)
    nothing = people.post(client, f"/records/firm/{firm_id}/files", {})
    assert nothing.status_code == 422 and "请选择" in nothing.get_data(as_text=True)
    many = send(client, firm_id, *((f"{n}.pdf", PDF) for n in range(MOST + 1)))
    assert many.status_code == 422 and str(MOST) in many.get_data(as_text=True)


def test_what_is_too_large_for_the_web_is_told(
    client: FlaskClient, firm_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    people.sign_in(client, people.SCIENCE)
    monkeypatch.setitem(client.application.config, "MAX_CONTENT_LENGTH", 10_000)
    answer = send(client, firm_id, ("大.pdf", PDF + bytes(20_000)))
    assert answer.status_code == 413 and "64 MB" in answer.get_data(as_text=True)


def test_a_quota_is_a_persons_and_counts_a_content_once(session: Session, firm_id: int, folder: Path) -> None:
    big, small = PDF + b"a" * 600, PDF
    keep(session, firm_id, "一.pdf", big, people.SCIENCE, quota=1000)
    keep(session, firm_id, "同一份.pdf", small, people.SCIENCE, quota=1000)
    with pytest.raises(Refused) as refusal:
        keep(session, firm_id, "三.pdf", PDF + b"b" * 600, people.SCIENCE, quota=1000)
    assert refusal.value.field == "files"
    session.rollback()
    keep(session, firm_id, "三.pdf", PDF + b"b" * 600, people.FINANCE, quota=1000)


def test_the_quota_of_the_setting_is_told_on_the_page(client: FlaskClient, firm_id: int) -> None:
    people.sign_in(client, people.SCIENCE)
    app, before = client.application, client.application.config["TIDUI"]
    app.config["TIDUI"] = dataclasses.replace(before, file_quota=10)
    try:
        answer = send(client, firm_id, ("年报.pdf", PDF))
    finally:
        app.config["TIDUI"] = before
    assert answer.status_code == 422 and "限额" in answer.get_data(as_text=True)
    assert count(app) == count(app, StoredFile) == 0


def test_the_same_file_sent_twice_is_there_once(client: FlaskClient, firm_id: int, folder: Path) -> None:
    people.sign_in(client, people.SCIENCE)
    assert [send(client, firm_id, ("年报.pdf", PDF)).status_code for _ in range(2)] == [303, 303]
    assert count(client.application) == count(client.application, StoredFile) == len(stored(folder)) == 1
    send(client, firm_id, ("年报(副本).pdf", PDF))
    assert (count(client.application), count(client.application, StoredFile), len(stored(folder))) == (
        2,
        1,
        1,
    )


def test_the_same_content_at_once_by_many_is_kept_once(app: Flask, firm_id: int, folder: Path) -> None:
    start, problems = threading.Barrier(6), []

    def one(who: people.Person) -> None:
        client = people.sign_in(app.test_client(), who)
        start.wait()
        answer = send(client, firm_id, ("年报.pdf", PDF))
        if answer.status_code != 303:
            problems.append(answer.get_data(as_text=True))

    cast = [people.SCIENCE, people.SCIENCE_2, people.FINANCE] * 2
    threads = [threading.Thread(target=one, args=(who,)) for who in cast]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert (count(app), count(app, StoredFile), len(stored(folder))) == (1, 1, 1)


def test_a_full_disk_is_told_and_leaves_nothing(
    client: FlaskClient, firm_id: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    people.sign_in(client, people.SCIENCE)

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("crm.core.files.os.fsync", full)
        answer = send(client, firm_id, ("年报.pdf", PDF))
    page = answer.get_data(as_text=True)
    assert answer.status_code == 503 and "磁盘满了" in page and "multipart/form-data" in page
    assert stored(folder) == [] and count(client.application) == count(client.application, StoredFile) == 0
    assert send(client, firm_id, ("年报.pdf", PDF)).status_code == 303
