"""Sign-in: the one form of an account name, tries and locks, how long a session lasts (trust.md § Decided 1, 2)."""

from __future__ import annotations

import datetime as dt
import math
import re

from crm.core.folding import fold
from crm.core.words import N_, Refused

TRIES, LOCK_MINUTES, WINDOW_HOURS = 5, 10, 24
ADDRESS_TRIES, ADDRESS_MINUTES, PAUSE, PAUSE_TOP = 100, 5, 2, 20
FAILED_LATELY = 120  # seconds for which a browser that failed lets those go first that did not
IDLE_MINUTES, ABSOLUTE_HOURS = 30, 12
SEEN_EVERY = 60  # seconds between two refreshes of the cookie's `seen`
SEEN_STORED = 300  # seconds between two notes in the database that a session is in use

_USERNAME = re.compile(r"[0-9a-z\u4e00-\u9fff][0-9a-z\u4e00-\u9fff._@-]{1,31}")


def fold_name(username: str) -> str:
    """The one form of an account name, so that case, spaces, invisible and width variants are the same account."""
    return fold(username[:256])[:64]


def check_username(username: str) -> str:
    """The folded form of a new account name; raises `Refused` when it cannot be one."""
    key = fold_name(username)
    if not _USERNAME.fullmatch(key) or len(username) > 64:
        raise Refused(
            N_("用户名用 2 到 32 个字母、数字、汉字或 . _ - @，以字母、数字或汉字开头。"), field="username"
        )
    return key


def account_key(username: str) -> str:
    """The throttle's key of an account, whether it exists or not."""
    return "name:" + fold_name(username)


def address_key(address: str) -> str:
    """The throttle's key of an address."""
    return "from:" + address[:64]


def is_fresh(key: str, first_at: dt.datetime, at: dt.datetime) -> bool:
    """Whether earlier failures still count together with one of now."""
    if key.startswith("from:"):
        return at - first_at < dt.timedelta(minutes=ADDRESS_MINUTES)
    return at - first_at < dt.timedelta(hours=WINDOW_HOURS)


def pause_for(address_failures: int, failed_ago: float | None) -> int:
    """Seconds a browser has to let pass before its next try, 0 when it may go on.

    From an address with very many failures a browser that has just failed itself has to pause. The address is never
    locked (a bureau shares one): who has not failed goes straight in. `failed_ago`: seconds since this browser's failure.
    """
    if address_failures < ADDRESS_TRIES or failed_ago is None:
        return 0
    pause = min(PAUSE_TOP, PAUSE * (address_failures // ADDRESS_TRIES))
    return max(0, math.ceil(pause - failed_ago)) if failed_ago >= 0 else pause


def is_idle(seen: int, at: dt.datetime, minutes: int = IDLE_MINUTES) -> bool:
    """Whether a session last used at `seen` (seconds) has been left too long; one from the future has, too."""
    age = at.timestamp() - seen
    return age > minutes * 60 or age < -SEEN_EVERY


_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("MicroMessenger", "WeChat"),
    ("DingTalk", "DingTalk"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


def browser(agent: str) -> str:
    """A browser and its system in two words, so that a person knows the own devices."""
    found = [next((name for mark, name in marks if mark in agent), "") for marks in (_BROWSERS, _SYSTEMS)]
    return " · ".join(part for part in found if part) or agent[:30] or "—"
