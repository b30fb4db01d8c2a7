"""Values in the audit: plain JSON that reads the same from either database, its one byte form, and the way back."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import Enum
from typing import Any

import sqlalchemy as sa

from crm.core.db import UtcDateTime, Worded

COMMITTED = "committed:"
_PLAIN = frozenset({str, int, bool, type(None)})


def jsonable(value: Any) -> Any:
    """Plain JSON values, equal after a round trip: dates and moments (UTC) as ISO text, enums as their codes,
    bytes as hex, `Decimal` as text, sets sorted. Raises `TypeError`, or `ValueError` for NaN, infinity and a
    moment without a zone."""
    if type(value) in _PLAIN:
        return value
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError("not a number that JSON knows")
        return float(value)
    if isinstance(value, dt.datetime):
        if value.tzinfo is None:
            raise ValueError("a moment needs a time zone")
        return value.astimezone(dt.UTC).isoformat()
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    if isinstance(value, Mapping):
        return {str(jsonable(key)): jsonable(item) for key, item in value.items()}
    if isinstance(value, set | frozenset):
        return sorted((jsonable(item) for item in value), key=lambda item: (str(type(item)), str(item)))
    if isinstance(value, Sequence):
        return [jsonable(item) for item in value]
    raise TypeError(f"not a plain value: {type(value)!r}")


def revive(kind: sa.types.TypeEngine[Any], value: Any) -> Any:
    """A journal's JSON value as the Python value of a column of type `kind`: the way back from `jsonable`."""
    if value is None:
        return None
    if isinstance(kind, Worded):
        return kind.words(value)
    if isinstance(kind, UtcDateTime | sa.DateTime):
        return dt.datetime.fromisoformat(value)
    if isinstance(kind, sa.Date):
        return dt.date.fromisoformat(value)
    if isinstance(kind, sa.Time):
        return dt.time.fromisoformat(value)
    if isinstance(kind, sa.LargeBinary):
        return bytes.fromhex(value)
    if isinstance(kind, sa.Numeric) and kind.asdecimal:
        return Decimal(value)
    return value


_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False).encode


def canonical(value: Any) -> bytes:
    """The one byte form of a JSON value, for hashing: ASCII, keys sorted, no spaces."""
    return _encode(value).encode("ascii")


def commit_to(salt: str, value: str) -> str:
    """The commitment to a personal value (64 hex digits); `salt` is hex."""
    return hmac.new(bytes.fromhex(salt), value.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def change_bytes(n: int, kind: str, row_id: int, verb: str, before: Any, after: Any) -> bytes:
    """What the digest of an envelope takes in for one change row."""
    return canonical([n, kind, row_id, verb, before, after]) + b"\n"
