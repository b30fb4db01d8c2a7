"""The list of projects through the wizard on screen, and the commands: import, template, export."""

from __future__ import annotations

import html
import io
import json
import time
from pathlib import Path

import pytest
import python_calamine
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from crm.cli import main
from crm.core.db import db
from crm.core.db import writing as write_intent
from crm.core.transaction import commit
from crm.firms.actions import staging, writing
from crm.firms.rules.words import ImportMode
from crm.projects.models import Project
from tests import people
from tests.projects.cast import ROBOT, TODAY, a_lead
from tests.projects.test_import import BASE, KIND, NEGOTIATED, text_of
from tests.projects.test_import import read as parsed


def upload(client: FlaskClient, text: str) -> str:
    """The address of the preview."""
    answer = people.post(
        client, "/firms/import",
        {"sheet": "projects", "mode": "both", "source": "商务局台账", "file": (io.BytesIO(text.encode()), "台账.csv")},
    )  # fmt: skip
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"]


def page(client: FlaskClient, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200
    return html.unescape(answer.text)


def test_the_walk_upload_preview_decide_write_undo(client: FlaskClient, session: Session) -> None:
    a_lead(session, person=people.BUREAU_HEAD, investor="苏州砚石精密有限公司", name="轴承产线")
    session.rollback()
    people.sign_in(client, people.BUREAU_HEAD)
    shown = page(client, "/firms/import?sheet=projects")
    assert "招商项目怎么导入" in shown and "企业名单" not in shown
    batch = upload(
        client,
        text_of(
            {**BASE, **NEGOTIATED, "阶段": "洽谈", "下一步": "约见", "下一步日期": "2099-01-01"},
            {**BASE, "投资方": "苏州砚石精密有限公司", "项目名称": "轴承二期"},
            {**BASE, "投资方": "无锡珩川有限公司", "阶段": "签约"},
        ),
    )
    shown = page(client, batch)
    assert "将写入 1 行" in shown and "进入「签约」还差" in shown and "合同编号" not in shown
    assert "这个投资方已经首报了别的项目" in page(client, f"{batch}?outcome=doubtful")
    walk = page(client, f"{batch}/doubtful")
    assert "是哪个项目？" in walk and "轴承<mark>产线" in walk and "都不是，新建项目" in walk
    assert people.post(client, f"{batch}/doubtful/3", {"decision": "new"}).status_code == 303
    assert people.post(client, f"{batch}/write", {}).status_code == 303
    shown = page(client, batch)
    assert "已写入：新增 1" in shown
    names = "SELECT name FROM projects ORDER BY id"
    assert session.scalars(sa.text(names)).all() == ["轴承产线", "储能电芯产线", "轴承二期"]
    session.rollback()
    assert "约见" in page(client, "/projects/2")
    assert people.post(client, f"{batch}/undo", {}).status_code == 303
    assert session.scalars(sa.text(names)).all() == ["轴承产线"]


def test_a_staged_list_is_its_importers_alone(client: FlaskClient, session: Session) -> None:
    people.sign_in(client, people.INVESTMENT)
    batch = upload(client, text_of(BASE))
    for person, answer in ((people.INVESTMENT_2, 404), (people.SCIENCE, 404), (people.LEADER, 403)):
        people.sign_in(client, person)
        assert client.get(batch).status_code == answer, person
        assert people.post(client, f"{batch}/write", {}).status_code in (403, 404)
    people.sign_in(client, people.INVESTMENT)
    assert page(client, batch)


@pytest.mark.parametrize(
    ("person", "may"),
    [
        (people.INVESTMENT, True),
        (people.LEADER, False),
        (people.READ_ONLY, False),
        (people.SUPERVISOR, False),
    ],
)
def test_the_way_in_is_offered_to_who_may(client: FlaskClient, person: people.Person, may: bool) -> None:
    people.sign_in(client, person)
    assert ("/firms/import?sheet=projects" in client.get("/projects").text) is may
    assert (client.get("/firms/import?sheet=projects").status_code == 200) is may
    assert (client.get("/firms/import/template/projects.xlsx").status_code == 200) is may


def test_an_investment_officer_cannot_import_firms(client: FlaskClient) -> None:
    people.sign_in(client, people.INVESTMENT)
    assert client.get("/firms/import/template/registry.xlsx").status_code == 404
    answer = people.post(
        client, "/firms/import",
        {"sheet": "registry", "mode": "both", "pasted": "企业名称\n温州拓屿精密机械有限公司"},
    )  # fmt: skip
    assert answer.status_code == 403


def test_refused_rows_are_put_right_on_screen(client: FlaskClient, session: Session) -> None:
    people.sign_in(client, people.INVESTMENT)
    batch = upload(client, text_of({**BASE, "线索来源": "火星"}))
    answer = people.post(client, f"{batch}/fixes", {"fix.2.source": "商会"})
    assert answer.status_code == 303
    assert "将写入 1 行" in page(client, batch)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CRM_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("CRM_DEMO", "0")
    for name in ("CRM_DATABASE_URL", "CRM_SECRET_KEY", "CRM_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_the_commands_import_template_and_export(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = folder / "台账.csv"
    file.write_text(
        text_of(BASE, {**BASE, "投资方": "无锡珩川有限公司", "阶段": "签约"}, {**BASE, "项目名称": "另一个"}),
        encoding="utf-8",
    )

    def run(*words: str) -> dict[str, object]:
        assert main([*words, "--json"]) == 0
        found: dict[str, object] = json.loads(capsys.readouterr().out)
        return found

    trial = run("projects", "import", str(file), "--dry-run")
    assert trial["counts"] == {"new": 1, "changed": 0, "same": 0, "doubtful": 1, "refused": 1}
    assert trial["batch"] is None and "还差" in str(trial["refused"])
    assert run("projects", "import", str(file))["counts"] == trial["counts"]
    assert run("projects", "import", str(file))["counts"] == {
        "new": 0, "changed": 0, "same": 1, "doubtful": 1, "refused": 1,
    }  # fmt: skip
    template, out = folder / "模板.xlsx", folder / "项目.csv"
    assert run("projects", "template", str(template))["file"] == str(template)
    rows = python_calamine.CalamineWorkbook.from_path(str(template)).get_sheet_by_index(0).to_python()
    headings = rows[0]
    assert {"投资方", "项目名称", "项目阶段", "牵头领导", "投资协议"} <= set(headings)
    assert run("projects", "export", str(out))["count"] == 1
    assert "储能电芯产线" in out.read_text("utf-8-sig")
    assert run("projects", "export", str(out), "--filter", "?stage=signed&more=1&view=3")["count"] == 0


@pytest.mark.parametrize("odd", ["stage=bogus", "colour=red", "stage=signed&total=7"])
def test_a_condition_nobody_knows_exports_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str], odd: str
) -> None:
    out = folder / "项目.csv"
    assert main(["projects", "export", str(out), "--filter", odd]) == 1
    assert odd.rpartition("&")[2] in capsys.readouterr().err and not out.exists()


@pytest.mark.parametrize("verb", ["template", "export"])
def test_a_folder_that_is_not_there_is_said_and_not_unforeseen(
    folder: Path, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    out = folder / "没有" / "项目.xlsx"
    assert main(["projects", verb, str(out)]) == 1
    told = capsys.readouterr().err
    assert str(out) in told and "没有预料到" not in told


def test_an_export_that_was_made_here_comes_back_as_the_same(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, out = folder / "台账.csv", folder / "项目.xlsx"
    file.write_text(text_of({**BASE, "总投资(万元)": "126000"}), encoding="utf-8")
    assert main(["projects", "import", str(file), "--json"]) == 0
    assert main(["projects", "export", str(out), "--json"]) == 0
    capsys.readouterr()
    assert main(["projects", "import", str(out), "--dry-run", "--mode", "both", "--json"]) == 1
    assert (
        "线索来源" in capsys.readouterr().err
    )  # what a lead must have is named, when the columns chosen leave it out
    chosen = "?columns=source,stage,state,total,agreed,origin"
    assert main(["projects", "export", str(out), "--filter", chosen, "--json"]) == 0
    capsys.readouterr()
    assert main(["projects", "import", str(out), "--mode", "both", "--json"]) == 0
    counts = json.loads(capsys.readouterr().out)["counts"]
    assert counts == {"new": 0, "changed": 0, "same": 1, "doubtful": 0, "refused": 0}


def test_a_thousand_rows_are_judged_and_written_in_seconds(session: Session) -> None:
    rows = [
        {**BASE, **NEGOTIATED, "投资方": f"宁州第{n}号新能源有限公司", "阶段": "洽谈", "成员单位": "经发局"}
        for n in range(1000)
    ]
    text = text_of(*rows)
    started = time.perf_counter()
    reads, mapping = parsed(text)
    verdicts = staging.judge(session, reads, actor=ROBOT, sheet=KIND, mode=ImportMode.BOTH, today=TODAY)
    session.rollback()
    write_intent()
    batch = staging.upload(
        session, actor=ROBOT, sheet=KIND, mode=ImportMode.BOTH, filename="台账.csv", content=text.encode()
    )
    staging.stage(session, batch, verdicts, actor=ROBOT, mapping=mapping, headings=[])
    commit(session)
    writing.write(session, batch, actor=ROBOT, today=TODAY)
    commit(session)
    took = time.perf_counter() - started
    assert session.scalar(sa.select(sa.func.count()).select_from(Project)) == 1000
    assert took < 120, took  # 1.3 s on a quiet machine; a walk of every row for every row takes minutes
    print(f"1,000 projects in {took:.1f} s")
    db.session.remove()
