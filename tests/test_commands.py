"""What every command keeps: pure JSON, exit codes, an empty folder that works."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from crm.cli import main


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data folder on the embedded database."""
    monkeypatch.setenv("CRM_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("CRM_DEMO", "0")
    for name in ("CRM_DATABASE_URL", "CRM_SECRET_KEY", "CRM_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_an_empty_folder_is_migrated_first(empty: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["firms", "search", "温州", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert (empty / "data" / "tidui.sqlite").exists()


def test_a_street_of_the_plan_is_known_from_the_start(
    empty: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = empty / "firms.csv"
    file.write_text("企业名称,街道\n温州某某阀门有限公司,海城街道\n", encoding="utf-8")
    assert main(["firms", "import", str(file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["counts"]["new"] == 1


def test_a_refusal_is_one_sentence_and_not_zero(empty: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["firms", "import", str(empty / "missing.csv"), "--json"]) != 0
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.strip()
    assert "Traceback" not in told.err


def test_an_unknown_person_cannot_act(empty: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["firms", "search", "温州", "--as", "nobody", "--json"]) == 1
    assert "nobody" in capsys.readouterr().err


def test_wrong_usage_is_two(empty: Path) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["no-such-command"])
    assert stop.value.code == 2


def test_a_broken_setting_is_a_sentence(
    empty: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CRM_SECRET_KEY", "short")
    assert main(["firms", "search", "温州"]) == 1
    assert "CRM_SECRET_KEY" in capsys.readouterr().err


def test_demo_writes_invented_firms_and_the_chain_holds(
    empty: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", "--firms", "60", "--seed", "3", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["firms"] == 60
    assert main(["audit", "verify", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["whole"] is True
    assert main(["ladder", "count", "--as-of", "2026-01-01", "--stage", "micro-growth", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert sum(row["count"] for row in rows) == sum(len(row["ids"]) for row in rows) > 0
    assert main(["demo-accounts", "--json"]) == 1


def test_a_person_without_the_right_writes_no_demo_firms(
    empty: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["people", "add", "wang.li", "王莉", "--role", "read-only"]) == 0
    assert main(["demo", "--firms", "1", "--as", "wang.li"]) == 1
    assert main(["demo-accounts", "--as", "wang.li"]) == 1
    capsys.readouterr()
    assert main(["ladder", "count", "--as-of", "2026-01-01", "--stage", "micro-growth", "--json"]) == 0
    assert not any(row["count"] for row in json.loads(capsys.readouterr().out))


def test_an_administrator_counts_no_firms(empty: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["people", "add", "wang.li", "王莉", "--role", "auditor"]) == 0
    assert (
        main(["ladder", "count", "--as-of", "2026-01-01", "--stage", "micro-growth", "--as", "wang.li"]) == 1
    )


def holding(path: Path, seconds: float) -> subprocess.Popen[str]:
    """Another process in the middle of a write to the database."""
    held = (
        "import sqlite3, sys, time; c = sqlite3.connect(sys.argv[1], isolation_level=None); "
        "c.execute('BEGIN IMMEDIATE'); print('held', flush=True); time.sleep(float(sys.argv[2]))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", held, str(path), str(seconds)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    return process


def test_a_command_that_only_reads_does_not_wait_for_a_writer(empty: Path) -> None:
    file = empty / "firms.csv"
    file.write_text("企业名称\n温州某某阀门有限公司\n", encoding="utf-8")
    assert main(["firms", "import", str(file)]) == 0
    with holding(empty / "data" / "tidui.sqlite", 60) as writer:
        for command in (
            ["firms", "search", "阀门"],
            ["ladder", "count", "--as-of", "2026-06-30", "--kind", "high-tech"],
            ["audit", "verify"],
            ["people", "list"],
            ["firms", "import", str(file), "--dry-run"],
        ):
            begun = time.monotonic()
            assert main(command) == 0, command
            assert time.monotonic() - begun < 30, (
                command
            )  # a writer is waited for until the patience ends, and refused then
        writer.kill()


def test_an_export_reads_beside_a_writer_and_waits_only_to_be_noted(empty: Path) -> None:
    file, out = empty / "firms.csv", empty / "out.csv"
    file.write_text("企业名称\n温州某某阀门有限公司\n", encoding="utf-8")
    assert main(["firms", "import", str(file)]) == 0
    with holding(empty / "data" / "tidui.sqlite", 2) as writer:
        assert main(["firms", "export", str(out)]) == 0
        assert writer.wait(10) == 0  # the line in the audit came after
    assert "某某阀门" in out.read_text(encoding="utf-8-sig")
    assert not list(empty.glob("*.part"))
