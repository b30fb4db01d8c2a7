"""How easily one character is written for another: by sound and by looks. Pure; reads its table late."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from pathlib import Path

from rapidfuzz.distance import Indel

from crm.core.pinyin import readings

_ENTRY = re.compile(r"(\S)([A-Z]*)(\d*)\Z")
_BLURS = str.maketrans({"h": "", "g": "", "l": "n", "r": "n"})  # zh/z, eng/en, l/n

SAME_SOUND = 0.45
SAME_LOOKS = 0.6


@cache
def _shapes() -> dict[str, tuple[str, str]]:
    """Character to (Cangjie code, four-corner code), from shapes.txt beside this file."""
    lines = (Path(__file__).parent / "shapes.txt").read_text("utf-8").splitlines()
    entries = (_ENTRY.match(entry) for line in lines if not line.startswith("#") for entry in line.split())
    return {entry[1]: (entry[2], entry[3]) for entry in entries if entry}


def looks(one: str, other: str) -> float:
    """Likeness of shape, 0..1: parts in common (Cangjie) and corners in common (four-corner)."""
    shapes = _shapes()
    if one not in shapes or other not in shapes:
        return 0.0
    (parts, corners), (other_parts, other_corners) = shapes[one], shapes[other]
    inside = Indel.normalized_similarity(parts, other_parts) if parts and other_parts else 0.0
    outside = sum(a == b for a, b in zip(corners, other_corners, strict=False)) / 4
    return 0.6 * inside + 0.4 * outside


def sounds(one: str, other: str) -> float:
    """1 for a common reading, 0.45 for one that differs as dialects do (zh/z, eng/en, l/n), 0.3 for one
    letter more or less (guo/gu), else 0."""
    heard, other_heard = readings(one), readings(other)
    if set(heard) & set(other_heard):
        return 1.0
    blurred = {reading.translate(_BLURS) for reading in heard}
    if blurred & {reading.translate(_BLURS) for reading in other_heard}:
        return 0.45
    near = any(a[0] == b[0] and Indel.distance(a, b) == 1 for a in heard for b in other_heard)
    return 0.3 if near else 0.0


@lru_cache(maxsize=50_000)
def resemblance(one: str, other: str) -> float:
    """Credit 0..0.95 for one character standing where the other should."""
    likeness = max(0.0, looks(one, other) - 0.25) / 0.75
    return min(0.95, SAME_SOUND * sounds(one, other) + SAME_LOOKS * likeness)
