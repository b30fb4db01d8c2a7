"""Firms entered twice: warned of while typing, found over the whole registry, judged, and not suggested again."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from crm.core import jobs
from crm.core.db import db, writing
from crm.core.permissions import system
from crm.core.transaction import commit
from crm.firms import actions, queries
from crm.firms.models import Firm, FirmDistinction, FirmPair
from crm.firms.rules import pairing
from crm.firms.rules.names import normalise
from crm.firms.rules.pairing import Entry, Pair, suspected
from crm.ops.jobs import Scheduler, work_once
from tests import people
from tests.firms import invented_names
from tests.firms.test_listing import statements
from tests.firms.test_pages import code_of
from tests.people import post

TODAY = dt.date(2026, 11, 23)
ROBOT = system("tests")
CODE = code_of("MA2L9E2U5")
CORES = "".join(dict.fromkeys(invented_names.CHARS))


def entry(firm_id: int, *names: str, code: str | None = None, street: int | None = None) -> Entry:
    return Entry(firm_id, [(name, normalise(name)) for name in names], code, street)


def text(response: Any) -> str:
    return str(response.get_data(as_text=True))


# --- which pairs ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other", "why"),
    [
        (("温州市拓屿机械有限公司",), ("温州拓屿机械有限责任公司",), "名称相同"),
        (("温州拓屿机械有限公司",), ("浙江云岫装备有限公司", "温州拓屿机械有限公司"), "一家的现名是另一家的曾用名：%(name)s"),
        (("甲乙丙有限公司", "温州拓屿机械有限公司"), ("丁戊己有限公司", "温州拓屿机械有限公司"), "曾用名相同：%(name)s"),
        (("温州拓屿机械有限公司",), ("浙江拓屿机械股份有限公司",), "字号和行业相同"),
        (("浙江尚高新能源科技有限公司",), ("浙江尚高新能源有限公司",), "字号相同，名称相似 %(n)s%%"),
        (("温州宥晟贸易有限公司",), ("温州有晟贸易有限公司",), "字号同音：%(one)s / %(other)s"),
        (("温州佑威途科技有限公司",), ("温州佑威迹科技有限公司",), "字号差一个字：%(one)s / %(other)s"),
    ],
)  # fmt: skip
def test_firms_that_may_be_one_are_found(one: tuple[str, ...], other: tuple[str, ...], why: str) -> None:
    (pair,) = suspected([entry(1, *one), entry(2, *other)])
    assert (pair.low, pair.high) == (1, 2)
    assert why in [reason.text for reason in pair.reasons]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("温州拓屿机械有限公司", "温州云岫机械有限公司"),
        ("温州拓屿机械有限公司", "河北拓屿机械有限公司"),
        ("温州拓屿机械有限公司", "温州拓屿机械有限公司乐清分公司"),
        ("温州拓屿机械有限公司", "温州拓屿生物医药有限公司"),
        ("乐清凯胜电气有限公司", "温州凯圣电气有限公司"),
    ],
)
def test_firms_that_only_share_a_word_are_not(one: str, other: str) -> None:
    assert suspected([entry(1, one), entry(2, other)]) == []


def test_two_codes_part_alike_names_but_not_the_very_same_one() -> None:
    other = "91330300MA2L9E2U6B"
    alike = [entry(1, "温州拓屿机械有限公司", code=CODE), entry(2, "浙江拓屿机械有限公司", code=other)]
    assert suspected(alike) == []
    same = [entry(1, "温州拓屿机械有限公司", code=CODE), entry(2, "温州市拓屿机械有限公司", code=other)]
    (pair,) = suspected(same)
    assert [reason.text for reason in pair.reasons] == ["名称相同", "信用代码不同"]
    moved = CODE[:2] + "330382" + CODE[8:17] + "X"
    (pair,) = suspected([entry(1, "甲乙丙有限公司", code=CODE), entry(2, "丁戊己有限公司", code=moved)])
    assert pair.reasons[0].text == "信用代码里的组织机构代码相同"


def test_same_sound_counts_more_in_one_street() -> None:
    here = [entry(1, "乐清凯胜电气有限公司", street=7), entry(2, "温州凯圣电气有限公司", street=7)]
    (pair,) = suspected(here)
    assert pair.score > 80 and "同一街道" in pair.reasons[0].text


def test_only_pairs_of_touched_firms_are_looked_at() -> None:
    names = ["温州拓屿机械有限公司", "浙江拓屿机械有限公司", "温州云岫电气有限公司", "浙江云岫电气有限公司"]
    entries = [entry(n, name) for n, name in enumerate(names)]
    assert {(pair.low, pair.high) for pair in suspected(entries)} == {(0, 1), (2, 3)}
    assert [(pair.low, pair.high) for pair in suspected(entries, frozenset({3}))] == [(2, 3)]


@pytest.fixture
def comparisons(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """One item per comparison made: work is counted, not timed, so that a busy machine can't fail a test."""
    made: list[str] = []
    judge = pairing._judge

    def counted(
        kind: str, one: pairing._Name, other: pairing._Name, found: dict[tuple[int, int], Pair]
    ) -> None:
        made.append(kind)
        judge(kind, one, other, found)

    monkeypatch.setattr(pairing, "_judge", counted)
    return made


def test_work_grows_with_the_registry_not_with_its_square(comparisons: list[str]) -> None:
    def crowded(count: int) -> list[Entry]:
        return [entry(n, f"温州东方{n}号有限公司", f"{CORES[n % 10]}{CORES[-1]}厂") for n in range(count)]

    per_firm = []
    for count in (500, 4000):
        comparisons.clear()
        suspected(crowded(count))
        per_firm.append(len(comparisons) / count)
    assert per_firm[0] > 1 and per_firm[1] < 2 * per_firm[0], per_firm  # the square would be eight times


def test_a_name_shared_by_thousands_does_not_make_millions_of_pairs(comparisons: list[str]) -> None:
    pairs = suspected([entry(n, f"温州东方{'甲乙丙丁'[n % 4]}{n}号有限公司", "东方厂") for n in range(3000)])
    assert 0 < len(pairs) <= 20_000 and len(comparisons) < 3000 * 60, len(comparisons)


# --- the page --------------------------------------------------------------------------------------------------------


def enter(session: Session, first: int, count: int) -> None:
    """So many pairs, of different streets, committed."""
    for n in range(first, first + count):
        for place in ("温州", "浙江"):
            core = CORES[2 * n : 2 * n + 2]
            actions.register(session, actor=ROBOT, today=TODAY, name=f"{place}{core}机械有限公司")
    commit(session)


def search(app: Flask) -> None:
    with app.app_context():
        writing()
        pairs = suspected(queries.pairing_entries(db.session()))
        actions.store(db.session(), pairs, today=TODAY)
        commit()
        db.session.remove()


@pytest.fixture
def three(app: Flask) -> Flask:
    with app.app_context():
        writing()
        enter(db.session(), 0, 3)
        db.session.remove()
    search(app)
    return app


@pytest.fixture
def science(client: FlaskClient) -> FlaskClient:
    return people.sign_in(client, people.SCIENCE)


def open_pair(page: str) -> str:
    found = re.search(r"/firms/duplicates/(\d+)/distinct", page)
    assert found is not None
    return found[1]


def test_a_pair_is_judged_and_not_suggested_again_until_a_name_changes(
    three: Flask, science: FlaskClient
) -> None:
    page = text(science.get("/firms/duplicates"))
    assert '<span class="td-count">3 对</span>' in page and "字号和行业相同" in page
    pair_id = open_pair(page)
    answer = post(science, f"/firms/duplicates/{pair_id}/distinct")
    assert answer.status_code == 303
    after = text(science.get("/firms/duplicates"))
    assert '<span class="td-count">2 对</span>' in after and "不是同一家。" in after
    assert post(science, f"/firms/duplicates/{pair_id}/distinct").status_code == 404
    search(three)
    assert '<span class="td-count">2 对</span>' in text(science.get("/firms/duplicates"))
    with three.app_context():
        writing()
        judged = db.session.scalars(sa.select(FirmDistinction)).one()
        assert judged.decided_on is not None
        assert judged.created_by_id == people.id_of(db.session(), people.SCIENCE)
        firm = db.session.get_one(Firm, judged.low_id)
        actions.rename(
            db.session(),
            firm,
            actor=ROBOT,
            today=TODAY,
            name=firm.name.replace("温州", "温州市滨海"),
            on=TODAY,
        )
        commit()
        db.session.remove()
    search(three)
    again = text(science.get("/firms/duplicates"))
    assert '<span class="td-count">3 对</span>' in again
    assert post(science, f"/firms/duplicates/{pair_id}/distinct").status_code == 303  # judged anew


def test_a_judgement_is_taken_back_by_who_made_it(three: Flask, science: FlaskClient) -> None:
    post(science, f"/firms/duplicates/{open_pair(text(science.get('/firms/duplicates')))}/distinct")
    page = text(science.get("/firms/duplicates"))
    found = re.search(r"/firms/duplicates/([0-9a-f]{32})/undo", page)
    assert found is not None
    other = people.sign_in(three.test_client(), people.FINANCE)
    assert post(other, found[0]).status_code == 404
    assert post(science, found[0]).status_code == 303
    assert '<span class="td-count">3 对</span>' in text(science.get("/firms/duplicates"))


def test_merged_and_archived_firms_are_no_pairs_any_more(three: Flask, science: FlaskClient) -> None:
    with three.app_context():
        writing()
        pair = db.session.scalars(sa.select(FirmPair).order_by(FirmPair.id)).first()
        assert pair is not None
        actions.archive(
            db.session(), db.session.get_one(Firm, pair.low_id), actor=ROBOT, today=TODAY, reason="重复"
        )
        commit()
        db.session.remove()
    assert '<span class="td-count">2 对</span>' in text(science.get("/firms/duplicates"))


def test_the_search_runs_in_the_background_and_then_only_for_what_was_touched(
    app: Flask, science: FlaskClient
) -> None:
    with app.app_context():
        writing()
        enter(db.session(), 0, 2)
        db.session.remove()
    assert "还没有查找过" in text(science.get("/firms/duplicates"))
    assert post(science, "/firms/duplicates/search").status_code == 303
    assert work_once(app) == 1
    page = text(science.get("/firms/duplicates"))
    assert '<span class="td-count">2 对</span>' in page and "上次查找" in page
    with app.app_context():
        writing()
        enter(db.session(), 5, 1)
        jobs.enqueue(db.session(), queries.PAIRS_JOB, actor=ROBOT)
        commit()
        before = set(db.session.scalars(sa.select(FirmPair.id)))
        db.session.remove()
    assert work_once(app) == 1
    with app.app_context():
        after = set(db.session.scalars(sa.select(FirmPair.id)))
        job = db.session.scalars(sa.select(jobs.Job).order_by(jobs.Job.id.desc())).first()
        assert job is not None and job.result == {"pairs": 1, "new": 1, "gone": 0}
        db.session.remove()
    assert before < after and len(after) == 3


def test_the_scheduler_asks_for_the_search_once_a_night(app: Flask) -> None:
    at = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)  # a Sunday: no weekly mail is due yet
    scheduler = Scheduler(app, clock=lambda: at)
    scheduler.ask()
    scheduler.ask()
    assert scheduler.work() >= sum(each.is_nightly for each in jobs.JOBS.values())
    scheduler.ask()
    assert work_once(app) == 0
    with app.app_context():
        writing()
        job = db.session.scalars(sa.select(jobs.Job).where(jobs.Job.kind == queries.PAIRS_JOB)).one()
        assert (job.kind, job.requested_by, job.state) == (
            "firms.duplicates",
            "system:scheduler",
            jobs.JobState.DONE,
        )
        assert job.period == "2026-11-22"
        db.session.remove()
    at += dt.timedelta(days=1)
    scheduler.ask()
    scheduler.work()
    with app.app_context():
        rows = db.session.scalars(sa.select(jobs.Job).where(jobs.Job.kind == queries.PAIRS_JOB)).all()
        assert [row.period for row in rows] == ["2026-11-22", "2026-11-23"]
        db.session.remove()


@pytest.mark.parametrize(
    "person", [people.LEADER, people.INVESTMENT, people.REPORTER, people.READ_ONLY, people.SYSTEM_ADMIN]
)
def test_only_those_who_may_merge_see_the_pairs(
    three: Flask, client: FlaskClient, person: people.Person
) -> None:
    people.sign_in(client, person)
    assert client.get("/firms/duplicates").status_code == 403
    assert post(client, "/firms/duplicates/1/distinct").status_code == 403
    assert post(client, "/firms/duplicates/search").status_code == 403


def test_the_list_comes_in_pages_and_with_the_same_number_of_statements(
    app: Flask, science: FlaskClient
) -> None:
    with app.app_context():
        writing()
        enter(db.session(), 0, 12)
        db.session.remove()
    search(app)
    science.get("/firms/duplicates")
    with statements(app) as few:
        science.get("/firms/duplicates")
    with app.app_context():
        writing()
        enter(db.session(), 12, 24)
        db.session.remove()
    search(app)
    with statements(app) as many:
        page = text(science.get("/firms/duplicates"))
    assert len(few) == len(many), (few, many)
    seen: list[str] = []
    url: str | None = "/firms/duplicates"
    while url:
        page = text(science.get(url))
        seen += re.findall(r'class="td-pick" href="/firms/duplicates\?pair=(\d+)', page)
        found = re.search(r'href="([^"]*after=[^"&]*)" rel="next"', page)
        url = found[1].replace("&amp;", "&") if found else None
    assert len(seen) == len(set(seen)) == 36


@pytest.mark.parametrize(
    "query", ["pair=x", "pair=99999999999999999999", "after=%00", "after=zzz", "pair=-1&before=1"]
)
def test_odd_addresses_show_the_first_page(three: Flask, science: FlaskClient, query: str) -> None:
    assert science.get(f"/firms/duplicates?{query}").status_code == 200


# --- while typing ------------------------------------------------------------------------------------------------------


def test_look_alikes_come_with_what_to_do(app: Flask, science: FlaskClient) -> None:
    with app.app_context():
        writing()
        session = db.session()
        one = actions.register(
            session,
            actor=ROBOT,
            today=TODAY,
            name="温州宥晟贸易有限公司",
            code=CODE,
            former_names=["温州云岫贸易行"],
        )
        other = actions.register(session, actor=ROBOT, today=TODAY, name="温州云岫电气有限公司")
        commit()
        ids = one.id, other.id
        db.session.remove()
    for asked, why in (
        ("name=温州有晟贸易有限公司", "字号同音"),
        ("name=温州云岫贸易行", "曾用过这个名称"),
        ("name=温州市宥晟贸易有限责任公司", "名称相同"),
        (f"name=&code={CODE}", "信用代码相同"),
        (f"name=&code={CODE[:2]}330382{CODE[8:17]}X", "组织机构代码相同"),
        (f"name=&code={CODE[:12]}", "信用代码里有这一段"),
    ):
        body = text(science.get(f"/firms/look-alikes?{asked}"))
        assert why in body and f"/firms/{ids[0]}" in body and "打开它" in body, asked
        assert "/merge/" not in body
    body = text(science.get(f"/firms/look-alikes?name=温州宥晟贸易有限公司&but={ids[1]}"))
    assert f"/records/firm/{ids[1]}/merge/{ids[0]}" in body
    assert text(science.get(f"/firms/look-alikes?name=温州宥晟贸易有限公司&but={ids[0]}")).strip() == ""
    renamed = post(
        science,
        f"/firms/{ids[1]}/rename",
        {"name": "温州宥晟贸易有限公司", "on": "2026-11-23", "version": "1"},
    )
    assert renamed.status_code == 422 and f"/records/firm/{ids[1]}/merge/{ids[0]}" in text(renamed)
    form = text(science.get(f"/firms/{ids[1]}/edit/all"))
    fields = dict(re.findall(r'name="(version|leading_industry)"[^>]*value="([^"]*)"', form))
    coded = post(
        science, f"/firms/{ids[1]}/edit/all",
        {"version": "1", "name": "温州云岫电气有限公司", "leading_industry": "other", "code": CODE, **fields},
    )  # fmt: skip
    assert coded.status_code == 422 and f"/records/firm/{ids[1]}/merge/{ids[0]}" in text(coded)


def test_pairs_are_read_from_their_own_firms_not_from_all_with_all(session: Session) -> None:
    """Two lists of the whole registry are tried crosswise on SQLite: minutes with twenty thousand firms."""
    asked = str(queries.pairs.open_pairs(people.actor(session, people.SCIENCE)))
    assert " IN (" not in asked and asked.count("EXISTS") == 3
