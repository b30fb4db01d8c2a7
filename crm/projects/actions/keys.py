"""The keys that go with the names of a project: by them it is searched, ordered, and found again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crm.core.pinyin import sort_key
from crm.firms.rules.names import normalise


def keyed(values: Mapping[str, Any]) -> dict[str, Any]:
    """The keys that go with the names among these values."""
    keys: dict[str, Any] = {}
    if "name" in values:
        keys |= {"name_key": normalise(values["name"])[:200], "name_sort": sort_key(values["name"])[:400]}
    if "investor" in values:
        keys["investor_key"] = normalise(values["investor"])[:200]
    for name in ("controller", "product"):
        if name in values:
            keys[f"{name}_key"] = normalise(values[name])[:120] if values[name] else None
    return keys
