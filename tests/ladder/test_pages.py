"""The ladder's pages in a browser without a screen: what they show, what they refuse, how often they ask."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event
from sqlalchemy.orm import Session

from crm.core import audit
from crm.core.db import db
from crm.core.transaction import commit
from crm.firms.actions import named
from crm.firms.models import AboveScale, Firm, FirmName, IpCount, YearFigures
from crm.firms.rules.words import IpKind, LeadingIndustry, NameKind
from crm.ladder import actions
from crm.ladder.models import Certification, StageInterval, TagBatch, TagRow
from crm.ladder.rules.words import Stage
from tests import people
from tests.ladder.builders import SYSTEM, TODAY, D
from tests.ladder.test_tagging import book

PAGES = [
    "/ladder", "/ladder/list", "/ladder/flow", "/ladder/calendar", "/ladder/three-zeroing?year=2025", "/ladder/tags",
    "/ladder/tags/new", "/ladder?as_of=2025-12-31&industry=smart-equipment&show=candidates",
    "/ladder/list?stage=high-tech-scale-up&kind=high-tech&way=any&pending=any&q=试验&sort=-since",
    "/ladder/flow?years=5", "/ladder/calendar?kind=high-tech",
]  # fmt: skip


def fill(session: Session, count: int, start: int = 0) -> list[int]:
    """Firms of every stage, each with its own officer and street in turn, applications and figures."""
    audit.begin(session, actor=SYSTEM, action="tests.fill")
    officers = [people.id_of(session, person) for person in people.CAST]
    streets = [people.unit_id(session, name) for name in ("海城", "沙城")]
    industries = list(LeadingIndustry)
    ids = audit.insert_many(
        session,
        Firm,
        [
            {
                **named(f"浙江试验{place:04d}电气有限公司"), "registered_on": D(2016, 5, 1),
                "officer_id": officers[place % len(officers)], "street_id": streets[place % 2],
                "leading_industry": industries[place % 3],
            }
            for place in range(start, start + count)
        ],
    )  # fmt: skip
    for place, firm_id in enumerate(ids):
        firm = session.get_one(Firm, firm_id)
        number = start + place
        if place % 4 >= 2:
            actions.grant(
                session, firm, kind="high-tech", granted_on=D(2024, 1, 10) if place % 4 == 2 else D(2025, 12, 8),
                number=f"GR202533{number:06d}", actor=SYSTEM, today=TODAY,
            )  # fmt: skip
        if place % 4 == 1:
            day = D(2026, 7, 1) if place % 8 == 1 else D(2025, 12, 1)
            actions.grant(session, firm, kind="tech-sme-national", granted_on=day, actor=SYSTEM, today=TODAY)
        if place % 4 == 3:
            actions.grant(session, firm, kind="srdi", granted_on=D(2025, 1, 8), actor=SYSTEM, today=TODAY)
            session.add(
                FirmName(
                    firm_id=firm_id,
                    kind=NameKind.FORMER,
                    name=f"旧名{number}",
                    name_key=f"旧名{number}",
                    until_on=D(2026, 10, 1),
                )
            )
        actions.open_application(session, firm, kind="champion", on=D(2026, 3, 1), actor=SYSTEM, today=TODAY)
        session.add(AboveScale(firm_id=firm_id, year=2025, is_above=True))
        session.add(YearFigures(firm_id=firm_id, year=2025, rd_statistics_yuan=place * 1000))
        session.add(
            IpCount(firm_id=firm_id, kind=IpKind.INVENTION, counted_on=D(2025, 12, 31), count=place % 2)
        )
    commit(session)
    db.session.remove()
    return ids


@contextmanager
def statements(app: Flask) -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_asks_as_often_for_twice_the_rows(
    app: Flask, session: Session, client: FlaskClient, page: str
) -> None:
    fill(session, 12)
    people.sign_in(client, people.SCIENCE)
    assert client.get(page).status_code == 200
    with statements(app) as first:
        assert client.get(page).status_code == 200
    with app.app_context():
        fill(db.session(), 12, 12)
    with statements(app) as second:
        assert client.get(page).status_code == 200
    assert len(second) == len(first)


def test_the_board_counts_what_its_lists_open(app: Flask, session: Session, client: FlaskClient) -> None:
    fill(session, 24)
    people.sign_in(client, people.LEADER)
    text = client.get("/ladder").get_data(as_text=True)
    for stage in Stage:
        found = re.search(rf'href="(/ladder/list\?stage={stage.value})"[^>]*>([\d,]+)</a>', text)
        assert found, stage
        shown = client.get(found[1]).get_data(as_text=True)
        assert f'<span class="td-count">{found[2]} 家' in shown
    assert "待复评 3 家，不计入" in text
    assert "开始跟踪" not in text  # a leader does not tag


def test_more_cards_come_as_a_part(session: Session, client: FlaskClient) -> None:
    fill(session, 100)
    people.sign_in(client, people.SCIENCE)
    first = client.get("/ladder").get_data(as_text=True)
    link = re.search(r'hx-get="([^"]+)"', first)
    assert link
    part = client.get(link[1].replace("&amp;", "&"), headers={"HX-Request": "true"}).get_data(as_text=True)
    assert "<html" not in part and part.count("td-card") == 5
    names = set(re.findall(r"浙江试验\d+电气有限公司", part))
    assert names and not names & set(
        re.findall(r"浙江试验\d+电气有限公司", first[: first.index("c-small-to-high-tech")])
    )


def test_a_firm_is_granted_renewed_ended_and_followed_on_its_forms(
    app: Flask, session: Session, client: FlaskClient
) -> None:
    (firm_id,) = fill(session, 1)
    people.sign_in(client, people.SCIENCE)
    base = f"/ladder/firms/{firm_id}"
    for path in (f"{base}/certifications/new", f"{base}/applications/new"):
        assert client.get(path).status_code == 200
    bad = people.post(
        client,
        f"{base}/certifications/new",
        {"kind": "high-tech", "number": "GR1", "granted_on": "2025-12-08"},
    )
    assert bad.status_code == 422 and 'value="GR1"' in bad.get_data(as_text=True)
    data = {"kind": "high-tech", "number": "GR202533111111", "granted_on": "2025-12-08"}
    assert people.post(client, f"{base}/certifications/new", data).status_code == 303
    follow = {"kind": "srdi", "step": "nurturing", "on": "2026-11-01"}
    assert people.post(client, f"{base}/applications/new", follow).status_code == 303
    assert people.post(client, f"{base}/applications/new", follow).status_code == 422
    with app.app_context():
        made = db.session.scalars(sa.select(Certification)).one()
        version = made.version
    for what in ("renew", "end", "correct"):
        assert client.get(f"/ladder/certifications/{made.id}/{what}").status_code == 200
    panel = client.get(f"{base}/panel").get_data(as_text=True)
    assert "GR202533111111" in panel and "单项冠军" in panel
    end = {"version": version, "cause": "revoked", "on": "2026-06-01", "reason": "累计两年未填报年报"}
    assert people.post(client, f"/ladder/certifications/{made.id}/end", end).status_code == 303
    assert people.post(client, f"/ladder/certifications/{made.id}/end", end).status_code == 409
    assert client.get(f"/ladder/certifications/{made.id}/reopen").status_code == 200
    with app.app_context():
        stages = db.session.scalars(sa.select(StageInterval.stage).order_by(StageInterval.from_on)).all()
    # above scale in 2025 and carried to 2026: a certificate made the firm 已壮大 until it was revoked
    assert stages == [Stage.MICRO_GROWTH, Stage.SCALED_UP, Stage.MICRO_GROWTH]


def test_a_selection_is_tagged_all_or_nothing_and_undone(
    app: Flask, session: Session, client: FlaskClient
) -> None:
    ids = fill(session, 3)
    people.sign_in(client, people.SCIENCE)
    shown = people.post(client, "/ladder/selection/certifications", {"ids": [str(key) for key in ids]})
    assert shown.status_code == 200 and "登记 3 家" in shown.get_data(as_text=True)
    data = {"ids": [str(key) for key in ids], "go": "1", "kind": "gazelle", "granted_on": "2030-01-01"}
    assert people.post(client, "/ladder/selection/certifications", data).status_code == 422
    data["granted_on"] = "2026-01-01"
    assert people.post(client, "/ladder/selection/certifications", data).status_code == 303
    page = client.get("/ladder/list?kind=gazelle").get_data(as_text=True)
    assert '<span class="td-count">3 家' in page
    undo = re.search(r"/ladder/selection/undo\?operation=[0-9a-f]+", page)
    assert undo and people.post(client, undo[0]).status_code == 303
    assert '<span class="td-count">0 家' in client.get("/ladder/list?kind=gazelle").get_data(as_text=True)
    every = {"all": "1", "filter": "stage=micro-growth", "from": "ladder"}
    assert people.post(client, "/ladder/selection/applications", every).status_code == 200


def test_a_list_goes_from_upload_to_undo_on_screen(app: Flask, session: Session, client: FlaskClient) -> None:
    audit.begin(session, actor=SYSTEM, action="tests.firms")
    for name in ("浙江松岳电气有限公司", "温州翎图视觉科技有限公司", "浙江远川机械有限公司"):
        session.add(Firm(**named(name)))
    commit(session)
    db.session.remove()
    people.sign_in(client, people.SCIENCE)

    content = book()

    def upload() -> str:
        data = {"kind": "high-tech", "file": (io.BytesIO(content), "名单.xlsx")}
        answer = people.post(client, "/ladder/tags/new", data, content_type="multipart/form-data")
        assert answer.status_code == 303, answer.get_data(as_text=True)
        return str(answer.headers["Location"])

    url = upload()
    review = client.get(url).get_data(as_text=True)
    assert "第 7 行是哪一家？" in review and "<mark>途</mark>" in review
    assert client.get(f"{url}/columns").status_code == 200
    assert client.get(f"{url}/rows?outcome=refused").status_code == 200
    assert client.get(f"{url}?row=7&q=远川").status_code == 200
    with app.app_context():
        near = db.session.scalar(sa.select(Firm.id).where(Firm.name.like("%翎图%")))
    nothing = people.post(client, f"{url}/rows/7", {"do": "accept"})
    assert nothing.status_code == 303 and "row=7" in nothing.headers["Location"]
    assert (
        "row=8"
        in people.post(client, f"{url}/rows/7", {"do": "accept", "choice": str(near)}).headers["Location"]
    )
    assert "row=7" in people.post(client, f"{url}/back").headers["Location"]
    people.post(client, f"{url}/rows/7", {"do": "accept", "choice": str(near)})
    people.post(client, f"{url}/unmatched", {"do": "new"})
    assert "都核对完了" in client.get(url).get_data(as_text=True)
    preview = client.get(f"{url}/write").get_data(as_text=True)
    assert "写入 3 家" in preview
    assert people.post(client, f"{url}/write").status_code == 303
    result = client.get(url).get_data(as_text=True)
    assert "新登记 3" in result and "整批撤销" in result
    file = people.post(client, f"{url}/file")
    assert file.data[:2] == b"PK"
    assert upload() == url  # the same file is recognised
    assert people.post(client, f"{url}/undo").status_code == 303
    with app.app_context():
        assert db.session.scalar(sa.select(sa.func.count()).select_from(Certification)) == 0
    assert "没有留下任何写入" in client.get(url).get_data(as_text=True)


def test_a_list_without_a_known_heading_asks_which_column_is_what(
    app: Flask, session: Session, client: FlaskClient
) -> None:
    people.sign_in(client, people.SCIENCE)
    text = "甲\t乙\n松岳\t1\n远川\t2\n"
    answer = people.post(
        client, "/ladder/tags/new", {"kind": "gazelle", "text": text, "granted_on": "2026-01-01"}
    )
    assert answer.status_code == 303 and answer.headers["Location"].endswith("/columns")
    page = client.get(answer.headers["Location"])
    assert page.status_code == 200
    assert people.post(client, answer.headers["Location"], {}).status_code == 422
    assert people.post(client, answer.headers["Location"], {"column-0": "name"}).status_code == 303
    with app.app_context():
        assert db.session.scalar(sa.select(sa.func.count()).select_from(TagRow)) >= 2
        assert db.session.scalars(sa.select(TagBatch)).one().granted_on == D(2026, 1, 1)


@pytest.mark.parametrize("person", [people.FINANCE, people.READ_ONLY, people.LEADER])
def test_only_the_science_bureau_may_tag_on_screen(
    session: Session, client: FlaskClient, person: people.Person
) -> None:
    (firm_id,) = fill(session, 1)
    people.sign_in(client, person)
    assert client.get("/ladder").status_code == 200
    assert client.get("/ladder/tags/new").status_code == 403
    assert client.get(f"/ladder/firms/{firm_id}/certifications/new").status_code == 403
    assert people.post(client, "/ladder/selection/certifications", {"ids": str(firm_id)}).status_code == 403


def test_administrators_see_no_ladder(client: FlaskClient) -> None:
    people.sign_in(client, people.SYSTEM_ADMIN)
    assert client.get("/ladder").status_code == 403


def test_impossible_ids_are_not_found(client: FlaskClient) -> None:
    people.sign_in(client, people.SCIENCE)
    for number in (0, 2**31, 2**63, 10**20):
        assert client.get(f"/ladder/tags/{number}").status_code == 404
        assert client.get(f"/ladder/firms/{number}/panel").status_code == 404
        assert client.get(f"/ladder/certifications/{number}/end").status_code == 404
        assert client.get(f"/ladder/applications/{number}/step").status_code == 404
    assert client.get("/ladder/board/more?stage=nothing").status_code == 404
    assert client.get("/ladder?as_of=x&street=99999999999&industry=%00&officer=9e9").status_code == 200


def test_the_calendar_and_three_zeroing_say_what_is_due(session: Session, client: FlaskClient) -> None:
    fill(session, 12)
    people.sign_in(client, people.SCIENCE)
    calendar = client.get(f"/ladder/calendar?as_of={TODAY.isoformat()}").get_data(as_text=True)
    assert "2027-01-09" in calendar and "2027-05-31" in calendar and "原名 旧名" in calendar
    zeroing = client.get("/ladder/three-zeroing?year=2025").get_data(as_text=True)
    assert "2025 年度规上工业企业 12 家" in zeroing and "没有研发费用 1" in zeroing
