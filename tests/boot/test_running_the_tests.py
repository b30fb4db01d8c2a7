"""``python3 -m crm test``: which checks run, with what, and when the whole has passed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from crm.bootstrap import browser, entry, testing, vendor
from tests import databases


def names(*arguments: str) -> list[str]:
    return [stage.name for stage in testing.stages("python", list(arguments))]


def test_without_arguments_everything_runs_in_order() -> None:
    static = ["ruff check", "ruff format", "mypy", "djlint"]
    assert names() == [*static, "SQLite", "PostgreSQL", "browser"]


def test_arguments_go_to_pytest_on_both_databases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(entry.ROOT)
    assert names("-k", "sign") == ["SQLite", "PostgreSQL", "browser"]
    assert names("tests/boot") == ["SQLite", "PostgreSQL"]
    assert names("tests/browser/test_first_visit.py") == ["browser"]
    assert all("tests/boot" in stage.command for stage in testing.stages("python", ["tests/boot"]))


def test_the_browser_tests_do_not_run_with_the_others() -> None:
    by_name = {stage.name: stage.command for stage in testing.stages("python", [])}
    assert "--ignore=tests/browser" in by_name["SQLite"]
    assert "tests/browser" in by_name["browser"]
    assert "tests/databases.py" in [Path(word).as_posix() for word in by_name["PostgreSQL"]]


def test_settings_of_an_installation_do_not_reach_the_tests() -> None:
    env = {
        "CRM_DATABASE_URL": "postgresql://real",
        "CRM_TRIAL_DATA": "/lists",
        "CRM_DATA": "/real",
        "PATH": "/bin",
    }
    clean = testing.clean_environment(env, "/tmp/data")
    assert clean == {"CRM_TRIAL_DATA": "/lists", "CRM_DATA": "/tmp/data", "PATH": "/bin", "PYTHONUTF8": "1"}


def test_the_databases_lie_in_memory_only_where_there_is_room(tmp_path: Path) -> None:
    assert testing.in_memory(tmp_path, 1) == tmp_path
    assert testing.in_memory(tmp_path, 10**18) is None
    assert testing.in_memory(tmp_path / "missing", 1) is None


def test_a_stage_finds_its_folders_and_they_are_gone_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    told = "import os, pathlib, sys, tempfile; here = pathlib.Path(tempfile.gettempdir()); "
    told += "sys.exit(0 if pathlib.Path(os.environ['CRM_DATA']).parent == here else 1)"
    kept: list[str] = []
    run_as_before = testing._run

    def watched(command: list[str], root: Path, env: dict[str, str]) -> int:
        kept.append(env["TMPDIR"])
        return run_as_before(command, root, env)

    monkeypatch.setattr(testing, "_run", watched)
    monkeypatch.setattr(
        testing, "stages", lambda python, arguments: [testing.Stage("some", [sys.executable, "-c", told])]
    )
    assert testing.run(entry.ROOT, Path(sys.executable), []) == 0
    assert kept and not Path(kept[0]).exists()


def stage(name: str, code: int, may_be_empty: bool = False) -> testing.Stage:
    return testing.Stage(name, [sys.executable, "-c", f"raise SystemExit({code})"], may_be_empty)


@pytest.mark.parametrize(
    ("codes", "result"), [((0, 0), 0), ((1, 0), 1), ((0, 2), 1), ((0, testing.NOTHING_COLLECTED), 1)]
)
def test_one_failure_fails_the_whole_and_the_rest_still_runs(
    codes: tuple[int, int], result: int, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    made = [stage(f"stage{number}", code) for number, code in enumerate(codes)]
    monkeypatch.setattr(testing, "stages", lambda python, arguments: made)
    assert testing.run(entry.ROOT, Path(sys.executable), []) == result
    said = capfd.readouterr().err
    assert "stage0" in said
    assert "stage1" in said
    assert ("All passed" in said) == (result == 0)


def test_a_choice_that_matches_nothing_in_one_stage_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    made = [stage("some", 0), stage("none", testing.NOTHING_COLLECTED, may_be_empty=True)]
    monkeypatch.setattr(testing, "stages", lambda python, arguments: made)
    assert testing.run(entry.ROOT, Path(sys.executable), ["-k", "x"]) == 0


def test_a_stage_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(testing, "LONGEST", 0.3)
    assert testing._run([sys.executable, "-c", "import time; time.sleep(60)"], entry.ROOT, {}) == 124


def test_no_database_is_a_failure_and_no_skip(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("CRM_TEST_PG_URL", raising=False)
    monkeypatch.setattr(databases, "find_spec", lambda name: None)
    monkeypatch.setattr(Path, "glob", lambda self, pattern: iter(()))
    assert databases.main(["true"]) == 1
    assert "CRM_TEST_PG_URL" in capsys.readouterr().err


def test_a_given_server_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRM_TEST_PG_URL", "postgres://me@db.example/x")
    with databases.postgres() as url:
        assert url == "postgresql+psycopg://me@db.example/x"


def test_a_real_server_starts_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CRM_TEST_PG_URL", raising=False)
    with databases.postgres() as url:
        script = "import psycopg, sys; print(psycopg.connect(sys.argv[1]).execute('show server_encoding').fetchone()[0])"
        plain = databases._libpq_url(url)
        done = subprocess.run(
            [sys.executable, "-c", script, plain], capture_output=True, text=True, timeout=60
        )
        assert done.stdout.strip() == "UTF8"
    import psycopg

    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(plain, connect_timeout=5)


def test_a_browser_that_does_not_start_is_passed_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    broken = tmp_path / "chromium"
    broken.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(browser, "PLACES", ())
    assert browser.of_the_machine() is None
    broken.write_text("#!/bin/sh\nexit 0\n", encoding="utf-8")
    assert browser.of_the_machine() == broken


def test_every_icon_in_use_is_drawn() -> None:
    sprite = (entry.ROOT / "static" / "vendor" / "icons.svg").read_text(encoding="utf-8")
    assert 'data-unknown=""' in sprite, sprite.partition("\n")[0]
    assert vendor.used_icons(entry.ROOT) <= vendor.drawn_icons(entry.ROOT)
