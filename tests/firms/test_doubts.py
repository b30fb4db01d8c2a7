"""What a file of figures says that is unlikely, and how the preview shows figures: told before anything is written."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from crm.firms.rules.words import SheetKind
from crm.firms.sheets.doubting import doubts
from crm.firms.sheets.reading import Parsed
from tests import people
from tests.firms.test_imports import upload

ALL, SOME = "所有行的职工总数都是 0", "行有收入而职工总数是 0"
HEAD = "企业名称,年度,营业收入,职工人数\n"
NAMES = "企业名称\n温州珩屿阀门有限公司\n温州葳桐机械有限公司\n温州檀沃电气有限公司\n"


@pytest.fixture
def science(client: FlaskClient) -> FlaskClient:
    people.sign_in(client, people.SCIENCE)
    people.post(client, upload(client, NAMES) + "/write")
    return client


def preview(client: FlaskClient, rows: str) -> str:
    return client.get(upload(client, HEAD + rows, sheet="figures")).get_data(as_text=True)


def test_no_employees_in_any_row_is_told_once(science: FlaskClient) -> None:
    page = preview(science, "温州珩屿阀门有限公司,2024,300,0\n温州葳桐机械有限公司,2024,0,0\n")
    assert page.count(ALL) == 1 and SOME not in page


def test_income_without_employees_is_told_with_its_rows(science: FlaskClient) -> None:
    page = preview(
        science,
        "温州珩屿阀门有限公司,2024,300,0\n温州葳桐机械有限公司,2024,10,5\n温州檀沃电气有限公司,2024,0,0\n",
    )
    assert f"第 2 {SOME}" in page and ALL not in page


def test_nothing_is_said_where_zero_may_be_true(science: FlaskClient) -> None:
    page = preview(science, "温州珩屿阀门有限公司,2024,0,0\n温州葳桐机械有限公司,2024,10,5\n")
    assert ALL not in page and SOME not in page


def test_one_notice_names_few_rows_of_many() -> None:
    rows = [Parsed(n, {}, {"employees": int(n == 2), "revenue_yuan": 5}) for n in range(2, 40)]
    (notice,) = doubts(rows, SheetKind.FIGURES)
    assert notice.params["rows"] == ["3", "4", "5", "6", "7", "8", "9", "10", "…"]
    assert doubts(rows, SheetKind.REGISTRY) == []


def test_the_preview_shows_amounts_as_the_record_does(science: FlaskClient) -> None:
    first = upload(science, HEAD + "温州珩屿阀门有限公司,2024,1817.6,1200\n", sheet="figures")
    people.post(science, f"{first}/write")
    page = preview(science, "温州珩屿阀门有限公司,2024,3000,1500\n")
    assert "1,817.60 万元" in page and "3,000 万元" in page and "30000000" not in page
    assert "1,200" in page and "1,500" in page
