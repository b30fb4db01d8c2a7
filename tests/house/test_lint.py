"""The page lint itself sees what it should."""

from __future__ import annotations

import pytest

from tests.lint import lint

GOOD = "<html><head><title>企业 · 梯队</title></head><body><h1>企业 <span>3 家</span></h1>{}</body></html>"


def test_a_good_page_passes() -> None:
    assert lint(GOOD.format('<label for="a">名称</label><input id="a" name="a">')) == []


@pytest.mark.parametrize(
    ("part", "word"),
    [
        ('<p style="color:red">', "style"),
        ('<p onclick="x()">', "onclick"),
        ("<script>x()</script>", "inline"),
        ("<style>p{}</style>", "style"),
        ('<input name="a">', "label"),
        ('<p id="a"></p><p id="a"></p>', "stands 2"),
        ("<h1>企业</h1>", "2 h1"),
        ('<form method="post" action="/x"></form>', "token"),
        ('<a href="https://elsewhere.test/">x</a>', "outside"),
        ('<img src="/x.png">', "alt"),
    ],
)
def test_a_fault_is_seen(part: str, word: str) -> None:
    assert any(word in finding for finding in lint(GOOD.format(part)))


def test_a_title_that_says_something_else_is_seen() -> None:
    assert lint("<html><title>别的 · 梯队</title><h1>企业</h1></html>")
