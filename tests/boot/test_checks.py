"""What the machine lacks is said in one sentence, before anything is made."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from crm.bootstrap import checks, entry, say


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def taken_port() -> object:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen(1)
        yield holder.getsockname()[1]


@pytest.mark.parametrize("version", [(3, 8), (3, 10), (2, 7)])
def test_an_old_python_is_refused_by_name(version: tuple[int, int]) -> None:
    with pytest.raises(say.Stop) as stopped:
        checks.python(version)
    assert f"{version[0]}.{version[1]}" in stopped.value.chinese
    assert "3.11" in stopped.value.english


@pytest.mark.parametrize("version", [(3, 11), (3, 13), (4, 0)])
def test_a_new_enough_python_passes(version: tuple[int, int]) -> None:
    checks.python(version)


def test_the_entry_file_can_be_read_by_an_old_python() -> None:
    """Its grammar is that of Python 3.7, so that the sentence is reached and no syntax error is."""
    import ast

    for name in ("__init__.py", "__main__.py"):
        text = (entry.ROOT / "crm" / name).read_text(encoding="utf-8")
        ast.parse(text, feature_version=(3, 7))
        assert "from __future__" not in text


def test_missing_venv_module_names_the_package_to_install() -> None:
    with pytest.raises(say.Stop) as stopped:
        checks.venv_module(lambda name: None if name == "ensurepip" else object())
    assert "python3-venv" in stopped.value.chinese
    checks.venv_module(lambda name: object())


def test_a_taken_port_is_refused_and_another_one_offered(taken_port: int) -> None:
    with pytest.raises(say.Stop) as stopped:
        checks.port_free("127.0.0.1", taken_port)
    assert f"端口 {taken_port} 已被占用" in stopped.value.chinese
    checks.port_free("127.0.0.1", free_port())


def test_a_taken_port_ends_the_command_before_set_up(project: Path, taken_port: int) -> None:
    done = run_bootstrap(project, [], CRM_PORT=str(taken_port))
    assert done.returncode == 1
    assert "已被占用" in done.stderr
    assert "is taken" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(project.glob(".*venv*"))
    assert not (project / "static").exists()


@pytest.mark.parametrize("raw", ["eighty", "80.5", "-1", "70000", "８０００"])
def test_a_port_that_is_no_number_is_refused(raw: str) -> None:
    with pytest.raises(say.Stop, match="CRM_PORT"):
        checks.address({"CRM_PORT": raw})


def test_the_address_defaults_to_this_machine() -> None:
    assert checks.address({}) == ("127.0.0.1", 8000)


def test_an_unknown_host_is_refused() -> None:
    with pytest.raises(say.Stop, match="CRM_HOST"):
        checks.port_free("no such host.invalid", 8000)


def test_too_little_room_says_how_much_is_needed(tmp_path: Path) -> None:
    with pytest.raises(say.Stop) as stopped:
        checks.room(tmp_path, 900 * checks.MEGABYTE, free=lambda place: 12 * checks.MEGABYTE)
    assert "900 MB" in stopped.value.chinese
    assert "12 MB" in stopped.value.english
    checks.room(tmp_path, 900 * checks.MEGABYTE, free=lambda place: 901 * checks.MEGABYTE)


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/x"), "磁盘已满"),
        (PermissionError(errno.EACCES, "Permission denied", "/x"), "不能读写"),
        (KeyboardInterrupt(), "已中止"),
        (ValueError("odd"), "没有预料到"),
    ],
)
def test_every_error_becomes_a_sentence(error: BaseException, word: str) -> None:
    stop = say.explain(error)
    assert word in stop.chinese
    assert "\n" not in stop.chinese
    assert stop.code != 0


def run_bootstrap(project: Path, arguments: list[str], **env: str) -> subprocess.CompletedProcess[str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("CRM_", "PYTHON"))}
    return subprocess.run(
        [getattr(sys, "_base_executable", sys.executable), "-m", "crm", *arguments],
        cwd=project,
        env={**kept, "PYTHONUTF8": "1", **env},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
    )
