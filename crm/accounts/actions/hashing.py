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
AT_ONCE, WAITING, RESERVED, PATIENCE = 2, 22, 4, 4.0  # the server has more threads than may be in here
BUSY = N_("现在登录的人太多，请过 %(n)s 秒再试。您填的内容没有问题，也没有计作输错。")


class Gate:
    """Lets `at_once` threads hash and `waiting` wait; the last `reserved` places are for known browsers."""

    def __init__(self, at_once: int, waiting: int, reserved: int, patience: float) -> None:
        self.places, self.reserved, self.patience = at_once + waiting, reserved, patience
        self._running = threading.BoundedSemaphore(at_once)
        self._lock = threading.Lock()
        self._inside = 0

    @contextmanager
    def pass_through(self, *, is_known: bool = False) -> Iterator[None]:
        """Wait for one's turn. Raises `Later` when there is no place left or the turn does not come soon."""
        with self._lock:
            if self._inside >= self.places - (0 if is_known else self.reserved):
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


GATE = Gate(AT_ONCE, WAITING, RESERVED, PATIENCE)


def hash_password(password: str) -> str:
    """The stored form of a password. Raises `Later` when too many hash already."""
    with GATE.pass_through(is_known=True):  # whoever sets a password is signed in
        return generate_password_hash(password, METHOD, 16)


def is_right(password_hash: str | None, password: str, *, is_known: bool = False) -> bool:
    """Whether a password fits. Costs the same for no account (None); an overlong one costs nothing and never fits.

    `is_known`: the browser has signed in to this account before. Raises `Later` when too many hash already.
    """
    if len(password) > MAX_LENGTH:
        return False
    with GATE.pass_through(is_known=is_known):
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
