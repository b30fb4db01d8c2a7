"""The password policy: long enough, of three kinds, and not one that guessers try first (trust.md § Decided 1).

A password is measured by what is left of it: a common word, a place or bureau of the zone, a keyboard run, a
sequence, a year or a repetition counts as one character, however long and however it is decorated.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from crm.core.folding import fold
from crm.core.words import N_, Refused

ONE_TIME_HOURS = 72  # a one-time password given on a Friday is good on Monday morning
MAX_LENGTH = 256
PASSPHRASE, HAN_PASSPHRASE, LONG = 20, 8, 32
MIN_STRENGTH = 6


@dataclass(frozen=True, slots=True)
class PasswordPolicy:
    """What the security administrator can set; the defaults are those of 等保 (level 3)."""

    min_length: int = 8
    kinds: int = 3
    max_age_days: int = 90  # 0: never has to be changed
    remembered: int = 0  # old passwords that may not come back


DEFAULT_POLICY = PasswordPolicy()


def _words(name: str) -> tuple[str, ...]:
    lines = Path(__file__).with_name(name).read_text(encoding="utf-8").splitlines()
    return tuple(word for line in lines if not line.startswith("#") for word in line.split())


COMMON, PLACES = _words("common.txt"), _words("places.txt")
_ROWS = (
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "abcdefghijklmnopqrstuvwxyz",
    "1234567890",
    "01234567890",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
    "qazwsxedcrfvtgbyhnujm",
    "1q2w3e4r5t6y7u8i9o0p",
    "q1w2e3r4t5y6u7i8o9p0",
    "a1b2c3d4e5f6g7h8",
    "147258369",
    "741852963",
    "0987654321",
)
_RUNS = tuple(run for row in _ROWS for run in (row, row[::-1]))
# what a character may stand for: leet letters and the digit under the same key
_STANDS = {
    "@": "a2",
    "4": "a",
    "8": "b",
    "(": "c9",
    "3": "e",
    "6": "g",
    "9": "g",
    "1": "il",
    "!": "il1",
    "|": "il",
    "0": "o",
    "$": "s4",
    "5": "s",
    "7": "t",
    "+": "t",
    "2": "z",
    "#": "3",
    "%": "5",
    "^": "6",
    "&": "7",
    "*": "8",
    ")": "0",
}
_KIND_PATTERNS = (r"[a-z]", r"[A-Z]", r"[0-9]", r"[ -/:-@\[-`{-~]", r"[^\x00-\x7f]")
_YEAR = re.compile(r"(?=((?:19|20)\d\d(?:(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])?)?))")
_SAME = re.compile(r"(?=((.)\2{2,}))")
_AGAIN = re.compile(r"(.{2,}?)(\1+)")


def check_password(
    password: str, policy: PasswordPolicy = DEFAULT_POLICY, *, username: str = "", name: str = ""
) -> None:
    """Raises `Refused` when a new password breaks the policy (等保: ≥ 8 characters of 3 kinds, not a common one).

    64 and more characters and Chinese are allowed; Chinese characters are a kind of their own, and a long phrase or
    one of eight different Chinese characters needs no other kinds.
    """
    if len(password) < policy.min_length:
        raise Refused(N_("口令至少要 %(n)s 个字符。"), n=policy.min_length, field="password")
    if len(password) > MAX_LENGTH:
        raise Refused(N_("口令最多 %(n)s 个字符。"), n=MAX_LENGTH, field="password")
    kinds = sum(bool(re.search(pattern, password)) for pattern in _KIND_PATTERNS)
    han = len(set(re.findall(r"[\u3400-\u9fff\U00020000-\U0003ffff]", password)))
    if kinds < policy.kinds and len(password) < PASSPHRASE and han < HAN_PASSPHRASE:
        raise Refused(
            N_("口令要含大写字母、小写字母、数字、符号、汉字中的至少 %(n)s 种。"),
            n=policy.kinds,
            field="password",
        )
    folded = unicodedata.normalize("NFKC", password).casefold()
    own = tuple(part for part in (fold(username), fold(name)) if len(part) >= 2)
    if _strength(folded, (*PLACES, *own)) < MIN_STRENGTH <= _strength(folded, ()):
        raise Refused(N_("口令不能以单位、地名或自己的账号、姓名为主。"), field="password")
    if _strength(folded, (*COMMON, *PLACES, *own)) < MIN_STRENGTH and (
        len(folded) < LONG or len(set(folded)) < 3
    ):
        raise Refused(N_("这个口令太常见，请换一个。"), field="password")


def _strength(text: str, words: Iterable[str]) -> int:
    """How many characters are left when every known piece counts as one: the cheapest way to write the text."""
    pieces: dict[int, list[int]] = {}
    for start, end in _pieces(text, words):
        pieces.setdefault(start, []).append(end)
    cost = [0] + [len(text)] * len(text)
    for start in range(len(text)):
        for end in (start + 1, *pieces.get(start, ())):
            cost[end] = min(cost[end], cost[start] + 1)
    return cost[-1]


def _pieces(text: str, words: Iterable[str]) -> Iterator[tuple[int, int]]:
    stands = [char + _STANDS.get(char, "") for char in text]
    for word in words:
        for start in range(len(text) - len(word) + 1):
            if all(word[at] in stands[start + at] for at in range(len(word))):
                yield start, start + len(word)
    for start in range(len(text)):
        for run in _RUNS:
            for begin in range(len(run) - 2):
                length = 0
                while (
                    start + length < len(text)
                    and begin + length < len(run)
                    and run[begin + length] in stands[start + length]
                ):
                    length += 1
                if length >= 3:
                    yield start, start + length
    for pattern in (_YEAR, _SAME):
        for found in pattern.finditer(text):
            yield found.start(), found.start() + len(found.group(1))
    for found in _AGAIN.finditer(text):
        yield found.start(2), found.end(2)


def is_expired(
    changed_at: dt.datetime | None, at: dt.datetime, days: int = DEFAULT_POLICY.max_age_days
) -> bool:
    """Whether a password is older than the policy allows; 0 days means it never is."""
    return changed_at is not None and days > 0 and at - changed_at > dt.timedelta(days=days)


def one_time_until(given_at: dt.datetime | None, hours: int = ONE_TIME_HOURS) -> dt.datetime | None:
    """Until when a password given for one use opens the door; None when it is the person's own."""
    return None if given_at is None else given_at + dt.timedelta(hours=hours)


def is_spent(given_at: dt.datetime | None, at: dt.datetime, hours: int = ONE_TIME_HOURS) -> bool:
    """Whether a password given for one use has waited too long: it is then no better than a wrong one."""
    until = one_time_until(given_at, hours)
    return until is not None and at > until
