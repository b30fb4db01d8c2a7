"""Stamps tell what is already set up, so that the second start is instant; one lock keeps two set-ups apart."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

FORM = "1"  # raise it when set-up itself changes in a way that must be redone


def digest(paths: Iterable[Path], *more: str) -> str:
    """One hash over file contents and words; a missing file counts as empty."""
    total = hashlib.sha256(FORM.encode())
    for word in more:
        total.update(f"\0{word}".encode())
    for path in paths:
        data = path.read_bytes() if path.is_file() else b""
        total.update(hashlib.sha256(data.replace(b"\r\n", b"\n")).digest())
    return total.hexdigest()


def python_tag(version: tuple[int, ...] = sys.version_info[:2]) -> str:
    return f"{sys.implementation.name}-{version[0]}.{version[1]}-{sys.platform}"


def read(path: Path) -> dict[str, Any]:
    """A stamp, or an empty one when it is missing or broken."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def write(path: Path, stamp: dict[str, Any]) -> None:
    """Whole or not at all: written beside and renamed."""
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        beside.write_text(json.dumps(stamp, indent=1), encoding="utf-8")
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def clear(folder: Path, *patterns: str) -> None:
    """Remove what a set-up left: its own folders, or those of one that was killed."""
    for pattern in patterns:
        for path in folder.glob(pattern):
            shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def alone(root: Path, waiting: str = "") -> Iterator[None]:
    """Hold the project's set-up lock; the system lets go of it however the process ends."""
    if sys.platform == "win32":
        yield from _alone_on_windows(root)
        return
    import fcntl

    descriptor = os.open(root, os.O_RDONLY)  # the folder itself is locked: no lock file to leave behind
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if waiting:
                print(waiting, file=sys.stderr, flush=True)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _alone_on_windows(root: Path) -> Iterator[None]:
    place = root / ".crm-setup.lock"
    while True:
        try:
            descriptor = os.open(place, os.O_CREAT | os.O_EXCL | os.O_RDWR | getattr(os, "O_TEMPORARY", 0))
            break
        except (FileExistsError, PermissionError):
            time.sleep(0.5)
    try:
        yield
    finally:
        os.close(descriptor)  # O_TEMPORARY: the system removes the file with its last handle
