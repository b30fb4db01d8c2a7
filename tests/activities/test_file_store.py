"""The store of contents: complete or not there, through crashes and full disks; and the commands that look after it."""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from crm.activities import commands
from crm.activities.actions import files, scanning
from crm.activities.actions.files import Upload
from crm.activities.models import StoredFile
from crm.activities.rules.words import Scan
from crm.core.cli import Context
from crm.core.clock import now
from crm.core.files import Folder, Gone, store, store_at
from crm.core.permissions import Actor, Forbidden, system
from crm.core.transaction import commit
from crm.core.words import Refused
from crm.firms import actions as registry
from tests import people
from tests.activities.contents import PDF
from tests.conftest import TODAY
from tests.house.source import ROOT


@pytest.fixture(autouse=True)
def folder(app: Flask, tmp_path: Path) -> Iterator[Path]:
    """An empty store for each test."""
    before = app.extensions["tidui-files"]
    app.extensions["tidui-files"] = Folder(tmp_path / "files")
    yield tmp_path / "files"
    app.extensions["tidui-files"] = before


def age(path: Path, hours: float) -> None:
    moment = time.time() - hours * 3600
    os.utime(path, (moment, moment))


def test_content_is_kept_under_its_hash_readable_by_the_owner_only(folder: Path) -> None:
    kept = Folder(folder).store(io.BytesIO(PDF))
    assert kept.sha256 == hashlib.sha256(PDF).hexdigest() and kept.size == len(PDF)
    path = folder / kept.sha256[:2] / kept.sha256[2:4] / kept.sha256
    assert path.read_bytes() == PDF
    assert path.stat().st_mode & 0o777 == 0o600 and folder.stat().st_mode & 0o077 == 0
    assert [key for key, _at in Folder(folder).iterate()] == [kept.sha256]


@pytest.mark.parametrize("key", ["../../etc/passwd", "a" * 63, "A" * 64, "a" * 64 + "\n", "", "a/" * 32])
def test_a_key_is_a_hash_and_never_a_path(folder: Path, key: str) -> None:
    kept = Folder(folder)
    for ask in (kept.exists, kept.open, kept.delete):
        with pytest.raises(ValueError, match="hash"):
            ask(key)


def test_what_is_not_there_is_gone(folder: Path) -> None:
    kept = Folder(folder)
    with pytest.raises(Gone):
        kept.open("0" * 64)
    assert not kept.exists("0" * 64)
    assert list(kept.iterate()) == list(kept.unfinished()) == []


def test_a_setting_that_is_no_folder_is_told(tmp_path: Path) -> None:
    assert isinstance(store_at("", tmp_path), Folder)
    assert store_at(f"file://{tmp_path}/a%20b", tmp_path) is not None
    assert store_at(f"file://{tmp_path}/a%20b", Path("x")).root == tmp_path / "a b"  # type: ignore[attr-defined]
    with pytest.raises(Refused):
        store_at("s3://bucket/files", tmp_path)


CRASH = """
import os, sys
from pathlib import Path
from crm.core.files import Folder

class Slow:
    def __init__(self): self.n = 0
    def read(self, size):
        self.n += 1
        if self.n == 3:
            print("half", flush=True)
            sys.stdin.read()
        return b"x" * size

if sys.argv[2] == "rename":
    def wait(*_paths):
        print("half", flush=True)
        sys.stdin.read()
    os.replace = wait
    Slow.read = lambda self, size: b"" if self.n else (setattr(self, "n", 1), b"x" * 100)[1]
Folder(Path(sys.argv[1])).store(Slow())
"""


@pytest.mark.parametrize("where", ["write", "rename"])
def test_killed_while_storing_no_broken_file_is_left(folder: Path, where: str) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", CRASH, str(folder), where], cwd=ROOT, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )  # fmt: skip
    assert child.stdin is not None and child.stdout is not None
    assert child.stdout.readline() == b"half\n"
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdin.close()
    child.stdout.close()
    kept = Folder(folder)
    assert list(kept.iterate()) == []
    assert len(list(kept.unfinished())) == 1
    content = kept.store(io.BytesIO(PDF))
    with kept.open(content.sha256) as stream:
        assert stream.read() == PDF


def test_a_stream_that_breaks_leaves_nothing(folder: Path) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        Folder(folder).store(Broken(b"x"))
    assert [path for path in folder.rglob("*") if path.is_file()] == []


# --- the commands -------------------------------------------------------------------------------------------------


def run(command: Any, *, actor: Actor | None = None, **arguments: Any) -> tuple[int, Any]:
    """Run a command with --json: its exit code and what it said."""
    out = io.StringIO()
    context = Context(actor or system("cli"), True, out, io.StringIO())
    code = command(argparse.Namespace(**arguments), context)
    return code or 0, json.loads(out.getvalue())


@pytest.fixture
def kept(session: Session) -> list[StoredFile]:
    """Three contents on a firm."""
    me = people.actor(session, people.SCIENCE)
    firm = registry.register(session, actor=me, today=TODAY, name="温州岚屿泵阀有限公司")
    received = files.receive(
        store(), [Upload(f"年报 {n}.pdf", io.BytesIO(PDF + bytes([65 + n]))) for n in range(3)]
    )
    made = files.attach(session, received, actor=me, today=TODAY, subject=("firm", firm.id), quota=10**9)
    commit(session)
    return [session.get_one(StoredFile, each.file_id) for each in made]


def test_verify_finds_nothing_where_nothing_is_wrong(
    app: Flask, session: Session, kept: list[StoredFile]
) -> None:
    code, found = run(commands.run_verify, tidy=False)
    assert code == 0 and found["files"] == 3 and found["bytes"] == 3 * (len(PDF) + 1)
    assert found["missing"] == found["changed"] == found["orphaned"] == found["unfinished"] == []


def test_verify_names_what_is_missing_changed_orphaned_and_unfinished(
    app: Flask, session: Session, kept: list[StoredFile], folder: Path
) -> None:
    missing, changed, _fine = (each.sha256 for each in kept)
    store().delete(missing)
    with (folder / changed[:2] / changed[2:4] / changed).open("r+b") as stream:
        stream.write(b"%PDX")  # of the same size
    orphan = store().store(io.BytesIO(b"nobody's")).sha256
    (folder / "parts" / ("0" * 32)).write_bytes(b"half")
    age(folder / "parts" / ("0" * 32), 2)
    code, found = run(commands.run_verify, tidy=False)
    assert code == 1
    assert [each["sha256"] for each in found["missing"]] == [missing]
    assert [each["sha256"] for each in found["changed"]] == [changed]
    assert found["missing"][0]["on"][0][2] == "年报 0.pdf"
    assert (found["orphaned"], found["unfinished"]) == ([orphan], ["0" * 32])
    out = io.StringIO()
    commands.run_verify(argparse.Namespace(tidy=False), Context(system("cli"), False, out, out))
    for part in (missing, changed, orphan, "年报 0.pdf", "缺失 1，改动 1，多余 1，没写完 1"):
        assert part in out.getvalue()


def test_tidying_deletes_what_is_a_day_old_and_belongs_to_nobody(
    app: Flask, session: Session, kept: list[StoredFile], folder: Path
) -> None:
    old, new = (store().store(io.BytesIO(text)).sha256 for text in (b"old", b"new"))
    age(folder / old[:2] / old[2:4] / old, 25)
    for each in kept:
        age(folder / each.sha256[:2] / each.sha256[2:4] / each.sha256, 500)
    code, found = run(commands.run_verify, tidy=True)
    assert (code, found["deleted"]) == (0, 1)
    assert not store().exists(old) and store().exists(new)
    assert all(store().exists(each.sha256) for each in kept)


def test_only_who_looks_after_the_machine_verifies(app: Flask, session: Session) -> None:
    for command in (commands.run_verify, commands.run_scan):
        with pytest.raises(Forbidden):
            run(command, actor=people.actor(session, people.SCIENCE), tidy=False)
    assert run(commands.run_verify, actor=people.actor(session, people.SYSTEM_ADMIN), tidy=False)[0] == 0


def test_what_waits_is_scanned_by_command(app: Flask, session: Session, kept: list[StoredFile]) -> None:
    ids = [each.id for each in kept]
    for each in kept:
        scanning.settle(session, each, Scan.WAITING, actor=system("tests"), at=now())
    commit(session)
    verdicts = iter([Scan.CLEAN, Scan.REFUSED, None])

    def scan(_path: Path) -> Scan:
        verdict = next(verdicts)
        if verdict is None:
            raise Refused("没有结论")
        return verdict

    scanning.SCANNER[:] = [scan]
    try:
        code, counts = run(commands.run_scan)
    finally:
        scanning.SCANNER.clear()
    assert (code, counts) == (1, {"clean": 1, "refused": 1, "waiting": 1})
    session.rollback()
    session.expire_all()
    assert [session.get_one(StoredFile, key).scan for key in ids] == [Scan.CLEAN, Scan.REFUSED, Scan.WAITING]
