"""Pinyin of names, over every reading of a character (乐 is le and yue). Pure."""

from __future__ import annotations

import json
import unicodedata
from functools import cache, lru_cache
from importlib.util import find_spec
from itertools import product
from pathlib import Path

from crm.core.folding import fold

LONGEST = 40  # letters of a search term that are looked at
VARIANTS = 64  # spellings of one text that are written out

_VOWEL = frozenset("aeiouü")
# Readings inside common place names that are not the first of the character (sorting only).
_PLACES = {
    "乐清": ("yue", "qing"),
    "重庆": ("chong", "qing"),
    "长沙": ("chang", "sha"),
    "长春": ("chang", "chun"),
    "长兴": ("chang", "xing"),
    "厦门": ("xia", "men"),
    "六安": ("lu", "an"),
    "台州": ("tai", "zhou"),
    "丽水": ("li", "shui"),
    "东莞": ("dong", "guan"),
    "蚌埠": ("beng", "bu"),
    "亳州": ("bo", "zhou"),
    "银行": ("yin", "hang"),
    "单县": ("shan", "xian"),
}


@cache
def _table() -> dict[str, str]:
    """Codepoint (decimal text) to "lè,yuè,…". Read straight from pypinyin's data file: importing the
    package would also load its phrases (0.25 s, 30 MB), which are not needed."""
    spec = find_spec("pypinyin")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("pypinyin is not installed")
    path = Path(spec.submodule_search_locations[0]) / "pinyin_dict.json"
    loaded: dict[str, str] = json.loads(path.read_text("utf-8"))
    return loaded


def _toneless(reading: str) -> tuple[str, ...]:
    letters = unicodedata.normalize("NFD", reading.replace("ɡ", "g"))
    kept = "".join(c for c in letters if not unicodedata.combining(c) or c == "\u0308")
    bare = kept.replace("\u0308", "")
    if not bare.isascii() or not bare.isalpha() or not _VOWEL.intersection(bare):
        return ()  # no sounds such as ng and hm: they would split every word
    if bare == kept:
        return (bare,)
    return (kept.replace("u\u0308", "v"), bare)  # 绿: lv, and lu as many type it


@lru_cache(maxsize=20_000)
def readings(char: str) -> tuple[str, ...]:
    """Toneless readings of one character, the usual one first; a letter or digit reads as itself;
    () when it has none."""
    if char.isascii():
        return (char.lower(),) if char.isalnum() else ()
    found = _table().get(str(ord(char)), "")
    return tuple(dict.fromkeys(r for part in found.split(",") for r in _toneless(part)))


@lru_cache(maxsize=20_000)
def _initials(char: str) -> frozenset[str]:
    return frozenset(reading[0] for reading in readings(char))


def sounded(text: str) -> str:
    """The characters of ``text`` that have a reading, folded: what pinyin is matched against."""
    folded = fold(text)
    return folded if all(map(readings, folded)) else "".join(char for char in folded if readings(char))


def syllables(text: str) -> list[tuple[str, ...]]:
    """The readings of each sounded character."""
    return [readings(char) for char in sounded(text)]


def initials(text: str) -> tuple[str, ...]:
    """Spellings by first letters: 乐清 → ("lq", "yq"); at most ``VARIANTS`` of them."""
    return _spelt([tuple(dict.fromkeys(r[0] for r in options)) for options in syllables(text)])


def full(text: str) -> tuple[str, ...]:
    """Full spellings: 乐清 → ("leqing", "yueqing", …); at most ``VARIANTS`` of them."""
    return _spelt(syllables(text))


def _spelt(options: list[tuple[str, ...]]) -> tuple[str, ...]:
    count = 1
    bounded = []
    for choices in options:
        kept = choices if count * len(choices) <= VARIANTS else choices[:1]
        count *= len(kept)
        bounded.append(kept)
    return tuple(dict.fromkeys("".join(parts) for parts in product(*bounded))) if bounded else ()


def sort_key(text: str) -> str:
    """Key that sorts names as a Chinese dictionary does: usual reading by reading, then the text itself."""
    folded = fold(text)
    parts: list[str] = []
    at = 0
    while at < len(folded):
        place = _PLACES.get(folded[at : at + 2])
        if place:
            parts.extend(place)
            at += 2
            continue
        read = readings(folded[at])
        parts.append(read[0] if read else folded[at])
        at += 1
    return " ".join(parts)


def is_term(term: str) -> bool:
    """Whether a folded search term can be meant as pinyin: two or more ASCII letters and digits, not only
    digits, that can be cut into syllables in a bounded number of ways."""
    shaped = 2 <= len(term) <= LONGEST and term.isascii() and term.isalnum() and not term.isdigit()
    return shaped and segmentations(term) is not None


def position(term: str, spoken: str) -> int:
    """Where ``term`` begins in ``spoken`` (made by `sounded`) as initials of consecutive characters, or as
    full pinyin of Chinese ones whose last syllable may be unfinished (``zhengt``); -1 if nowhere."""
    length = len(term)
    first = term[0]
    for start, char in enumerate(spoken):
        if first not in _initials(char):
            continue
        if start + length <= len(spoken) and all(
            letter in _initials(spoken[start + offset]) for offset, letter in enumerate(term)
        ):
            return start
        if _reads(term, 0, spoken, start):
            return start
    return -1


def _reads(term: str, at: int, spoken: str, index: int) -> bool:
    if at == len(term):
        return True
    if index == len(spoken):
        return False
    for reading in readings(spoken[index]):
        if spoken[index].isascii():
            return False
        if term.startswith(reading, at):
            if _reads(term, at + len(reading), spoken, index + 1):
                return True
        elif reading.startswith(term[at:]):
            return True
    return False


@cache
def _known() -> frozenset[str]:
    """Every syllable there is (about 420), letters and digits among them."""
    found = {r for readings_ in _table().values() for part in readings_.split(",") for r in _toneless(part)}
    return frozenset(found)


@cache
def completions(beginning: str) -> tuple[str, ...]:
    """The syllables that start with ``beginning``, itself among them if it is one."""
    return tuple(sorted(s for s in _known() if s.startswith(beginning)))


@lru_cache(maxsize=256)
def segmentations(term: str, at_most: int = 64) -> list[tuple[str, ...]] | None:
    """Ways to read ``term`` as full syllables, the last perhaps unfinished: "xian" → ("xian",), ("xi", "an").
    None when there are more than ``at_most``."""
    found: list[tuple[str, ...]] = []

    def walk(at: int, done: tuple[str, ...]) -> None:
        rest = term[at:]
        if len(found) > at_most:
            return
        if completions(rest):
            found.append((*done, rest))
        for size in range(1, min(6, len(rest) - 1) + 1):
            if rest[:size] in _known():
                walk(at + size, (*done, rest[:size]))

    walk(0, ())
    return found if len(found) <= at_most else None
