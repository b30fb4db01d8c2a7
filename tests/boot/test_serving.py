"""The server's children: restarted when they die, gone when the server goes, kept under a memory limit."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from crm import serve
from crm.config import ROOT

PATIENCE = 20


def until(condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False


def alive(pid: int) -> bool:
    """False for a zombie too: the test is not the parent of every process it asks about."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_child_that_dies_is_started_again(tmp_path: Path) -> None:
    log = tmp_path / "starts"
    script = f"open({str(log)!r}, 'a').write('x')"
    keeper = serve.Keeper([sys.executable, "-c", script], back_off=(0.01,))
    keeper.start()
    try:
        assert until(lambda: log.exists() and len(log.read_text()) >= 3)
    finally:
        keeper.stop()
    starts = keeper.starts
    time.sleep(0.5)
    assert keeper.starts == starts


def test_the_pause_grows_while_a_child_dies_young(capfd: pytest.CaptureFixture[str]) -> None:
    keeper = serve.Keeper([sys.executable, "-c", "raise SystemExit(3)"], back_off=(0.01, 0.02, 300))
    keeper.start()
    try:
        assert until(lambda: keeper.starts == 3)
        time.sleep(0.8)
        assert keeper.starts == 3
    finally:
        began = time.monotonic()
        keeper.stop()
    assert time.monotonic() - began < 5
    assert "（3）" in capfd.readouterr().err


def test_a_child_ends_when_it_is_told_to() -> None:
    keeper = serve.Keeper([sys.executable, "-c", "import sys; sys.stdin.read()"])
    keeper.start()
    assert until(lambda: keeper.child is not None)
    keeper.stop()
    assert keeper.child is not None
    assert keeper.child.returncode == 0


CHILD = """
import sys, time
from crm import serve
from crm.config import ROOT
def run(argv):
    open(argv[0], "w").write(str(__import__("os").getpid()))
    time.sleep(600)
sys.exit(serve.child_main(sys.argv[1:], run))
"""
PARENT = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", sys.argv[1], sys.argv[2]], stdin=subprocess.PIPE, start_new_session=True)
time.sleep(600)
"""


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs /proc")
def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    parent = subprocess.Popen([sys.executable, "-c", PARENT, CHILD, str(note)], cwd=ROOT)
    try:
        assert until(lambda: note.exists() and note.read_text().isdigit())
        child = int(note.read_text())
        assert alive(child)
        parent.kill()
        parent.wait()
        gone = until(lambda: not alive(child))
        if not gone:
            os.kill(child, signal.SIGKILL)
        assert gone
    finally:
        parent.kill()
        parent.wait()


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's")
def test_a_child_cannot_eat_the_machine() -> None:
    script = (
        "from crm import serve; serve.limit_memory(400 * serve.MEGABYTE); bytearray(600 * serve.MEGABYTE)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert "MemoryError" in done.stderr


def test_the_greeting_names_address_and_sign_ins() -> None:
    opening = serve.Opening("示范账号", (serve.SignIn("science", "keji", "s3cret"),))
    text = serve.greeting(opening, "http://127.0.0.1:8000")
    assert "http://127.0.0.1:8000" in text
    assert "keji  s3cret  science" in text
    assert "s3cret" not in serve.greeting(serve.Opening(), "http://127.0.0.1:8000")
