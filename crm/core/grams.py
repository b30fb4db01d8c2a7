"""Grams: the pieces a text is found by, and what a search term needs of them. Pure.

Pieces of a subject's texts, each kind of piece with its own letter, written in ASCII so that any tokenizer
keeps them whole: single characters and pairs of names (``n``), initials of two neighbours (``i``), syllables and
pairs of syllables (``s``), three neighbouring characters of a code (``c``). A piece found only narrows the
search: every hit is checked against the texts themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Literal
from zlib import crc32

from crm.core import pinyin
from crm.core.folding import fold

CODE_LENGTH = 3  # shortest fragment of a code that is looked for
_EVERYWHERE = frozenset({"有", "限", "公", "司", "有限", "限公", "公司"})  # in nearly every name: not indexed
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class All:
    """Every part is needed; none at all means anything goes."""

    parts: tuple[Need, ...]


@dataclass(frozen=True, slots=True)
class Any_:
    """One part is enough; none at all means nothing can be found."""

    parts: tuple[Need, ...]


Need = str | All | Any_
"""What the pieces of a text must be: a gram, or a tree of them."""

ANYTHING = All(())
NOTHING = Any_(())


@lru_cache(maxsize=64)
def tag(kind: str) -> str:
    """Two letters in front of every gram of one kind of subject."""
    number = crc32(kind.encode()) % (36 * 36)
    return _DIGITS[number // 36] + _DIGITS[number % 36]


def _of_name(characters: str) -> str:
    return "n" + "x".join(f"{ord(char):x}" for char in characters)


@lru_cache(maxsize=50_000)
def _of_pair(pair: str) -> str:
    return "" if pair in _EVERYWHERE else _of_name(pair)


@lru_cache(maxsize=50_000)
def _of_sounds(one: str, other: str) -> tuple[str, ...]:
    first, second = pinyin.readings(one), pinyin.readings(other)
    found = {"i" + a[0] + b[0] for a in first for b in second}
    if not one.isascii() and not other.isascii():
        found.update("s" + a + "0" + b for a in first for b in second)
    return tuple(found)


@lru_cache(maxsize=20_000)
def _of_character(char: str) -> tuple[str, ...]:
    found = [_of_name(char)] if char not in _EVERYWHERE else []
    if not char.isascii():
        found += ["s" + reading for reading in pinyin.readings(char)]
    return tuple(found)


def plain_code(code: str) -> str:
    """A credit code, register number or the like as it is stored and looked for: folded letters and digits."""
    return "".join(char for char in fold(code) if char.isalnum())


def grams(names: Iterable[str], codes: Iterable[str] = ()) -> list[str]:
    """The grams of folded names and plain codes, sorted, each once, without the kind's tag."""
    found: set[str] = set()
    for name in names:
        for char in set(name):
            found.update(_of_character(char))
        found.update(_of_pair(name[at : at + 2]) for at in range(len(name) - 1))
        for one, other in pairwise(pinyin.sounded(name)):
            found.update(_of_sounds(one, other))
    for code in codes:
        found.update("c" + _hex(code[at : at + CODE_LENGTH]) for at in range(len(code) - CODE_LENGTH + 1))
    found.discard("")
    return sorted(found)


def _hex(text: str) -> str:
    return text if text.isascii() else "x".join(f"{ord(char):x}" for char in text)


def split(query: str) -> list[str]:
    """The folded terms of a query; all of them must be found."""
    return list(dict.fromkeys(term for word in query.split() if (term := fold(word))))


def is_code(term: str) -> bool:
    """Whether a term may be a fragment of a code."""
    return len(term) >= CODE_LENGTH and term.isascii() and term.isalnum()


def needs(term: str) -> Need:
    """What a text must have among its grams for ``term`` to be in its names, codes or pinyin."""
    ways: list[Need] = [_needs_of_name(term)]
    if is_code(term):
        ways.append(
            All(tuple("c" + term[at : at + CODE_LENGTH] for at in range(len(term) - CODE_LENGTH + 1)))
        )
    if pinyin.is_term(term):
        ways.append(All(tuple("i" + a + b for a, b in pairwise(term))))
        ways += [_needs_of_syllables(syllables) for syllables in pinyin.segmentations(term) or []]
    if ANYTHING in ways:
        return ANYTHING
    return ways[0] if len(ways) == 1 else Any_(tuple(ways))


def _needs_of_name(term: str) -> Need:
    pieces = [term] if len(term) == 1 else [a + b for a, b in pairwise(term)]
    return All(tuple(_of_name(piece) for piece in pieces if piece not in _EVERYWHERE))


def _needs_of_syllables(syllables: Sequence[str]) -> Need:
    *whole, last = syllables
    endings = pinyin.completions(last)
    if not whole:
        return Any_(tuple("s" + ending for ending in endings))
    pairs: tuple[Need, ...] = tuple("s" + a + "0" + b for a, b in pairwise(whole))
    return All((*pairs, Any_(tuple("s" + whole[-1] + "0" + ending for ending in endings))))


def tagged(need: Need, kind: str) -> Need:
    """The same need with the tag of a kind in front of every gram."""
    if isinstance(need, str):
        return tag(kind) + need
    return type(need)(tuple(tagged(part, kind) for part in need.parts))


def match_expression(need: Need) -> str:
    """A need as an FTS5 query. Not for ``ANYTHING`` and ``NOTHING``."""
    if isinstance(need, str):
        return need
    word: Literal[" AND ", " OR "] = " AND " if isinstance(need, All) else " OR "
    return "(" + word.join(_balanced(list(need.parts), word)) + ")"


def _balanced(parts: list[Need], word: str) -> Iterator[str]:
    """FTS5 takes at most 256 branches: longer lists are nested."""
    for at in range(0, len(parts), 200):
        chunk = [match_expression(part) for part in parts[at : at + 200]]
        yield chunk[0] if len(chunk) == 1 else "(" + word.join(chunk) + ")"
