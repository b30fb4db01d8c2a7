"""Every component renders, keeps the page rules, and every macro is shown in the gallery."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from tests.front.gallery_app import ROOT, make_app
from tests.lint import LintingClient

GALLERY = Path(__file__).parent / "gallery"
PAGES = sorted(path.stem for path in GALLERY.glob("*.html"))
MACRO = re.compile(r"{%-? macro ([a-z]\w*)\(")


@pytest.fixture(scope="module")
def visitor() -> FlaskClient:
    app = make_app()
    app.test_client_class = LintingClient
    return app.test_client()


@pytest.mark.parametrize("name", PAGES)
def test_page_keeps_the_rules(visitor: FlaskClient, name: str) -> None:
    answer = visitor.get(f"/{name}?toast=1")
    assert answer.status_code == 200
    assert " · 梯队</title>" in answer.text
    assert "&lt;svg" not in answer.text
    assert "&lt;span" not in answer.text


@pytest.mark.parametrize("room", sorted(path.name for path in (ROOT / "templates/ui").glob("*.html")))
def test_every_macro_is_in_the_gallery(room: str) -> None:
    shown = "\n".join(
        path.read_text(encoding="utf-8")
        for path in [*GALLERY.glob("*.html"), *(ROOT / "templates").glob("*/*.html")]
    )
    text = (ROOT / "templates/ui" / room).read_text(encoding="utf-8")
    shown = re.sub(r"{%-? macro .*", "", shown)
    assert [name for name in MACRO.findall(text) if not re.search(rf"\b{name}\(", shown)] == []


def test_style_sheets_and_scripts_of_the_frame_exist() -> None:
    frame = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "templates/layout").glob("*.html"))
    names = set(re.findall(r'"((?:base|ui)/[\w-]+\.(?:css|js|svg))"', frame.replace("'", '"')))
    present = {
        f"{folder}/{path.name}"
        for folder in ("base", "ui")
        for path in (ROOT / "static" / folder).glob("*.css")
    }
    assert present <= names
    assert all((ROOT / "static" / name).is_file() for name in names)


def test_no_style_sheet_or_script_reaches_outside() -> None:
    for folder in ("base", "ui"):
        for path in (ROOT / "static" / folder).iterdir():
            if path.suffix in (".css", ".js"):
                assert "http" not in path.read_text(encoding="utf-8"), path.name


def test_refused_field_says_so_beside_and_on_top(visitor: FlaskClient) -> None:
    page = visitor.get("/components").text
    assert 'href="#total">总投资：不能大于总投资 126,000 万元</a>' in page
    assert re.search(r'aria-describedby="total-error"[^>]*aria-invalid="true"[^>]*id="total"', page)
    assert '<label for="total">总投资 <span>必填</span></label>' in page
    assert '<label for="signed_on">签约日期 <span>选填</span></label>' in page


def test_flash_with_undo_is_a_form_of_its_own(visitor: FlaskClient) -> None:
    page = visitor.get("/list?toast=1").text
    form = re.search(
        r'<form[^>]*action="/undo">(<input[^>]*csrf_token[^>]*>)(<input[^>]*>)<button[^>]*data-key="z"', page
    )
    assert form is not None
    assert form[2] == '<input type="hidden" name="next" value="/list?toast=1">'
    assert 'role="alert"' in page


def test_text_of_people_is_escaped(visitor: FlaskClient) -> None:
    page = visitor.get("/search?q=<b>").text
    assert "<b>」" not in page
    assert "&lt;b&gt;" in page


def test_theme_of_the_cookie_is_rendered(visitor: FlaskClient) -> None:
    assert 'data-bs-theme="' not in visitor.get("/list").text
    visitor.set_cookie("tidui_theme", "dark")
    assert 'data-bs-theme="dark"' in visitor.get("/list").text
    visitor.set_cookie("tidui_theme", '"><script>')
    assert "data-bs-theme" not in visitor.get("/list").text
    visitor.delete_cookie("tidui_theme")


@pytest.mark.parametrize("name", ["base", "bare"])
def test_frame_hides_no_variable_of_a_page(name: str) -> None:
    """What the frame sets at its top is seen in the blocks of pages, so its names are its own."""
    text = (ROOT / f"templates/layout/{name}.html").read_text(encoding="utf-8")
    named = re.findall(r"{%-? (?:set|macro) (\w+)", text) + re.findall(r"{%-? import .* as (\w+)", text)
    assert named
    assert [each for each in named if not each.startswith("frame_")] == []
    assert "{% from" not in text
