"""Sentences as stored: source text and parameters, never rendered, so that either language can read them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from crm.core.audit import jsonable
from crm.core.words import Conflict, Message, Named, Refused, Word


def packed(message: Message) -> dict[str, Any]:
    """A sentence as plain JSON, ``{text, params}``; sentences, words and moments among its parameters stay such."""
    return {"text": message.text, "params": {key: _pack(value) for key, value in message.params.items()}}


def unpacked(stored: Mapping[str, Any]) -> Message:
    """The sentence that `packed` stored."""
    return Message(stored["text"], {key: _unpack(value) for key, value in stored["params"].items()})


def _pack(value: Any) -> Any:
    if type(value) in (str, int):
        return value
    if isinstance(value, Refused):
        value = value.message
    if isinstance(value, Word):
        value = Message(value.label)
    if isinstance(value, Message):
        return {"says": packed(value)}
    if isinstance(value, Named):
        return {"named": [value.zh, value.en]}
    if isinstance(value, dt.datetime):
        return {"moment": jsonable(value)}
    if isinstance(value, list | tuple | set | frozenset):
        return [_pack(item) for item in value]
    return jsonable(value)


def _unpack(value: Any) -> Any:
    if isinstance(value, dict):
        if "named" in value:
            return Named(*value["named"])
        return unpacked(value["says"]) if "says" in value else dt.datetime.fromisoformat(value["moment"])
    return [_unpack(item) for item in value] if isinstance(value, list) else value


def problem(refusal: Refused | Message) -> dict[str, Any]:
    """A refusal as stored, with at most 50 of its items, and whether somebody else's change was in the way."""
    if isinstance(refusal, Message):
        return {**packed(refusal), "items": []}
    stored = {**packed(refusal.message), "items": [packed(item) for item in refusal.items[:50]]}
    return {**stored, "is_conflict": True} if isinstance(refusal, Conflict) else stored
