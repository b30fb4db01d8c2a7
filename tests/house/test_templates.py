"""Templates compile, are used, and hold nothing the strict policy forbids."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from jinja2 import Environment

from tests.house.source import ROOT, modules
from tests.house.test_words import used

TEMPLATES = sorted(str(path.relative_to(ROOT / "templates")) for path in (ROOT / "templates").rglob("*.html"))
STATIC = sorted(
    str(path.relative_to(ROOT / "static"))
    for path in (ROOT / "static").rglob("*")
    if path.suffix in (".js", ".css") and "vendor" not in str(path)
)


def text_of(name: str) -> str:
    return (ROOT / "templates" / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", TEMPLATES)
def test_template_compiles(app: Flask, name: str) -> None:
    with app.app_context():
        assert app.jinja_env.get_template(name)


def test_every_template_is_used() -> None:
    code = "\n".join(module.path.read_text(encoding="utf-8") for module in modules())
    markup = {name: text_of(name) for name in TEMPLATES}
    for path in (ROOT / "tests/front/gallery").glob("*.html"):  # a component waits there for its first page
        markup[path.name] = path.read_text(encoding="utf-8")
    unused = [
        name
        for name in TEMPLATES
        if f'"{name}"' not in code
        and not any(f'"{name}"' in text for other, text in markup.items() if other != name)
    ]
    assert unused == []


@pytest.mark.parametrize("name", TEMPLATES)
def test_template_has_nothing_inline(name: str) -> None:
    text = text_of(name)
    if not name.startswith("mail/"):  # mail programs know no style sheets
        assert not re.search(r"\sstyle\s*=", text), "a style attribute"
    assert not re.search(r"\son[a-z]+\s*=\s*[\"']", text), "an event handler attribute"
    assert not re.search(r"<style\b", text), "a style element"
    for tag in re.findall(r"<script\b[^>]*>", text):
        assert "src=" in tag or 'type="application/json"' in tag, tag
    assert "|safe" not in text.replace(" ", ""), "unescaped output"


@pytest.mark.parametrize("name", TEMPLATES)
def test_chinese_in_a_template_goes_through_the_catalogue(name: str) -> None:
    text = re.sub(r"\{#.*?#\}|\{\{.*?\}\}|\{%.*?%\}", "", text_of(name), flags=re.S)
    found = re.findall(r"[\u4e00-\u9fff]+", text)
    assert found in ([], ["中文"]), found
    known = {source for _context, source in used()}
    strings = [
        value[1:-1]
        for _line, kind, value in Environment(autoescape=True).lex(text_of(name))
        if kind == "string"
    ]
    assert [said for said in strings if re.search(r"[\u4e00-\u9fff]", said) and said not in known] == []


@pytest.mark.parametrize("name", STATIC)
def test_static_file_is_loaded_somewhere(name: str) -> None:
    markup = "\n".join(text_of(template) for template in TEMPLATES)
    scripts = "\n".join(
        path.read_text(encoding="utf-8")
        for path in (ROOT / "static").rglob("*.*s*")
        if "vendor" not in str(path) and path.suffix in (".js", ".css") and path != ROOT / "static" / name
    )
    last = name.rsplit("/", 1)[-1]
    assert re.search(rf"(?<![\w-]){re.escape(last)}", markup + scripts), f"{name} is loaded nowhere"


def test_every_mail_has_its_plain_text() -> None:
    mails = sorted((ROOT / "templates" / "mail").iterdir())
    assert {path.stem for path in mails if path.suffix == ".html"} == {
        path.stem for path in mails if path.suffix == ".txt"
    }
