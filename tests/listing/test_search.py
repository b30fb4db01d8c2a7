"""Candidates in the palette, on /search and among the recent records: by every name of the firm, for who may see them."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from crm.core.transaction import commit
from crm.listing import actions
from crm.listing.queries.finding import by_ids, search
from crm.listing.rules.words import Board
from tests import people
from tests.listing.cast import ROBOT, TODAY, a_candidate

SEES = (people.LEADER, people.SCIENCE, people.FINANCE, people.SUPERVISOR)


def found(session: Session, text: str, person: people.Person = people.FINANCE) -> list[str]:
    return [hit.name for hit in search(session, text, people.actor(session, person))]


@pytest.mark.parametrize("text", ["岚屿0001", "wzly0001", "688123", " 688123 "])
def test_a_candidate_is_found_by_name_pinyin_and_stock_code(session: Session, text: str) -> None:
    candidate = a_candidate(session, 1)
    a_candidate(session, 2)
    actions.edit(session, candidate, actor=ROBOT, today=TODAY, values={"stock_code": "688123"})
    commit(session)
    assert found(session, text) == ["温州岚屿0001智能装备有限公司"]


def test_an_archived_one_is_found_no_more(session: Session) -> None:
    candidate = a_candidate(session)
    actions.archive(session, candidate, actor=ROBOT, today=TODAY, reason="不再推进")
    commit(session)
    assert found(session, "岚屿") == []
    assert by_ids(session, [candidate.id], viewer=people.actor(session, people.FINANCE)) == []


@pytest.mark.parametrize("headers", [{"X-Palette": "1"}, {}])
@pytest.mark.parametrize("who", people.CAST, ids=str)
def test_only_who_may_see_the_reserve_finds_it(
    client: FlaskClient, session: Session, who: people.Person, headers: dict[str, str]
) -> None:
    candidate = a_candidate(session, board=Board.BSE)
    number = candidate.id
    session.rollback()
    people.sign_in(client, who)
    page = client.get("/search?q=岚屿", headers=headers).text
    may = who in (*SEES, people.SCIENCE_2)
    assert (f"/listing/{number}" in page) is may
    assert ("后备入库" in page) is may


def test_what_was_opened_last_stands_first(client: FlaskClient, session: Session) -> None:
    number = a_candidate(session).id
    session.rollback()
    people.sign_in(client, people.FINANCE)
    assert f"/listing/{number}" not in client.get("/search", headers={"X-Palette": "1"}).text
    client.get(f"/listing/{number}")
    assert f"/listing/{number}" in client.get("/search", headers={"X-Palette": "1"}).text
