"""Merging on screen: preview, choices, refusals, the record put away, old addresses, undo."""

from __future__ import annotations

import re
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from crm.core.db import db, writing
from crm.core.transaction import commit
from crm.firms import actions as registry
from crm.firms.models import Contact, Firm, FirmName, YearFigures
from tests import people
from tests.overview.merging_cast import CODES, ROBOT, TODAY, add, two


def text(response: Any) -> str:
    return str(response.get_data(as_text=True))


@pytest.fixture
def pair(app: Flask) -> tuple[int, int]:
    with app.app_context():
        writing()
        made = two(db.session(), 1, code="other")
        db.session.remove()
    return made


@pytest.fixture
def science(client: FlaskClient) -> FlaskClient:
    return people.sign_in(client, people.SCIENCE)


def address(left: int, right: int) -> str:
    return f"/records/firm/{left}/merge/{right}"


def hidden(body: str) -> dict[str, str]:
    return {
        name: re.search(rf'name="{name}" value="([^"]*)"', body)[1]  # type: ignore[index]
        for name in ("mark", "since", "stays")
    }


def merged(client: FlaskClient, left: int, right: int, **more: str) -> Any:
    body = text(client.get(address(left, right) + f"?stays={more.pop('stays', 'left')}"))
    return people.post(client, address(left, right), {**hidden(body), **more})


def state(app: Flask, firm_id: int) -> tuple[int | None, str | None, str]:
    with app.app_context():
        row = db.session.execute(
            sa.select(Firm.merged_into_id, Firm.code, Firm.name).where(Firm.id == firm_id)
        ).one()
        db.session.remove()
    return row.merged_into_id, row.code, row.name


def test_the_preview_shows_both_sides_and_what_moves(science: FlaskClient, pair: tuple[int, int]) -> None:
    body = text(science.get(address(*pair) + "?stays=left"))
    assert "温州拓屿精密机械有限公司" in body and "温州市拓屿精密机械制造有限公司" in body
    assert "年度数据" in body and "证书" in body and "申报" in body
    assert 'name="fact-name" value="left" checked' in body
    turned = text(science.get(address(*pair) + "?stays=right"))
    assert 'name="fact-name" value="right" checked' in turned
    # without being told, the one that has a code goes on
    assert hidden(text(science.get(address(*pair))))["stays"] == "right"


def test_a_merge_from_the_page_and_back(app: Flask, science: FlaskClient, pair: tuple[int, int]) -> None:
    left, right = pair
    answer = merged(science, left, right)
    assert (answer.status_code, answer.location) == (303, f"/firms/{left}")
    page = text(science.get(f"/firms/{left}"))
    assert "已把「温州市拓屿精密机械制造有限公司」并入这一条。" in page
    assert f"/records/firm/{right}/merged" in page and CODES[0] in page
    assert state(app, right)[:2] == (left, None)
    put_away = text(science.get(f"/records/firm/{right}/merged"))
    assert people.SCIENCE.name in put_away and "撤销合并" in put_away
    history = text(science.get(f"/records/firm/{left}/history"))
    assert "合并两条记录" in history
    back = people.post(science, f"/records/firm/{right}/merged/undo")
    assert (back.status_code, back.location) == (303, f"/firms/{right}")
    assert state(app, right)[:2] == (None, CODES[0])
    again = people.post(science, f"/records/firm/{right}/merged/undo")
    assert again.status_code == 422


@pytest.mark.parametrize("tail", ["", "/holdings", "/edit/all", "/contacts/new", "/rename"])
def test_old_addresses_lead_to_the_one_that_stays(
    science: FlaskClient, pair: tuple[int, int], tail: str
) -> None:
    left, right = pair
    merged(science, left, right)
    answer = science.get(f"/firms/{right}{tail}")
    assert answer.status_code == 303
    assert answer.location.startswith(f"/firms/{left}{tail}")
    assert science.get(answer.location).status_code == 200
    if not tail:
        assert "已经并入这家企业" in text(science.get(answer.location))


def test_what_is_sent_to_a_merged_firm_changes_nothing(
    app: Flask, science: FlaskClient, pair: tuple[int, int]
) -> None:
    left, right = pair
    merged(science, left, right)
    answer = people.post(science, f"/firms/{right}/contacts/new", {"name": "迟到的"})
    assert answer.status_code == 409
    assert "已经并入" in text(answer)
    with app.app_context():
        assert db.session.scalar(sa.select(Contact.id).where(Contact.name == "迟到的")) is None
        db.session.remove()
    for wrong in (address(left, right), address(right, left)):
        answer = science.get(wrong)
        assert (answer.status_code, answer.location) == (303, f"/firms/{left}")


def test_a_chain_of_merges_leads_to_its_end(app: Flask, science: FlaskClient, pair: tuple[int, int]) -> None:
    left, right = pair
    with app.app_context():
        writing()
        third = registry.register(db.session(), actor=ROBOT, today=TODAY, name="浙江拓屿控股有限公司")
        commit()
        other = third.id
        db.session.remove()
    merged(science, left, right)
    answer = science.get(address(right, other))
    assert (answer.status_code, answer.location) == (303, address(left, other))
    merged(science, other, left)
    assert science.get(f"/firms/{right}").location.startswith(f"/firms/{other}")
    refused = people.post(science, f"/records/firm/{right}/merged/undo")
    assert refused.status_code == 409
    assert "不能整体撤销" in text(refused) and "合并两条记录" in text(refused)


def test_a_change_in_between_is_shown_and_the_choices_are_kept(
    app: Flask, science: FlaskClient, pair: tuple[int, int]
) -> None:
    left, right = pair
    body = text(science.get(address(left, right) + "?stays=left"))
    with app.app_context():
        writing()
        firm = db.session.get_one(Firm, right)
        registry.edit(
            db.session(),
            firm,
            actor=people.actor(db.session(), people.FINANCE),
            today=TODAY,
            business="改过了",
        )
        commit()
        db.session.remove()
    answer = people.post(
        science, address(left, right), {**hidden(body), "fact-name": "right", "reason": "同一家"}
    )
    page = text(answer)
    assert answer.status_code == 409
    assert people.FINANCE.name in page and "修改企业" in page and "改过了" in page
    assert 'name="fact-name" value="right" checked' in page and 'value="同一家"' in page
    assert state(app, right)[0] is None
    done = people.post(science, address(left, right), {**hidden(page), "fact-name": "right"})
    assert done.status_code == 303
    assert state(app, left)[2] == "温州市拓屿精密机械制造有限公司"


def test_two_codes_are_refused_with_the_sentence_until_a_reason_is_given(
    app: Flask, science: FlaskClient
) -> None:
    with app.app_context():
        writing()
        left, right = two(db.session(), 2, code="both")
        db.session.remove()
    answer = merged(science, left, right)
    assert answer.status_code == 422
    assert "按规定是两家企业" in text(answer) and CODES[0] in text(answer)
    assert state(app, right)[0] is None
    assert merged(science, left, right, reason="换照").status_code == 303
    assert "换照" in text(science.get(f"/records/firm/{right}/merged"))


@pytest.mark.parametrize(
    "person", [people.LEADER, people.INVESTMENT, people.REPORTER, people.SUPERVISOR, people.READ_ONLY, people.STRANGER,
               people.AUDITOR]
)  # fmt: skip
def test_who_may_not_merge_sees_no_preview_and_merges_nothing(
    app: Flask, client: FlaskClient, pair: tuple[int, int], person: people.Person
) -> None:
    people.sign_in(client, person)
    left, right = pair
    for url in (address(left, right), f"/records/firm/{left}/merge"):
        assert client.get(url).status_code == 403
    assert people.post(client, address(left, right), {"stays": "left"}).status_code == 403
    assert people.post(client, f"/records/firm/{right}/merged/undo").status_code == 403
    assert state(app, right)[0] is None


def test_without_the_mark_of_a_preview_nothing_is_merged(
    app: Flask, science: FlaskClient, pair: tuple[int, int]
) -> None:
    assert people.post(science, address(*pair), {"stays": "left"}).status_code == 409
    assert state(app, pair[1])[0] is None


@pytest.mark.parametrize("wrong", ["/records/nothing/1/merge/2", "/records/certification/1/merge/2"])
def test_other_kinds_and_impossible_ids_are_not_found(
    science: FlaskClient, pair: tuple[int, int], wrong: str
) -> None:
    for url in (wrong, address(pair[0], 2**62), f"/records/firm/{2**62}/merged", address(0, 0)):
        assert science.get(url).status_code == 404, url
    assert science.get(address(pair[0], pair[0])).status_code == 422
    assert science.get(f"/records/firm/{pair[0]}/merged").status_code == 303


def test_figures_of_one_year_are_chosen_on_the_page(
    app: Flask, science: FlaskClient, pair: tuple[int, int]
) -> None:
    left, right = pair
    with app.app_context():
        writing()
        add(
            db.session(),
            YearFigures(firm_id=left, year=2020, revenue_yuan=10_000_000, tax_yuan=10_000),
            YearFigures(firm_id=right, year=2020, revenue_yuan=20_000_000, tax_yuan=20_000),
        )
        db.session.remove()
    body = text(science.get(address(left, right) + "?stays=left"))
    name = re.search(r'name="(year_figures-\d+-\d+)" value="each"', body[body.index(">2020<") :])
    assert name is not None and "1,000 万元" in body and "2,000 万元" in body
    answer = merged(science, left, right, **{name[1]: "each", f"{name[1]}-tax_yuan": "right"})
    assert answer.status_code == 303
    with app.app_context():
        rows = db.session.execute(
            sa.select(YearFigures.firm_id, YearFigures.revenue_yuan, YearFigures.tax_yuan)
            .where(YearFigures.year == 2020)
            .order_by(YearFigures.firm_id)
        ).all()
        db.session.remove()
    assert [tuple(row) for row in rows] == [(left, 10_000_000, 20_000), (right, 20_000_000, 20_000)]
    assert "年度数据" in text(science.get(f"/records/firm/{right}/merged"))


def test_the_other_is_found_by_its_likeness_and_by_search(
    science: FlaskClient, pair: tuple[int, int]
) -> None:
    left, right = pair
    page = text(science.get(f"/records/firm/{left}/merge?q=制造"))
    assert page.count(f'href="{address(left, right)}"') == 2
    assert f'href="{address(left, left)}"' not in page


def test_a_name_that_is_markup_stays_text(app: Flask, science: FlaskClient, pair: tuple[int, int]) -> None:
    with app.app_context():
        writing()
        add(db.session(), FirmName(firm_id=pair[0], kind="alias", name="<script>x</script>", name_key="x"))
        firm = db.session.get_one(Firm, pair[0])
        registry.edit(db.session(), firm, actor=ROBOT, today=TODAY, address="<b>路</b>", business="{{ 7*7 }}")
        commit()
        db.session.remove()
    for url in (address(*pair), f"/records/firm/{pair[0]}/merge"):
        body = text(science.get(url))
        assert "<b>路" not in body and "<script>x" not in body and "49" not in re.findall(r">(\d+)<", body)
