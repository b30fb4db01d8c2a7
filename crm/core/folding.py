"""Folding: what makes two spellings of one text the same key, whatever keyboard wrote them. Pure."""

from __future__ import annotations

import re
import unicodedata

_BRACKETS = str.maketrans(
    dict.fromkeys("（〔【［〖「『《〈﹙[{<❨⦅", "(") | dict.fromkeys("）〕】］〗」』》〉﹚]}>❩⦆", ")")
)
_DROPPED = re.compile(
    r"[\s\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u2028-\u202f\u205f-\u206f\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\x00-\x1f\x7f-\x9f\ud800-\udfff]+"
)
_UNSEEN = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ud800-\udfff]+"
)
_PLAIN = re.compile(r"[\u4e00-\u9fff0-9a-z()]*\Z")


def fold(text: str) -> str:
    """Width folded (NFKC), spaces and invisible characters gone, brackets unified to ``()``, lower case.

    Idempotent. Characters keep their order and none is added, so a substring stays a substring.
    """
    if _PLAIN.match(text):
        return text
    text = unicodedata.normalize("NFKC", text.translate(_BRACKETS)).translate(_BRACKETS)
    text = _DROPPED.sub("", text).casefold()
    return _DROPPED.sub("", unicodedata.normalize("NFKC", text))


def legible(text: str | None) -> str:
    """One line of what a reader sees: runs of spaces are one, invisible characters go. Empty when nothing is left: two
    NULs are no reason."""
    return " ".join(_UNSEEN.sub("", " ".join((text or "").split())).split())
