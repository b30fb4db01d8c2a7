"""The commands of the reserve: import, template, export, count, move; the real list of listed firms."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from crm.cli import main
from tests.listing.test_import import PATH, text_of

FIRMS = ["温州岚屿0001智能装备有限公司", "温州岚屿0002智能装备有限公司"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CRM_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("CRM_DEMO", "0")
    for name in ("CRM_DATABASE_URL", "CRM_SECRET_KEY", "CRM_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> Any:
    assert main([*words, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def registered(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = folder / "firms.csv"
    file.write_text(text_of(*({"企业名称": name} for name in FIRMS)), encoding="utf-8")
    assert run(capsys, "firms", "import", str(file))["counts"]["new"] == 2


def test_import_export_and_import_again_change_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    registered(folder, capsys)
    file = folder / "后备.csv"
    listed = {"企业名称": FIRMS[1], "板块": "创业板", "上市日期": "2020-10-16", "证券代码": "300898"}
    file.write_text(
        text_of({"企业名称": FIRMS[0], **PATH, "计划报会": "2027-06-30", "备注": "专班跟进"}, listed),
        encoding="utf-8",
    )
    trial = run(capsys, "listing", "import", str(file), "--dry-run")
    assert trial["counts"]["new"] == 2 and trial["batch"] is None
    assert run(capsys, "listing", "import", str(file))["counts"]["new"] == 2
    for out in (folder / "out.xlsx", folder / "out.csv"):
        assert run(capsys, "listing", "export", str(out))["count"] == 2
        again = run(capsys, "listing", "import", str(out))
        assert again["counts"] == {"new": 0, "changed": 0, "same": 2, "doubtful": 0, "refused": 0}, again
    text = (folder / "out.csv").read_text("utf-8-sig")
    assert "许知行" not in text and "许**" in text and "保荐机构联系人" in text
    assert (
        run(capsys, "listing", "export", str(folder / "one.csv"), "--filter", "?stage=listed")["count"] == 1
    )
    for words, says in (
        (("x.txt",), ".xlsx"),
        (("x.csv", "--filter", "?stage=火星"), "stage"),
        (("x.csv", "--filter", "foo=1&sort=name"), "foo"),
    ):
        assert main(["listing", "export", str(folder / words[0]), *words[1:]]) == 1
        assert says in "".join(capsys.readouterr()) and not (folder / words[0]).exists()
    counted = run(capsys, "listing", "count", "--as-of", "2026-11-23")
    assert [(each["key"], each["count"], len(each["ids"]), each["withheld"]) for each in counted] == [
        ("reform", 1, 1, 0), ("accepted", 0, 0, 0),
    ]  # fmt: skip
    assert run(capsys, "listing", "count", "--as-of", "2022-09-19")[0]["count"] == 0
    template = folder / "模板.xlsx"
    assert run(capsys, "listing", "template", str(template))["file"] == str(template) and template.exists()


def test_move_passes_the_same_gates_by_name_or_code(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    registered(folder, capsys)
    file = folder / "后备.csv"
    file.write_text(text_of({"企业名称": FIRMS[0], "入库日期": "2024-01-08"}), encoding="utf-8")
    run(capsys, "listing", "import", str(file))
    refused = run(capsys, "listing", "move", FIRMS[0], "reform", "--on", "2026-03-01", code=1)
    assert "股份公司营业执照" in refused["missing"] and "还差" in refused["error"]
    absent = run(capsys, "listing", "move", FIRMS[1], "reform", "--on", "2026-03-01", code=1)
    assert "不在上市后备库里" in absent["error"]
    with pytest.raises(SystemExit):
        main(["listing", "move", FIRMS[0], "no-such-stage", "--on", "2026-03-01"])


@pytest.mark.skipif("CRM_TRIAL_DATA" not in os.environ, reason="CRM_TRIAL_DATA names no folder")
def test_the_listed_firms_of_the_city_come_in_from_the_real_list(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    real = str(Path(os.environ["CRM_TRIAL_DATA"]) / "ashare_financials_2019_2021.csv")
    assert run(capsys, "firms", "import", real, "--within", "温州")["counts"]["new"] == 28
    figures = run(capsys, "firms", "import", real, "--sheet", "figures", "--unit", "元", "--within", "温州")
    assert figures["counts"]["new"] == 73 and figures["counts"]["refused"] == 0
    found = run(capsys, "listing", "import", real, "--within", "温州")
    assert found["counts"]["new"] == 28 and found["refused"] == []
    assert (
        run(capsys, "listing", "export", str(folder / "out.csv"), "--filter", "?stage=listed")["count"] == 28
    )
    # one has left the market and the list gives no day for it: it is in, its day to be looked up
    unknown = ("--filter", "?listed=unknown")
    assert run(capsys, "listing", "export", str(folder / "unknown.csv"), *unknown)["count"] == 1
    assert "华仪电气股份有限公司" in (folder / "unknown.csv").read_text("utf-8-sig")
    looked_up = folder / "补.csv"
    looked_up.write_text(text_of({"企业名称": "华仪电气股份有限公司", "上市日期": "2000-11-06"}), "utf-8")
    assert run(capsys, "listing", "import", str(looked_up))["counts"]["changed"] == 1
    assert run(capsys, "listing", "export", str(folder / "none.csv"), *unknown)["count"] == 0
