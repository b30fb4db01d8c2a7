"""Hashing passwords (scrypt). Slow on purpose: call it outside of transactions, SQLite has one writer.

At most two hash at once in a process and few wait, so that a flood of sign-ins leaves threads and processors for those
who are at work. Who finds no place is told to come back: `Later`.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from werkzeug.security import check_password_hash, generate_password_hash

from crm.accounts.rules import MAX_LENGTH
from crm.core.words import N_, Later

METHOD = "scrypt:32768:8:1"
# what a password is checked against when there is no account: as slow as a real one, and nobody's
_NOBODYS = f"{METHOD}${'x' * 16}${'0' * 128}"
_LETTERS = ("abcdefghijkmnpqrstuvwxyz", "ABCDEFGHJKLMNPQRSTUVWXYZ", "23456789")  # none that look alike
AT_ONCE, WAITING, PATIENCE = 2, 22, 8.0  # the server has more threads than may be in here
FOR_KNOWN, FOR_FRESH = (
    4,
    14,
)  # places kept for browsers known to the account, and for those that have not just failed
BUSY = N_("现在登录的人太多，请过 %(n)s 秒再试。您填的内容没有问题，也没有计作输错。")


class Gate:
    """Lets `at_once` threads hash and `waiting` wait their turn, `patience` seconds at most."""

    def __init__(self, at_once: int, waiting: int, patience: float) -> None:
        self.places, self.patience = at_once + waiting, patience
        self._running = threading.BoundedSemaphore(at_once)
        self._lock = threading.Lock()
        self._inside = 0

    @contextmanager
    def pass_through(self, *, kept: int = 0) -> Iterator[None]:
        """Wait for one's turn. Raises `Later` when there is no place left, `kept` places being for others, or the turn
        does not come soon."""
        with self._lock:
            if self._inside >= self.places - kept:
                raise Later(BUSY, seconds=2, n=2)
            self._inside += 1
        try:
            if not self._running.acquire(timeout=self.patience):
                raise Later(BUSY, seconds=2, n=2)
            try:
                yield
            finally:
                self._running.release()
        finally:
            with self._lock:
                self._inside -= 1


GATE = Gate(AT_ONCE, WAITING, PATIENCE)


def hash_password(password: str) -> str:
    """The stored form of a password. Raises `Later` when too many hash already."""
    with GATE.pass_through():
        return generate_password_hash(password, METHOD, 16)


def is_right(password_hash: str | None, password: str) -> bool:
    """Whether a password fits. Costs the same for no account (None); an overlong one costs nothing and never fits.
    Raises `Later` when too many hash already."""
    if len(password) > MAX_LENGTH:
        return False
    with GATE.pass_through():
        return fits(password_hash, password)


def fits(password_hash: str | None, password: str) -> bool:
    """The check of `is_right` for who is within the gate already."""
    if len(password) > MAX_LENGTH:
        return False
    usable = bool(password_hash) and "$" in (password_hash or "")
    return check_password_hash((password_hash or "") if usable else _NOBODYS, password) and usable


def one_time_password() -> str:
    """A random password for one use, easy to read aloud: four groups of four, three kinds of characters."""
    while True:
        groups = ["".join(secrets.choice("".join(_LETTERS)) for _ in range(4)) for _ in range(4)]
        made = "-".join(groups)
        if all(any(char in kind for char in made) for kind in _LETTERS):
            return made
