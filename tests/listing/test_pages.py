"""The pages of the reserve: who may open them, odd ids, what they cost, figures that open just so many rows, the walk."""

from __future__ import annotations

import datetime as dt
import re
from html import unescape

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from crm.core.clock import today
from crm.core.transaction import commit
from crm.listing import actions
from crm.listing.models import Candidate
from crm.listing.rules.words import Board, IntermediaryKind, Stage, State
from tests import people
from tests.listing.cast import ROBOT, START, TODAY, a_candidate, a_firm, bring, fill
from tests.projects.counting import statements

COUNT = re.compile(r'<a [^>]*href="([^"]*)"[^>]*data-count="(\d+)"')
PAGES = ["/listing", "/listing/board", "/listing/calendar", "/listing/bottlenecks", "/listing/changes", "/listing/counts"]  # fmt: skip
OWNERS = [people.FINANCE, people.SCIENCE, people.LEADER, people.SUPERVISOR]
SEES = (people.LEADER, people.SCIENCE, people.SCIENCE_2, people.FINANCE, people.SUPERVISOR)
FORMS = [
    "edit", "move", "aside", "resume", "board", "archive", "plan", "evidence/new", "intermediaries/new",
    "obstacles/new", "markets/new", "shareholders", "items/sponsor",
]  # fmt: skip


def some(session: Session, many: int, start: int = 1) -> None:
    """Candidates of different owners, at different stages."""
    for n in range(start, start + many):
        owner = people.id_of(session, OWNERS[n % 4])
        candidate = a_candidate(session, n, officer_id=owner)
        bring(session, candidate, list(Stage)[n % 4])
        actions.raise_obstacle(
            session, candidate, actor=ROBOT, today=TODAY, text="历史出资瑕疵", owner_id=owner,
            unit_id=people.unit_id(session, "金融办"), due_on=TODAY + dt.timedelta(20),
        )  # fmt: skip
        commit(session)
        actions.plan(
            session, candidate, actor=ROBOT, stage=Stage.LISTED, on=TODAY + dt.timedelta(200 * (n % 3))
        )
        commit(session)


@pytest.mark.parametrize("address", PAGES)
def test_twice_the_candidates_cost_the_same_statements(
    app: Flask, client: FlaskClient, session: Session, address: str
) -> None:
    some(session, 4)
    session.rollback()
    people.sign_in(client, people.LEADER)
    client.get(address)
    with app.app_context(), statements() as few:
        assert client.get(address).status_code == 200
    some(session, 4, 5)
    session.rollback()
    with app.app_context(), statements() as many:
        client.get(address)
    assert len(many) == len(few)


def test_every_figure_opens_just_so_many_rows(client: FlaskClient, session: Session) -> None:
    some(session, 8)
    gone = a_candidate(session, 90, on=dt.date(2024, 2, 5))
    bring(session, gone, Stage.ACCEPTED)
    actions.set_aside(
        session, gone, actor=ROBOT, today=TODAY, state=State.WITHDRAWN, on=TODAY, reason="主动撤回"
    )
    commit(session)
    session.rollback()
    people.sign_in(client, people.LEADER)
    for address in (
        "/listing/board",
        "/listing/bottlenecks",
        "/listing/counts",
        "/listing/counts?as_of=2025-01-01",
    ):
        found = COUNT.findall(client.get(address).text)
        assert found, address
        for url, count in found:
            shown = re.search(r'class="td-count">([\d,]+)', client.get(unescape(url)).text)
            assert shown is not None and int(shown[1]) == int(count), url


def test_who_may_not_see_the_reserve_finds_it_nowhere(client: FlaskClient, session: Session) -> None:
    candidate = a_candidate(session)
    number, firm = candidate.id, candidate.firm_id
    session.rollback()
    addresses = [
        *PAGES,
        f"/listing/{number}",
        f"/firms/{firm}/listing",
        f"/records/candidate/{number}/timeline",
    ]
    for who in people.CAST:
        people.sign_in(client, who)
        expected = {200} if who in SEES else {403, 404}
        for address in addresses:
            assert client.get(address).status_code in expected, (who, address)
        if who not in SEES:
            page = client.get(f"/firms/{firm}").text
            assert "/listing" not in page, who


def test_only_the_finance_office_gets_the_forms(client: FlaskClient, session: Session) -> None:
    candidate = a_candidate(session)
    number, firm = candidate.id, a_firm(session, 2).id
    session.rollback()
    for who in SEES:
        people.sign_in(client, who)
        for form in FORMS:
            answer = client.get(f"/listing/{number}/{form}")
            assert answer.status_code == (200 if who is people.FINANCE else 403), (who, form)
        assert client.get(f"/firms/{firm}/listing/new").status_code == (200 if who is people.FINANCE else 403)


@pytest.mark.parametrize("number", ["0", "999", "9223372036854775808", "99999999999999999999999"])
def test_odd_ids_are_not_found(client: FlaskClient, session: Session, number: str) -> None:
    a_candidate(session)
    session.rollback()
    people.sign_in(client, people.FINANCE)
    for form in ("", *(f"/{form}" for form in FORMS)):
        assert client.get(f"/listing/{number}{form}").status_code == 404, form
    for tail in ("intermediaries/9/leave", "obstacles/9/settle", "evidence/9/put-away", "items/nothing"):
        assert client.get(f"/listing/1/{tail}").status_code == 404, tail


@pytest.mark.parametrize(
    "query",
    ["?month=2026-13", "?month=9999-12", "?month=0001-01", "?month=x", "?as_of=x", "?as_of=0001-01-01"],
)
def test_odd_months_and_days_are_pages_too(client: FlaskClient, session: Session, query: str) -> None:
    session.rollback()
    people.sign_in(client, people.FINANCE)
    for page in ("calendar", "changes", "counts"):
        assert client.get(f"/listing/{page}{query}").status_code == 200


def test_bad_input_says_what_is_wrong_and_stores_nothing(client: FlaskClient, session: Session) -> None:
    candidate = a_candidate(session)
    number, version = candidate.id, candidate.version
    session.rollback()
    people.sign_in(client, people.FINANCE)
    sent = {
        f"/listing/{number}/move": ({"stage": "due-diligence", "on": today().isoformat(), "version": version}, "保荐机构"),
        f"/listing/{number}/board": ({"board": "", "on": "明天", "version": version}, "日期"),
        f"/listing/{number}/evidence/new": ({"kind": "agreements", "on": today().isoformat()}, "文号"),
        f"/listing/{number}/obstacles/new": ({"text": "瑕疵"}, "责任人"),
        f"/listing/{number}/shareholders": ({"on": today().isoformat(), "holders": "张三", "version": version}, "第 1 行"),
        f"/listing/{number}/edit": ({"priority": "yes", "version": version}, "原因"),
        f"/listing/{number}/plan": ({"stage": "", "on": "2027-01-01", "version": version}, "上市阶段"),
    }  # fmt: skip
    for address, (form, says) in sent.items():
        answer = people.post(client, address, form)
        assert answer.status_code == 422 and says in answer.text, (address, answer.status_code)
    session.rollback()
    session.expire_all()
    again = session.get_one(Candidate, number)
    assert (again.version, again.stage) == (version, Stage.RESERVE)


def test_who_saves_second_sees_both_versions(client: FlaskClient, session: Session) -> None:
    candidate = a_candidate(session)
    number, version = candidate.id, candidate.version
    actions.edit(session, candidate, actor=ROBOT, today=TODAY, values={"note": "已约谈券商"})
    commit(session)
    session.rollback()
    people.sign_in(client, people.FINANCE)
    answer = people.post(client, f"/listing/{number}/edit", {"note": "暂缓", "version": str(version)})
    assert answer.status_code == 409 and "已约谈券商" in answer.text and "暂缓" in answer.text


def test_a_firm_goes_from_its_page_through_a_gate(client: FlaskClient, session: Session) -> None:
    firm = a_firm(session).id
    session.rollback()
    people.sign_in(client, people.FINANCE)
    assert f"/firms/{firm}/listing/new" in client.get(f"/firms/{firm}/listing").text
    answer = people.post(client, f"/firms/{firm}/listing/new", {"on": START.isoformat(), "board": "star"})
    assert answer.status_code == 303, answer.text
    candidate = session.query(Candidate).one()
    number = candidate.id
    page = client.get(f"/listing/{number}")
    assert page.status_code == 200 and "还差 2 项" in page.text
    fill(session, candidate, Stage.DUE_DILIGENCE, START)
    version = candidate.version
    session.rollback()
    sent = {"stage": "due-diligence", "on": "2024-03-04", "version": str(version)}
    assert people.post(client, f"/listing/{number}/move", sent).status_code == 303
    page = client.get(f"/listing/{number}").text
    assert "尽调规范" in page and "2024-03-04" in page


def test_the_board_has_the_filter_of_the_list_and_hands_it_on(client: FlaskClient, session: Session) -> None:
    here, away = a_candidate(session), a_candidate(session, 2)
    actions.change_board(session, here, actor=ROBOT, today=TODAY, board=Board.STAR, on=TODAY, reason="定位")
    commit(session)
    names = (here.firm_name, away.firm_name)
    session.rollback()
    people.sign_in(client, people.FINANCE)
    shown = unescape(client.get("/listing/board?board=star").text)
    assert names[0] in shown and names[1] not in shown
    assert '<option value="star" selected>' in shown and 'action="/listing/board"' in shown
    assert 'href="/listing?board=star"' in shown and 'href="/listing?stage=reserve&board=star"' in shown
    assert 'href="/listing/board?board=star"' in unescape(client.get("/listing?board=star").text)


def test_the_condition_of_a_count_reads_in_words(client: FlaskClient, session: Session) -> None:
    a_candidate(session)
    session.rollback()
    people.sign_in(client, people.FINANCE)
    shown = unescape(client.get("/listing?counted=reform:2026-11-23").text)
    assert "新增股份公司，截至 2026-11-23" in shown
    shown = unescape(client.get("/listing?counted=accepted-withdrawn:2026-11-23").text)
    assert "上市报会企业，截至 2026-11-23 已撤回的" in shown


def test_another_board_needs_a_reason_and_the_form_says_so(client: FlaskClient, session: Session) -> None:
    candidate = a_candidate(session)
    number = candidate.id
    session.rollback()
    people.sign_in(client, people.FINANCE)
    field = 'id="reason"[^>]*required|required[^>]*id="reason"'
    assert not re.search(field, client.get(f"/listing/{number}/board").text)
    candidate = session.get_one(Candidate, number)
    actions.change_board(
        session, candidate, actor=ROBOT, today=TODAY, board=Board.STAR, on=TODAY, reason="定位"
    )
    commit(session)
    version = str(candidate.version)
    session.rollback()
    assert re.search(field, client.get(f"/listing/{number}/board").text)
    sent = {"board": "bse", "on": today().isoformat(), "version": version}
    answer = people.post(client, f"/listing/{number}/board", sent)
    assert answer.status_code == 422 and 'value="bse" selected' in answer.text.replace(
        'selected value="bse"', 'value="bse" selected'
    )


def test_the_phone_of_an_intermediary_is_masked_for_who_only_reads(
    client: FlaskClient, session: Session
) -> None:
    candidate = a_candidate(session)
    actions.engage(
        session, candidate, actor=ROBOT, today=TODAY, kind=IntermediaryKind.SPONSOR, name="浙海证券", from_on=TODAY,
        person="许知行", phone="13800005678",
    )  # fmt: skip
    commit(session)
    number = candidate.id
    session.rollback()
    for who, is_whole in ((people.FINANCE, True), (people.LEADER, False)):
        people.sign_in(client, who)
        shown = client.get(f"/listing/{number}").text
        assert ("13800005678" in shown) is is_whole and ("许知行" in shown)
        assert is_whole or "5678" in shown


def test_who_entered_this_month_reads_as_entered_and_forms_say_what_they_take(
    client: FlaskClient, session: Session
) -> None:
    number = a_candidate(session, on=TODAY).id
    session.rollback()
    people.sign_in(client, people.FINANCE)
    shown = unescape(client.get(f"/listing/changes?month={TODAY:%Y-%m}").text)
    assert "入上市后备库 · 后备入库" in shown and "首报" not in shown
    assert "人工改定时必填" in unescape(client.get(f"/listing/{number}/edit").text)
    assert "下周三" in unescape(client.get(f"/listing/{number}/obstacles/new").text)
