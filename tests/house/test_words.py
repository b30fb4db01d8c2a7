"""Chinese source strings, one complete English catalogue."""

from __future__ import annotations

import ast
import re
from functools import cache
from io import BytesIO

import pytest
from babel.messages import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po

from tests.house.source import ROOT, Module, modules, words

KEYWORDS = {
    "_": None,
    "N_": None,
    "C_": ((1, "c"), 2),
    "gettext": None,
    "lazy_gettext": None,
    "_l": None,
    "ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
}
PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]")


@cache
def catalogue() -> Catalog:
    path = ROOT / "crm/translations/en/LC_MESSAGES/messages.po"
    return read_po(BytesIO(path.read_bytes()), locale="en")


@cache
def used() -> dict[tuple[str | None, str], str]:
    """(context, source string) → where it stands."""
    found: dict[tuple[str | None, str], str] = {}
    sources = [("python", path) for path in sorted((ROOT / "crm").rglob("*.py"))]
    for kind in ("*.html", "*.txt"):
        sources += [("jinja2", path) for path in sorted((ROOT / "templates").rglob(kind))]
    for method, path in sources:
        with path.open("rb") as file:
            options = {"encoding": "utf-8", "trimmed": "false"}
            for line, message, _comments, context in extract(method, file, KEYWORDS, (), options):
                ids = message if isinstance(message, tuple) else (message,)
                found[(context, ids[0])] = f"{path.relative_to(ROOT)}:{line}"
    return found


def test_there_is_something_to_translate() -> None:
    assert len(used()) > 300


def test_every_string_has_an_english_one() -> None:
    missing = []
    for (context, text), place in used().items():
        message = catalogue().get(text, context)
        strings = (
            message.string
            if message is not None and isinstance(message.string, tuple)
            else ((message.string,) if message is not None else ())
        )
        if not strings or not all(strings) or (message is not None and message.fuzzy):
            missing.append(f"{place} {text}")
    assert missing == []


def test_no_english_string_is_left_over() -> None:
    left = [
        m.id
        for m in catalogue()
        if m.id and (m.context, m.id if isinstance(m.id, str) else m.id[0]) not in used()
    ]
    assert left == []


def test_placeholders_are_the_same_in_both_languages() -> None:
    for message in catalogue():
        if not message.id:
            continue
        source = message.id if isinstance(message.id, str) else message.id[0]
        for text in message.string if isinstance(message.string, tuple) else (message.string,):
            said, wanted = set(PLACEHOLDER.findall(text)), set(PLACEHOLDER.findall(source))
            # English may leave one out; it never asks for one that is not given
            assert said <= wanted | {"n", "num"}, source


def test_english_is_english() -> None:
    chinese = [m.id for m in catalogue() if m.id and re.search(r"[\u4e00-\u9fff]", str(m.string))]
    allowed = re.compile(r"中文|微成长|小升高|高壮大|梯队|三清零|亿元|万元|批示")
    assert [text for text in chinese if not allowed.search(str(text))] == []


@pytest.mark.parametrize("name", ["crm", "templates"])
def test_sources_are_read(name: str) -> None:
    assert any(place.startswith(name) for place in used().values())


CHINESE = re.compile(r"[\u4e00-\u9fff]")
# read or compared, never said: a street's name cut, the beginnings of the matcher's reasons
UNSAID = {"核对导入的内容，写下一步", "来源的首报日期 ", "区", "字号同音", "字号用字相同", "与曾用名"}
SPEAKING = ("views", "forms", "actions", "queries", "jobs", "models")


@pytest.mark.parametrize(
    "module",
    # what a palette's pages are also looked for by is compared, never said
    [
        m
        for m in modules()
        if m.room in SPEAKING and m.feature != "demo" and m.name.split(".")[-1] != "palette"
    ],
    ids=lambda m: m.name,
)
def test_chinese_in_a_room_that_speaks_goes_through_the_catalogue(module: Module) -> None:
    known = {text for _context, text in used()}
    silent = {node.value for node in ast.walk(module.tree) if isinstance(node, ast.Expr)}  # docstrings
    found = [
        f"{node.lineno} {node.value}"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in silent
        if CHINESE.search(node.value) and node.value not in known | UNSAID
    ]
    assert found == []


def test_every_label_of_an_enum_is_in_the_catalogue() -> None:
    known = {text for _context, text in used()}
    labels = [(enum.__name__, member.label) for enum in words() for member in enum]
    assert [pair for pair in labels if pair[1].rpartition("\x04")[2] not in known] == []
