"""The project's own Python environment in ``.venv``, filled from the hashed locks."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from crm.bootstrap import stamps
from crm.bootstrap.say import Stop, line
from crm.bootstrap.streams import diagnose, run_quietly

LOCKS = {"runtime": "requirements.txt", "dev": "requirements-dev.txt", "node": "requirements-node.txt"}
DROPPED = (
    "PYTHONHOME",
    "PYTHONPATH",
    "PIP_USER",
    "PIP_TARGET",
    "PIP_PREFIX",
    "PIP_ROOT",
    "PIP_REQUIRE_VIRTUALENV",
)


def executable(venv: Path) -> Path:
    return venv / "Scripts" / "python.exe" if sys.platform == "win32" else venv / "bin" / "python"


def stamp_path(root: Path) -> Path:
    return root / ".venv" / "crm-stamp.json"


def wanted(root: Path, kind: str) -> str:
    return stamps.digest([root / LOCKS[kind]], stamps.python_tag())


def is_fresh(root: Path, *, dev: bool) -> bool:
    stamp = stamps.read(stamp_path(root))
    return (
        executable(root / ".venv").exists()
        and stamp.get("runtime") == wanted(root, "runtime")
        and (not dev or stamp.get("dev") == wanted(root, "dev"))
    )


def clean_environment() -> dict[str, str]:
    """The environment for pip: its index settings stay, what would send packages elsewhere goes."""
    kept = {key: value for key, value in os.environ.items() if key.upper() not in DROPPED}
    return kept | {"PYTHONUTF8": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}


def base_python() -> str:
    """The Python a venv is made from: never the one inside the venv that is about to be replaced."""
    if sys.prefix != sys.base_prefix:
        return getattr(sys, "_base_executable", "") or sys.executable
    return sys.executable


def build(root: Path, *, dev: bool) -> None:
    """Make ``.venv`` new beside the old one and swap: an interrupted set-up leaves the old one, or none."""
    # a name of its own: pip may outlive a set-up that was killed, and must not write into the next one's folder
    fresh, old, final = root / f".venv.new-{os.getpid()}", root / ".venv.old", root / ".venv"
    try:
        stamps.clear(root, ".venv.new*", ".venv.old")
        made = subprocess.run(  # noqa: S603
            [base_python(), "-m", "venv", str(fresh)],
            env=clean_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        if made.returncode:
            said = made.stdout + made.stderr
            if "ensurepip" in said and "No space" not in said:
                raise Stop(
                    "不能建立 .venv：这个 Python 缺少 ensurepip。Debian/Ubuntu 上请先运行：apt install python3-venv",
                    "Cannot make .venv: this Python has no ensurepip. On Debian/Ubuntu run: apt install python3-venv",
                    code=2,
                )
            raise diagnose(said, "venv", root)
        stamp = {"runtime": wanted(root, "runtime")}
        install(root, executable(fresh), "dev" if dev else "runtime")
        if dev:
            stamp["dev"] = wanted(root, "dev")
        _move_scripts(fresh, final)
        stamps.write(fresh / "crm-stamp.json", stamp)
        if final.exists():
            final.rename(old)
        fresh.rename(final)
    finally:
        stamps.clear(root, fresh.name, old.name)


def add_dev(root: Path) -> None:
    """The development packages on top: their lock pins the same run-time versions, so this only adds."""
    install(root, executable(root / ".venv"), "dev")
    stamp = stamps.read(stamp_path(root))
    stamps.write(stamp_path(root), stamp | {"dev": wanted(root, "dev")})


def install(root: Path, python: Path, kind: str) -> None:
    """pip, from the lock of that kind, every file checked against its hash. Raises `Stop`."""
    lock = root / LOCKS[kind]
    if not lock.is_file():
        raise Stop(f"缺少锁定文件 {lock.name}。", f"The lock {lock.name} is missing.")
    total = len(re.findall(r"(?m)^[A-Za-z0-9][^\s=]*==", lock.read_text(encoding="utf-8")))
    seen = 0

    def heard(row: str) -> None:
        nonlocal seen
        if row.startswith("Collecting "):
            seen += 1
            name = re.split(r"[=<> ]", row.removeprefix("Collecting ").strip())[0]
            if sys.stderr.isatty():
                print(f"\r    {seen}/{total} {name:<40}", end="", file=sys.stderr, flush=True)
            elif seen % 20 == 0:
                line(f"    {seen}/{total} {name}")
        elif row.startswith("Installing collected"):
            if sys.stderr.isatty():
                print("\r", end="", file=sys.stderr)
            line(f"    {seen}/{total} 已下载，正在安装", "downloaded, installing")

    command = [str(python), "-m", "pip", "install", "--require-hashes", "--prefer-binary"]
    command += ["--progress-bar=off", "--no-warn-script-location", "-r", str(lock)]
    run_quietly(
        command,
        cwd=root,
        env=clean_environment(),
        what="pip",
        heard=heard,
    )


def _move_scripts(fresh: Path, final: Path) -> None:
    """Console scripts and activate files name the folder they were made in: write the final one."""
    before, after = str(fresh).encode(), str(final).encode()
    for path in (*executable(fresh).parent.iterdir(), fresh / "pyvenv.cfg"):
        if path.is_file() and not path.is_symlink() and path.stat().st_size < 100_000:
            data = path.read_bytes()
            if before in data and b"\0" not in data:
                path.write_bytes(data.replace(before, after))
