"""Grams: the pieces a text is found by, and what a search term needs of them. Pure.

Pieces of a subject's texts, each kind of piece with its own letter, written in ASCII so that any tokenizer
keeps them whole: single characters and pairs of names (``n``), initials of two neighbours (``i``), syllables
(``s``), three neighbouring characters of a code (``c``). A piece found only narrows the
search: every hit is checked against the texts themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from operator import add
from typing import Literal

from crm.core import pinyin
from crm.core.folding import fold

CODE_LENGTH = 3  # shortest fragment of a code that is looked for
_EVERYWHERE = frozenset({"有", "限", "公", "司", "有限", "限公", "公司"})  # in nearly every name: not indexed
_ASCII = re.compile(r"[0-9a-z]+")
_SOUNDED_EVERYWHERE = frozenset({"iyx", "ixg", "igs", "syou", "sxian", "sgong", "ssi"})


@dataclass(frozen=True, slots=True)
class All:
    """Every part is needed; none at all means anything goes."""

    parts: tuple[Need, ...]


@dataclass(frozen=True, slots=True)
class Any_:
    """One part is enough. Never empty."""

    parts: tuple[Need, ...]


Need = str | All | Any_
"""What the pieces of a text must be: a gram, or a tree of them."""

ANYTHING = All(())


def _of_name(characters: str) -> str:
    return "n" + "x".join(f"{ord(char):x}" for char in characters)


@lru_cache(maxsize=100_000)
def _of_pair(pair: str) -> tuple[str, ...]:
    return () if pair in _EVERYWHERE else (_of_name(pair),)


@lru_cache(maxsize=100_000)
def _of_sounds(pair: str) -> tuple[str, ...]:
    found = {"i" + a[0] + b[0] for a in pinyin.readings(pair[0]) for b in pinyin.readings(pair[1])}
    return tuple(found - _SOUNDED_EVERYWHERE)


@lru_cache(maxsize=50_000)
def _of_character(char: str) -> tuple[str, ...]:
    found = {_of_name(char)} if char not in _EVERYWHERE else set()
    if not char.isascii():
        found.update("s" + reading for reading in pinyin.readings(char))
    return tuple(found - _SOUNDED_EVERYWHERE)


def plain_code(code: str) -> str:
    """A credit code, register number or the like as it is stored and looked for: folded letters and digits."""
    folded = fold(code)
    return folded if folded.isalnum() else "".join(filter(str.isalnum, folded))


def grams(names: Iterable[str], codes: Iterable[str] = ()) -> list[str]:
    """The grams of folded names and plain codes, each once, in no order."""
    found: set[str] = set()
    for name in names:
        found.update(*map(_of_character, name), *map(_of_pair, map(add, name, name[1:])))
        spoken = pinyin.sounded(name)
        found.update(*map(_of_sounds, map(add, spoken, spoken[1:])))
    for code in codes:
        if code.isascii():  # a term is a code's fragment only in ASCII
            found.update(["c" + code[at : at + CODE_LENGTH] for at in range(len(code) - CODE_LENGTH + 1)])
        else:
            found.update(gram for run in _ASCII.findall(code) for gram in grams((), [run]))
    return list(found)


def split(query: str) -> list[str]:
    """The folded terms of a query; all of them must be found."""
    return list(dict.fromkeys(term for word in query.split() if (term := fold(word))))


def is_code(term: str) -> bool:
    """Whether a term may be a fragment of a code."""
    return len(term) >= CODE_LENGTH and term.isascii() and term.isalnum()


def needs(term: str, *, heard: bool) -> Need:
    """What a text must have among its grams for ``term`` to be in its names or codes, or, if ``heard``, in
    their pinyin."""
    ways: list[Need] = [_needs_of_name(term)]
    if is_code(term):
        ways.append(
            All(tuple("c" + term[at : at + CODE_LENGTH] for at in range(len(term) - CODE_LENGTH + 1)))
        )
    if heard and pinyin.is_term(term):
        ways.append(_initials([*term]))
        ways += [_needs_of_syllables(syllables) for syllables in pinyin.segmentations(term) or []]
    if ANYTHING in ways:
        return ANYTHING
    return ways[0] if len(ways) == 1 else Any_(tuple(ways))


def _needs_of_name(term: str) -> Need:
    pieces = [term] if len(term) == 1 else [a + b for a, b in pairwise(term)]
    return All(tuple(_of_name(piece) for piece in pieces if piece not in _EVERYWHERE))


def _initials(letters: Sequence[str]) -> All:
    found = ["i" + a + b for a, b in pairwise(letters)]
    return All(tuple(gram for gram in found if gram not in _SOUNDED_EVERYWHERE))


def _needs_of_syllables(syllables: Sequence[str]) -> Need:
    *whole, last = syllables
    parts: list[Need] = list(_initials([syllable[0] for syllable in syllables]).parts)
    parts += ["s" + syllable for syllable in whole if "s" + syllable not in _SOUNDED_EVERYWHERE]
    endings = tuple("s" + ending for ending in pinyin.completions(last))
    if not _SOUNDED_EVERYWHERE.intersection(endings):
        parts.append(Any_(endings))
    return All(tuple(parts))


def match_expression(need: Need) -> str:
    """A need as an FTS5 query. Not for ``ANYTHING``."""
    if isinstance(need, str):
        return need
    word: Literal[" AND ", " OR "] = " AND " if isinstance(need, All) else " OR "
    return "(" + word.join(_balanced(list(need.parts), word)) + ")"


def _balanced(parts: list[Need], word: str) -> Iterator[str]:
    """FTS5 takes at most 256 branches: longer lists are nested."""
    for at in range(0, len(parts), 200):
        chunk = [match_expression(part) for part in parts[at : at + 200]]
        yield chunk[0] if len(chunk) == 1 else "(" + word.join(chunk) + ")"
