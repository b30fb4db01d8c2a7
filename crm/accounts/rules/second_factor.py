"""The second factor: time-based codes after RFC 6238 (SHA-1, 6 digits, 30 seconds), as authenticator apps make them."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
from collections.abc import Collection
from urllib.parse import quote, urlencode

from crm.accounts.rules.roles import ADMINISTRATORS, Role
from crm.core.folding import fold

STEP, DIGITS, DRIFT = 30, 6, 1
PENDING_MINUTES = 5  # between the right password and the code
RECOVERY_CODES, RECOVERY_LENGTH = 10, 16  # 80 random bits each, so that their hash needs no salt nor slowness
_BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


def recovery_form(typed: str) -> str | None:
    """The one form of a recovery code (no spaces, dashes or case), or None when it cannot be one."""
    code = "".join(char for char in fold(typed[:80]).upper() if char in _BASE32)
    return code if len(code) == RECOVERY_LENGTH else None


def in_groups(code: str) -> str:
    """A secret in groups of four, to be written down."""
    return "-".join(code[at : at + 4] for at in range(0, len(code), 4))


def is_required(roles: Collection[Role], *, is_exempt: bool, also: Collection[str] = ()) -> bool:
    """Whether these roles need a second factor (trust.md § Decided 4): administrators always, the roles in `also` by
    setting. `is_exempt`: a demo account while the demo is on, there to be tried."""
    return not is_exempt and any(role in ADMINISTRATORS or role in also for role in roles)


def code_of(secret: str, step: int) -> str:
    """The code of one time step. `secret` is base32."""
    digest = hmac.new(base64.b32decode(secret), step.to_bytes(8, "big"), hashlib.sha1).digest()
    start = digest[-1] & 15
    number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}d}"


def step_at(at: dt.datetime) -> int:
    """The time step of a moment."""
    return int(at.timestamp()) // STEP


def matching_step(secret: str, code: str, *, at: dt.datetime, last_step: int) -> int | None:
    """The step a typed code belongs to: now, one before or one after, and later than any used already; else None."""
    typed = "".join(char for char in code if char.isascii() and char.isdigit())
    if len(code) > 20 or len(typed) != DIGITS:
        return None
    here = step_at(at)
    for step in range(here - DRIFT, here + DRIFT + 1):
        if step > last_step and hmac.compare_digest(code_of(secret, step), typed):
            return step
    return None


def setup_link(secret: str, username: str) -> str:
    """What an authenticator app reads: ``otpauth://totp/…``."""
    label = quote(f"Tidui:{username}")
    return f"otpauth://totp/{label}?{urlencode({'secret': secret, 'issuer': 'Tidui'})}"
