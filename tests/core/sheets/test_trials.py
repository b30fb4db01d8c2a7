"""The real lists in the folder that CRM_TRIAL_DATA names."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest

from crm.core.sheets import day, match_columns, read, text

pytestmark = [
    pytest.mark.trial,
    pytest.mark.skipif("CRM_TRIAL_DATA" not in os.environ, reason="CRM_TRIAL_DATA names no folder"),
]
COLUMNS = {
    "name": ["企业名称"], "number": ["证书编号", "入库登记编号"], "on": ["发证日期", "公告日期"], "line": ["序号"]
}  # fmt: skip


@pytest.mark.parametrize("bulletin", ["high_tech_2025.xlsx", "tech_sme_2025_2.csv"])
def test_every_row_of_a_published_list_is_read(bulletin: str) -> None:
    path = Path(os.environ["CRM_TRIAL_DATA"]) / "bulletins" / bulletin
    with (path.parent / f"{bulletin}.truth.csv").open(encoding="utf-8-sig", newline="") as stream:
        truth = list(csv.DictReader(stream))
    table = read(path, path.name)
    columns = match_columns(table.headings, COLUMNS)
    assert set(columns) == set(COLUMNS)
    assert [text(record[columns["name"]]).value for record in table.records] == [
        row["公布名称"] for row in truth
    ]
    assert [text(record[columns["line"]]).value for record in table.records] == [row["序号"] for row in truth]
    assert all(day(record[columns["on"]]).value for record in table.records)


def test_the_registry_is_read_whole() -> None:
    path = Path(os.environ["CRM_TRIAL_DATA"]) / "firms_yueqing.csv"
    table = read(path, path.name)
    assert len(table.records) == 3000 and table.headings == ["编号", "企业名称"]
