"""Writers of one SQLite database go in the order they came, in one process or in several."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from crm.config import ROOT
from crm.core import turns

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="no such locks here")


def test_writers_go_in_the_order_they_came(tmp_path: Path) -> None:
    queue, order = str(tmp_path / "q"), []
    first = turns.wait(queue)
    assert first is not None
    threads = []
    for n in range(8):
        thread = threading.Thread(target=lambda n=n: served(queue, n, order))
        thread.start()
        time.sleep(0.03)
        threads.append(thread)
    first.leave()
    for thread in threads:
        thread.join()
    assert order == list(range(8))


def served(queue: str, n: int, order: list[int]) -> None:
    turn = turns.wait(queue)
    assert turn is not None
    order.append(n)
    time.sleep(0.005)
    turn.leave()


def test_who_comes_again_and_again_does_not_keep_others_out(tmp_path: Path) -> None:
    queue, stop, waits = str(tmp_path / "q"), threading.Event(), []

    def busy() -> None:
        while not stop.is_set():
            turn = turns.wait(queue)
            time.sleep(0.02)
            if turn is not None:
                turn.leave()

    hog = threading.Thread(target=busy)
    hog.start()
    for _ in range(20):
        begun = time.monotonic()
        turn = turns.wait(queue)
        waits.append(time.monotonic() - begun)
        assert turn is not None
        turn.leave()
    stop.set()
    hog.join()
    assert max(waits) < 0.5, waits


def test_a_process_that_dies_lets_the_next_one_in(tmp_path: Path) -> None:
    queue = str(tmp_path / "q")
    holder = (
        "import sys, time; from crm.core import turns; turn = turns.wait(sys.argv[1]); "
        "print(turn is not None, flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holder, queue], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == "True\n"
        assert turns.wait(queue, 0.1) is None  # whoever gives up is told so
        process.kill()
        process.wait()
        assert turns.wait(queue, 2) is not None


def test_without_a_place_for_the_queue_writing_goes_on(tmp_path: Path) -> None:
    assert turns.wait(str(tmp_path / "no" / "folder")) is None
    assert turns.wait("") is None
    assert os.listdir(tmp_path) == []
