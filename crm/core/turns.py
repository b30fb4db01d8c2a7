"""Whose turn it is to write on SQLite. Its own lock is taken by whoever happens to look at the right moment, so that one
save beside a busy import could wait for seconds; here all processes of one database queue, first come, first served.

A ticket is a byte of a small file beside the database, held by a lock of the open file: whoever dies, lets go. One
waits until the byte of the ticket before is free. The queue only orders; SQLite's own lock still guards, so that giving
up, or a system without such locks, costs fairness and nothing else.
"""

from __future__ import annotations

import os
import struct
import sys
import time
from typing import Any

if sys.platform == "linux":
    import fcntl

LIMIT = 8.0  # seconds in the queue; after that SQLite's own patience (busy_timeout) goes on
TICKETS = 1 << 16  # bytes to lock, used over and over; the first 8 bytes of the file hold the last number
_FIRST = 64
_MUTEX = 32
_SHORT, _LONG = 0.001, 0.004  # seconds between two looks


class Turn:
    """A place in the queue; `leave` lets the next one in."""

    __slots__ = ("_file",)

    def __init__(self, file: int) -> None:
        self._file = file

    def leave(self) -> None:
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)

    def __del__(self) -> None:
        self.leave()


def wait(path: str, limit: float = LIMIT) -> Turn | None:
    """Wait for one's turn, at most `limit` seconds. None when one gave up, or there is no such queue here."""
    if sys.platform != "linux" or not path:
        return None
    until = time.monotonic() + limit
    try:
        turn = Turn(file := os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        if not _held(file, _MUTEX, until):
            return None
        last = struct.unpack("<Q", os.pread(file, 8, 0).ljust(8, b"\0"))[0]
        os.pwrite(file, struct.pack("<Q", last + 1), 0)
        _try(file, _byte(last + 1))
        _free(file, _MUTEX)
        return turn if _held(file, _byte(last), until) else None
    except OSError:
        return None


def _byte(ticket: int) -> int:
    return _FIRST + ticket % TICKETS


def _held(file: int, byte: int, until: float) -> bool:
    """Get hold of a byte, looking again and again."""
    pause = _SHORT
    while not _try(file, byte):
        if time.monotonic() >= until:
            return False
        time.sleep(pause)
        pause = min(pause * 1.2, _LONG)
    return True


def _try(file: int, byte: int) -> bool:
    try:
        _call(file, fcntl.F_WRLCK, byte)
    except (BlockingIOError, PermissionError):
        return False
    return True


def _free(file: int, byte: int) -> None:
    _call(file, fcntl.F_UNLCK, byte)


def _call(file: int, kind: int, byte: int) -> Any:
    """A lock that belongs to the open file, not to the process: threads queue like processes."""
    return fcntl.fcntl(file, fcntl.F_OFD_SETLK, struct.pack("hhqqi4x", kind, os.SEEK_SET, byte, 1, 0))
