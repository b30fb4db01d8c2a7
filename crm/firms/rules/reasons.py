"""Reasons as they are kept: source text and parameters in plain JSON, so that either language can read them. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from crm.core.words import Message, Refused, Word


def kept(reason: Refused | Message) -> dict[str, Any]:
    """``{text, params, field}`` of a refusal or message."""
    return {
        "text": reason.text,
        "params": {key: _plain(value) for key, value in reason.params.items()},
        "field": reason.field if isinstance(reason, Refused) else None,
    }


def message(stored: Mapping[str, Any]) -> Message:
    """What `kept` wrote, as a message to be said."""
    return Message(stored["text"], {key: _back(value) for key, value in stored["params"].items()})


def _plain(value: Any) -> Any:
    if isinstance(value, Word):
        return {"text": value.label, "params": {}}
    if isinstance(value, Message | Refused):
        return {"text": value.text, "params": {key: _plain(item) for key, item in value.params.items()}}
    if isinstance(value, dt.date | dt.datetime):
        return value.isoformat()
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    return value if isinstance(value, bool | int | str) or value is None else str(value)


def _back(value: Any) -> Any:
    if isinstance(value, dict):
        return message(value)
    return [_back(item) for item in value] if isinstance(value, list) else value
