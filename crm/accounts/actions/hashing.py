"""Hashing passwords (scrypt). Slow on purpose: call it outside of transactions, SQLite has one writer."""

from __future__ import annotations

import secrets

from werkzeug.security import check_password_hash, generate_password_hash

from crm.accounts.rules import MAX_LENGTH

METHOD = "scrypt:32768:8:1"
# what a password is checked against when there is no account: as slow as a real one, and nobody's
_NOBODYS = f"{METHOD}${'x' * 16}${'0' * 128}"
_LETTERS = ("abcdefghijkmnpqrstuvwxyz", "ABCDEFGHJKLMNPQRSTUVWXYZ", "23456789")  # none that look alike


def hash_password(password: str) -> str:
    """The stored form of a password."""
    return generate_password_hash(password, METHOD, 16)


def is_right(password_hash: str | None, password: str) -> bool:
    """Whether a password fits. Costs the same for no account (None); an overlong one costs nothing and never fits."""
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
