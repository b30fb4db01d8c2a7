"""The pages: what goes out and why, the copy, the panel of the inbox, one's own settings, the link that mutes."""

from __future__ import annotations

import html
import json
import re
from argparse import Namespace
from io import StringIO

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from crm.accounts.models import User
from crm.core import audit
from crm.core.cli import Context
from crm.core.permissions import system
from crm.core.transaction import commit
from crm.core.web import csrf
from crm.core.words import Refused
from crm.digest.commands import preview as command
from crm.digest.models import OutboxMail
from crm.digest.queries import compose
from crm.digest.queries.preferences import muted_by
from crm.digest.rendering import mute_links, render, site_url
from crm.digest.rules.letters import from_payload
from crm.digest.rules.links import ALL, mute_token, read_token
from tests import people
from tests.digest.cast import TODAY, back, everything, head, step
from tests.projects.sight import CHIEF, World, build

DAY = TODAY.isoformat()


def secret(app: Flask) -> str:
    return str(app.config["SECRET_KEY"])


def test_the_preview_is_byte_for_byte_what_would_be_sent(client: FlaskClient, session: Session) -> None:
    made = everything(session)
    for who in (people.SCIENCE, people.LEADER):  # more than a mail holds
        for n in range(18):
            step(session, who, back(30 + n), ("firm", made["firm"]), f"第 {n} 件")
    for who in (people.SCIENCE, people.LEADER, people.INVESTMENT):
        person_id = people.id_of(session, who)
        # as the delivery does it: composed for all, kept as JSON, rendered later
        letter = compose(session, TODAY)[person_id]
        kept = from_payload(json.loads(json.dumps(letter.to_payload())))
        sent = render(kept, site_url(), mute_links(person_id, site_url()))
        people.sign_in(client, who)
        page = client.get(f"/digest?day={DAY}").text
        shown = re.search(r'<pre class="td-mail">(.*?)</pre>', page, re.S)
        assert shown is not None
        assert html.unescape(shown[1]) == sent.text
        assert client.get(f"/digest/mail.html?day={DAY}").data.decode() == sent.html
        assert sent.subject in html.unescape(page)
        assert ("还有 " in sent.text) is (who is not people.INVESTMENT)


def test_the_page_lists_every_line_and_says_why(client: FlaskClient, session: Session) -> None:
    everything(session)
    letter = compose(session, TODAY, is_whole=True)[people.id_of(session, people.SCIENCE)]
    people.sign_in(client, people.SCIENCE)
    page = client.get(f"/digest?day={DAY}").text
    assert page.count('class="td-name td-q"') == letter.count
    assert "这一步由您经办" in page and "2026-11-23 发出" in page


def test_days_that_cannot_be_read_and_people_that_may_not_be_seen(
    client: FlaskClient, session: Session
) -> None:
    everything(session)
    mine, other = people.id_of(session, people.SCIENCE), people.id_of(session, people.LEADER)
    people.sign_in(client, people.SCIENCE)
    for day in ("", "x", "2026-02-30", "9999-12-31", "0001-01-01"):
        assert client.get(f"/digest?day={day}").status_code == 200
    assert client.get(f"/digest?person={mine}").status_code == 200
    for person in (other, "-1", "0", "9" * 17, "9" * 20, "一", "1' or 1"):
        assert client.get("/digest", query_string={"person": person}).status_code == 404, person
    people.sign_in(client, people.LEADER)
    page = client.get(f"/digest?person={mine}&day={DAY}").text
    assert "发给叶知秋的提醒" in page and "催报年度数据" in page
    assert "/digest/mute/" not in page  # what mutes another's reminders is that person's alone


def test_a_head_sees_that_something_is_withheld(client: FlaskClient, session: Session) -> None:
    world: World = build(session)
    session.rollback()
    head(session, people.INVESTMENT_2, "自创办")
    chief = people.id_of(session, CHIEF)
    people.sign_in(client, people.INVESTMENT_2)
    page = client.get(f"/digest?person={chief}").text
    assert world.shown(page) == {"zone", "unit"} and "件您不能查看" in page


def test_the_page_says_when_no_mail_goes_out_and_when_holidays_are_unknown(
    client: FlaskClient, session: Session
) -> None:
    people.sign_in(client, people.SCIENCE)
    assert "不发邮件，内容并入下一周" in client.get("/digest?day=2026-02-18").text
    assert "节假日表里没有 2027 年" in client.get("/digest?day=2027-10-05").text
    assert "没有要提醒的事" in client.get(f"/digest?day={DAY}").text


def test_a_person_is_found_by_name_pinyin_or_unit_among_those_one_may_see(
    client: FlaskClient, session: Session
) -> None:
    def found(who: people.Person, asked: str) -> set[str]:
        people.sign_in(client, who)
        page = client.get("/digest", query_string={"q": asked, "day": DAY}).text
        part = page.partition('aria-label="找人"')[2].partition("</section>")[0]
        return set(re.findall(r">([^<>]+) · ", part))

    science, other = people.SCIENCE.name, people.INVESTMENT_2.name
    for asked in (science, science[:2], "yzq", "yezhiqiu"):
        assert science in found(people.LEADER, asked), asked
    assert {science, people.SCIENCE_2.name} <= found(people.LEADER, "科技局")
    assert other in found(people.LEADER, other)
    head(session, people.SCIENCE_2, "科技局")
    assert found(people.SCIENCE_2, science) == {science}
    assert found(people.SCIENCE_2, other) == set(), "not of his unit"
    assert found(people.REPORTER, "科技局") == set()
    for nasty in ("%", "_", "<b>x</b>", "\x00", "𠮷", "'" * 300):
        assert client.get("/digest", query_string={"q": nasty}).status_code == 200
    assert "您能查看的人里没有" in client.get("/digest", query_string={"q": "<b>x</b>"}).text
    assert "<b>x" not in client.get("/digest", query_string={"q": "<b>x</b>"}).text


def test_a_copy_goes_to_who_asks(client: FlaskClient, session: Session) -> None:
    everything(session)
    mine = people.id_of(session, people.SCIENCE)
    asks = people.id_of(session, people.SCIENCE_2)
    people.sign_in(client, people.SCIENCE_2)
    answer = people.post(client, "/digest/copy", {"day": DAY, "person": str(mine)})
    assert answer.status_code == 303
    [copy] = session.scalars(sa.select(OutboxMail)).all()
    assert (copy.kind, copy.person_id, copy.payload["person_id"]) == ("copy", asks, mine)
    session.rollback()
    people.sign_in(client, people.INVESTMENT)
    assert people.post(client, "/digest/copy", {"day": DAY, "person": str(mine)}).status_code == 404
    assert session.scalar(sa.select(sa.func.count()).select_from(OutboxMail)) == 1


def test_the_inbox_shows_the_same(client: FlaskClient, session: Session) -> None:
    everything(session)
    people.sign_in(client, people.SCIENCE)
    assert 'hx-get="/digest/panel"' in client.get("/inbox").text
    assert client.get("/digest/panel").status_code == 200


def test_the_link_asks_and_its_post_mutes_signed_out(
    app: Flask, client: FlaskClient, session: Session
) -> None:
    person_id = people.id_of(session, people.SCIENCE)
    url = f"/digest/mute/{mute_token(secret(app), person_id, 'overdue')}"
    page = client.get(url)
    assert page.status_code == 200 and "已逾期" in page.text and "叶知秋" not in page.text
    assert client.head(url).status_code == 200
    assert muted_by(session, person_id) == set()  # looking changes nothing
    session.rollback()
    for _ in range(2):  # RFC 8058: what a mail program sends; twice is once
        done = client.post(url, data={"List-Unsubscribe": "One-Click"})
        assert done.status_code == 200 and "不再有「已逾期」" in done.text
    assert muted_by(session, person_id) == {"overdue"}
    session.rollback()
    assert client.post(f"/digest/mute/{mute_token(secret(app), person_id, ALL)}").status_code == 200
    assert len(muted_by(session, person_id)) == 9 and "climbed" not in muted_by(session, person_id)


def test_a_link_this_server_has_not_signed_is_not_there(
    app: Flask, client: FlaskClient, session: Session
) -> None:
    person_id = people.id_of(session, people.SCIENCE)
    good = mute_token(secret(app), person_id, "overdue")
    bad = [
        good[:-1] + ("A" if good[-1] != "A" else "B"), mute_token("another secret", person_id, "overdue"), "x", "." * 50,
        "a" * 5000, mute_token(secret(app), 10**12, "overdue"), mute_token(secret(app), person_id, "climbed"),
        mute_token(secret(app), person_id, "nonsense"),
    ]  # fmt: skip
    for token in bad:
        assert client.get(f"/digest/mute/{token}").status_code == 404, token
        assert client.post(f"/digest/mute/{token}").status_code == 404, token
    assert read_token(secret(app), good) == (person_id, "overdue")
    audit.begin(session, actor=system("tests"), action="tests.leave")
    session.get_one(User, person_id).is_active = False
    commit(session)
    assert client.post(f"/digest/mute/{good}").status_code == 404


def test_only_token_signed_addresses_need_no_form_token(
    app: Flask, client: FlaskClient, session: Session
) -> None:
    assert csrf._exempt_views == {"crm.digest.views.muting.mute_now"} and not csrf._exempt_blueprints
    people.sign_in(client, people.SCIENCE)
    assert client.post("/digest/preferences", data={"language": "en"}).status_code == 400
    assert client.post("/digest/copy", data={}).status_code == 400


def test_one_s_own_settings(client: FlaskClient, session: Session) -> None:
    people.sign_in(client, people.SCIENCE)
    person_id = people.id_of(session, people.SCIENCE)
    session.rollback()
    assert client.get("/digest/preferences").text.count("checked") >= 10
    answer = people.post(client, "/digest/preferences", {"language": "en", "groups": ["overdue", "due"]})
    assert answer.status_code == 303
    assert muted_by(session, person_id) == {
        "instructions", "clocks", "reserve", "lights", "quiet", "expiring", "missing",
    }  # fmt: skip
    assert session.get_one(User, person_id).language == "en"
    session.rollback()
    for wrong in ({"language": "fr"}, {"language": "en", "groups": ["climbed"]}, {}):
        assert people.post(client, "/digest/preferences", wrong).status_code == 422
    assert len(muted_by(session, person_id)) == 7


def run(session: Session, as_json: bool, **values: object) -> str:
    out = StringIO()
    arguments = Namespace(**{"on": TODAY, "person": None, **values})
    command(arguments, Context(system("cli"), as_json, out, StringIO()))
    return out.getvalue()


def test_the_command_says_the_same(app: Flask, session: Session) -> None:
    everything(session)
    told = json.loads(run(session, True))
    letters = compose(session, TODAY)
    assert [each["person_id"] for each in told["letters"]] == sorted(letters)
    assert (told["week"], told["sent_on"], told["holidays_unknown"]) == ("2026-W48", DAY, [])
    one = json.loads(run(session, True, person="cast-science"))["letters"]
    mine = people.id_of(session, people.SCIENCE)
    assert one == [each for each in told["letters"] if each["person_id"] == mine]
    assert one[0]["html"] == render(letters[mine], site_url(), mute_links(mine, site_url())).html
    assert "逾期" in run(session, False, person="cast-science")
    with pytest.raises(Refused):
        run(session, True, person="nobody")
    with pytest.raises(Refused):
        run(session, True, person="")
