"""What changed since a day: each kind counted, walked to its end, told in both languages."""

from __future__ import annotations

import datetime as dt
import re
from html import unescape

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from crm.core import audit, news
from crm.core.clock import today
from crm.core.transaction import commit
from crm.firms.models import Firm
from tests import people
from tests.overview.bench_cast import ROBOT, back, morning


def counts(session: Session, who: people.Person = people.LEADER) -> dict[str, int]:
    found = news.counts(session, people.actor(session, who), first=back(7), last=today())
    return {code: number for code, number in found.items() if number}


def test_each_kind_of_change_is_counted_once(session: Session) -> None:
    morning(session, 7)
    assert counts(session) == {
        "risen": 1, "fallen": 2, "joined": 1, "left": 1, "granted": 1, "ended": 1, "lapsed": 1, "application": 1,
    }  # fmt: skip
    assert counts(session, people.SYSTEM_ADMIN) == {}


def test_what_is_archived_is_no_news(session: Session) -> None:
    ids = morning(session, 7)
    audit.begin(session, actor=ROBOT, action="tests.archive")
    session.get_one(Firm, ids[0]).archived_on = today()
    commit(session)
    found = counts(session)
    assert "risen" not in found and "granted" not in found


@pytest.mark.parametrize("size", [1, 2, 5, 100])
@pytest.mark.parametrize("only", [None, "granted", "fallen"])
def test_pages_show_every_change_once_the_newest_first(session: Session, size: int, only: str | None) -> None:
    morning(session, 21)
    viewer = people.actor(session, people.LEADER)
    seen: list[tuple[dt.date, str, str]] = []
    after = None
    for _page in range(200):
        lines, more = news.page(
            session, viewer, first=back(7), last=today(), only=only, after=after, size=size
        )
        seen += [(line.on, kind.code, line.name) for kind, line in lines]
        if more is None:
            break
        after = news.place_of(str(more))
        assert after == more
    total = news.counts(session, viewer, first=back(7), last=today())
    assert len(seen) == len(set(seen)) == (total[only] if only else sum(total.values()))
    assert [item[0] for item in seen] == sorted((item[0] for item in seen), reverse=True)
    assert only is None or {item[1] for item in seen} == {only}


def test_the_page_walks_on_and_filters(client: FlaskClient, session: Session) -> None:
    morning(session, 70)
    people.sign_in(client, people.READ_ONLY)
    rows, url = 0, "/changes"
    for _page in range(20):
        page = client.get(url).text
        body = re.search(r"<tbody>(.*)</tbody>", page, re.S)
        assert body is not None
        rows += body[1].count("<tr>")
        found = re.search(r'href="([^"]*)">更早的', page)
        if found is None:
            break
        url = unescape(found[1])
    assert rows == sum(counts(session, people.READ_ONLY).values()) > 50
    assert "回到最新的" in page
    ended = client.get("/changes?kind=ended").text
    assert "取消资格" in ended and ">进入「" not in ended
    people.post(client, "/language", {"language": "en"})
    english = client.get("/changes?kind=fallen").text
    assert "Fell back" in english and "High-tech scale-up → Micro-growth" in english


def test_strange_addresses_show_the_usual_page(client: FlaskClient) -> None:
    people.sign_in(client, people.SCIENCE)
    for query in (
        {"since": "x\x00"}, {"since": "9999-99-99"}, {"kind": "'; drop"}, {"after": "2026-11-20.1.999999999999999999"},
        {"after": "2026-11-20.99999999999999999999.1"}, {"after": "．．．"}, {"after": "x.1.1"}, {"after": "2026-11-20.-1.5"},
        {"since": "0001-01-01", "after": "0001-01-01.0.0"},
    ):  # fmt: skip
        assert client.get("/changes", query_string=query).status_code == 200, query


def test_an_import_in_many_parts_is_one_change(session: Session) -> None:
    for part in range(3):
        audit.begin(session, actor=ROBOT, action="firm.import", subject=("import", 7))
        session.add(Firm(name=f"浙江分批{part}有限公司", name_key=f"分批{part}", name_sort=f"fenpi{part}"))
        commit(session)
    assert counts(session)["written"] == 1
    viewer = people.actor(session, people.LEADER)
    lines, _more = news.page(session, viewer, first=back(7), last=today(), only="written")
    assert [line.on for _kind, line in lines] == [today()]
