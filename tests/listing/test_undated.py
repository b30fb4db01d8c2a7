"""A listed firm whose listing day a list does not give: taken in as it stands, counted nowhere, marked until it is known."""

from __future__ import annotations

import datetime as dt
import html

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from crm.core.pipeline import MoveKind, WaiverKind
from crm.core.transaction import commit
from crm.firms.actions import writing
from crm.firms.rules.words import RowOutcome
from crm.ladder.models import Certification
from crm.listing import actions, queries
from crm.listing.models import Candidate, CandidateWaiver
from crm.listing.queries.books import BOOKS
from crm.listing.rules.codes import is_of_exchange
from crm.listing.rules.stages import PIPELINE
from crm.listing.rules.words import Evidence, Stage
from tests import people
from tests.listing.cast import ROBOT, TODAY, a_candidate, a_firm, bring
from tests.listing.test_import import judge, only, why, written

ROW = {"板块": "主板", "list_date": "", "证券代码": "600290"}
FOUND = dt.date(2000, 11, 6)


def taken_in(session: Session) -> Candidate:
    written(session, {"全称": a_firm(session).name, **ROW})
    return only(session)


def days(session: Session) -> list[dt.date]:
    """The days of the "listed" titles."""
    return list(session.scalars(sa.select(Certification.granted_on).where(Certification.kind == "listed")))


def test_it_comes_in_as_listed_without_a_day_made_up(session: Session) -> None:
    one = taken_in(session)
    assert (one.stage, one.stock_code, one.listed_on, one.is_undated) == (Stage.LISTED, "600290", None, True)
    (move,) = queries.moves_of(session, one.id)
    assert (move.kind, move.from_stage, move.stage, move.on) == (
        MoveKind.REPORT, None, Stage.LISTED, TODAY,
    )  # fmt: skip
    assert days(session) == []
    line = PIPELINE.line(one.stage, [move], TODAY)
    assert all(step.actual_on is None and step.days is None for step in line)
    waiver = session.scalars(
        sa.select(CandidateWaiver).where(CandidateWaiver.item == Evidence.LISTING.value)
    ).one()
    assert waiver.kind is WaiverKind.UNKNOWN and "上市日期" in waiver.reason and waiver.until_on is not None


def test_it_counts_on_no_day_before_it_was_taken_in_and_in_neither_count(session: Session) -> None:
    taken_in(session)
    assert session.execute(sa.select(BOOKS.standing_on(TODAY - dt.timedelta(1)))).all() == []
    assert [each.count for each in queries.counts(session, TODAY, viewer=ROBOT)] == [0, 0]
    assert [each.left for each in queries.steps(session, ROBOT)] == [0] * len(Stage)


def test_the_preview_says_so_and_the_same_list_again_changes_nothing(session: Session) -> None:
    row = {"全称": a_firm(session).name, **ROW}
    item = judge(session, row)[0]
    assert item.joined.outcome is RowOutcome.NEW and "上市日期待补" in why(item)
    batch = written(session, row)
    assert judge(session, row)[0].joined.outcome is RowOutcome.SAME
    assert judge(session, {**row, "阶段": "已上市"})[0].joined.outcome is RowOutcome.SAME
    writing.undo_import(session, batch, actor=ROBOT)
    commit(session)
    assert session.scalar(sa.select(sa.func.count()).select_from(Candidate)) == 0


def test_the_day_comes_with_its_document_and_brings_the_title(session: Session) -> None:
    one = taken_in(session)
    paper = actions.prove(
        session, one, actor=ROBOT, today=TODAY, kind=Evidence.LISTING, on=FOUND, reference="上市公告书"
    )
    commit(session)
    assert (one.listed_on, one.is_undated, days(session)) == (FOUND, False, [FOUND])
    actions.put_away(session, one, paper, actor=ROBOT, today=TODAY, reason="登记错了")
    assert one.is_undated  # the day it was taken in is no listing day


def test_the_day_comes_with_a_later_list(session: Session) -> None:
    one = taken_in(session)
    row = {"全称": one.firm_name, **ROW, "list_date": FOUND.isoformat()}
    item = judge(session, row)[0]
    assert item.joined.outcome is RowOutcome.CHANGED and item.changes["listed_on"] == [
        None,
        FOUND.isoformat(),
    ]
    written(session, row)
    one = only(session)
    assert (one.listed_on, days(session)) == (FOUND, [FOUND])
    assert judge(session, row)[0].joined.outcome is RowOutcome.SAME


def test_who_stands_on_the_way_already_needs_the_day(session: Session) -> None:
    candidate = bring(session, a_candidate(session), Stage.REFORM)
    item = judge(session, {"全称": candidate.firm_name, "阶段": "已上市", "证券代码": "688290"})[0]
    assert item.joined.outcome is RowOutcome.REFUSED and "要写上市日期" in why(item)


@pytest.mark.parametrize("code", ["600290", "605066", "688001", "000751", "002563", "301578", "920693"])
def test_codes_of_the_exchanges_tell_a_listing(code: str) -> None:
    assert is_of_exchange(code)


@pytest.mark.parametrize("code", ["830799", "430047", "873223", "900901", "60029", "6002900", "sh600290"])
def test_codes_of_other_markets_tell_none(code: str) -> None:
    assert not is_of_exchange(code)


def test_pages_mark_it_and_the_list_finds_it(client: FlaskClient, session: Session) -> None:
    one = taken_in(session)
    number, name = one.id, one.firm_name
    other = bring(session, a_candidate(session, 2), Stage.REFORM).firm_name
    session.rollback()
    people.sign_in(client, people.FINANCE)
    shown = html.unescape(client.get(f"/listing/{number}").text)
    assert "上市日期待补" in shown and f"/listing/{number}/evidence/new?kind=listing-notice" in shown
    listed = html.unescape(client.get("/listing?listed=unknown&columns=since,listed,state").text)
    assert name in listed and other not in listed and TODAY.isoformat() not in listed
    board = html.unescape(client.get("/listing/board?stage=listed").text)
    assert "日期待补" in board


def test_what_is_listed_does_not_read_as_going_on(client: FlaskClient, session: Session) -> None:
    one = taken_in(session)
    firm_id, name = one.firm_id, one.firm_name
    going = bring(session, a_candidate(session, 2), Stage.REFORM).firm_name
    session.rollback()
    people.sign_in(client, people.FINANCE)
    panel = html.unescape(client.get(f"/firms/{firm_id}/listing").text)
    assert "推进中" not in panel and "已上市" in panel
    for state, there, away in (("active", going, name), ("open", going, name), ("listed", name, going)):
        shown = html.unescape(client.get(f"/listing?state={state}").text)
        assert there in shown and away not in shown, state
    assert '<td data-label="上市状态" class="td-s">已上市' in html.unescape(
        client.get("/listing?state=listed").text
    )
    steps = html.unescape(client.get("/listing/bottlenecks").text)
    assert "stage=listed&state=active" not in steps and "stage=listed" in steps
