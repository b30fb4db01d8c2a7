"""What is told: every kind, to whom it concerns, as long as it is true, once where it is told once, and why."""

from __future__ import annotations

import datetime as dt
import json
import re
from dataclasses import replace

from flask import Flask
from sqlalchemy.orm import Session

from crm.activities.rules.words import StepState
from crm.core import audit
from crm.core.reminders import REMINDERS, Group
from crm.core.transaction import commit
from crm.digest import actions
from crm.digest.models import DigestMute
from crm.digest.queries import compose
from crm.digest.rendering import mute_links, render
from crm.digest.rules.letters import MOST_IN_ALL, MOST_LINES, MOST_SUMMED, Letter, from_payload
from crm.digest.rules.week import week_of
from crm.ladder.actions.reports import file_report, unfile_report
from tests import people
from tests.digest.cast import (
    ROBOT,
    TODAY,
    back,
    certificate,
    codes,
    everything,
    head,
    lines,
    served,
    step,
)
from tests.ladder.builders import firms

BASE = "https://tidui.example"


def of(session: Session, who: people.Person, day: dt.date = TODAY, *, is_whole: bool = True) -> Letter | None:
    person_id = people.id_of(session, who)
    return compose(session, day, [person_id], is_whole=is_whole).get(person_id)


def every_letter(session: Session) -> list[Letter]:
    """Letters in which together every kind is told: the year's report is due, and missed, on days of their own."""
    found = [*compose(session, TODAY).values(), *compose(session, dt.date(2027, 4, 5)).values()]
    return [*found, *compose(session, dt.date(2027, 6, 7)).values()]


def test_every_kind_is_told_and_the_head_counts_the_rows(app: Flask, session: Session) -> None:
    everything(session)
    letters = every_letter(session)
    told = set().union(*(codes(letter) for letter in letters))
    assert told == {reminder.code for reminder in REMINDERS} - {"sme-pending"}  # on a day of its own below
    for letter in letters:
        mail = render(letter, BASE, mute_links(letter.person_id, BASE))
        heads = {name: int(n) for name, n in re.findall(r"^== (.+) \((\d+)\) ==$", mail.text, re.M)}
        assert len(heads) == len(letter.groups)
        for group, (_name, said) in zip(letter.groups, heads.items(), strict=True):
            assert said == group.count == len(group.items) + group.more
        parts = re.split(r"^== .+ ==$", mail.text, flags=re.M)[1:]
        more = [int(n) for n in re.findall(r"还有 (\d+) 件", mail.text)]
        rows = [len(re.findall(r"^- ", part, re.M)) for part in parts]
        assert sum(rows) + sum(more) == letter.count == sum(heads.values())
        assert f"{letter.count} 件" in mail.subject and f"本周 {letter.count} 件事" in mail.html
        assert mail.html.count('font-weight:600;">') - 1 - len(heads) == sum(rows)


def test_each_line_links_to_its_record_and_says_why(app: Flask, session: Session) -> None:
    everything(session)
    for letter in every_letter(session):
        mail = render(letter, BASE)
        for group in letter.groups:
            for item in group.items:
                reminder = next(each for each in REMINDERS if each.code == item.code)
                assert item.why in reminder.whys and reminder.group.value == group.code
                assert item.name or item.kind == ""
        assert len(re.findall(r"^  为什么：.+\n  https://tidui\.example/\S+$", mail.text, re.M)) == sum(
            len(group.items) for group in letter.groups
        )
        client = app.test_client()
        for path in set(re.findall(rf'href="{BASE}([^"]+)"', mail.html)):
            assert client.get(path.replace("&amp;", "&")).status_code in (303, 200), path


def test_a_letter_kept_as_json_gives_the_same_bytes(app: Flask, session: Session) -> None:
    everything(session)
    for letter in every_letter(session):
        for kept in (letter, letter.cut()):
            again = from_payload(json.loads(json.dumps(kept.to_payload())))
            assert again == kept
            assert render(again, BASE, mute_links(1, BASE)) == render(kept, BASE, mute_links(1, BASE))


def test_whom_things_are_told(session: Session) -> None:
    made = everything(session)
    science = of(session, people.SCIENCE)
    assert codes(science) >= {
        "step-overdue", "step-due", "instruction-waiting", "certificate-expiring", "rename-due", "certificates-unowned",
    }  # fmt: skip
    assert lines(science, "certificate-expiring") == [("firm", made["firm"])]
    assert lines(of(session, people.LEADER), "instruction-unanswered") == [("firm", made["firm"])]
    assert lines(of(session, people.SCIENCE_2), "step-left") == [("firm", made["firm"])]
    turned = ("project", made["turned"])
    for who in (
        people.LEADER,
        people.INVESTMENT,
        people.BUREAU_HEAD,
    ):  # leader, liaison, head of the lead unit
        assert turned in lines(of(session, who), "step-climbed"), who
    for who in (people.REPORTER, people.INVESTMENT, people.LEADER):
        assert turned in lines(of(session, who), "light-turned"), who
    assert ("project", made["lead"]) in lines(of(session, people.INVESTMENT), "lead-late")
    assert lines(of(session, people.INVESTMENT), "project-quiet") == [("project", made["quiet"])]
    for nobody in (people.STRANGER, people.SYSTEM_ADMIN, people.AUDITOR, people.READ_ONLY):
        assert of(session, nobody) is None, nobody


def test_nobody_has_an_empty_letter(session: Session) -> None:
    assert compose(session, TODAY) == {}
    everything(session)
    assert all(letter.count for letter in compose(session, TODAY).values())
    assert of(session, people.FINANCE) is not None
    actions.mute(session, actor=people.actor(session, people.FINANCE), group="all")
    commit(session)
    assert of(session, people.FINANCE) is None, "all left out: no mail, not an empty one"
    assert people.id_of(session, people.FINANCE) not in compose(session, TODAY)


def test_what_stays_true_is_told_each_week_and_what_is_done_no_more(session: Session) -> None:
    made = everything(session)
    left = step(session, people.INVESTMENT_2, back(1), ("firm", made["firm"]))
    for weeks in (0, 1, 5):
        letter = of(session, people.INVESTMENT_2, TODAY + dt.timedelta(7 * weeks))
        assert lines(letter, "step-overdue") == [("firm", made["firm"])]
    audit.begin(session, actor=ROBOT, action="tests.done")
    left.state, left.closed_on = StepState.DONE, TODAY
    commit(session)
    assert of(session, people.INVESTMENT_2) is None


def test_what_is_told_once_is_left_out_of_later_weeks_and_stays_in_its_own(session: Session) -> None:
    everything(session)
    first = of(session, people.SCIENCE)
    assert first is not None and {key.partition(":")[0] for key in first.onces} == {
        "certificate",
        "rename",
        "report",
    }
    assert actions.remember(session, [first]) == len(first.onces)
    assert actions.remember(session, [first]) == 0
    session.commit()
    assert of(session, people.SCIENCE) == first  # composing again for the same week gives the same
    again = of(session, people.SCIENCE, TODAY + dt.timedelta(7))
    assert again is not None and not codes(again) & {"certificate-expiring", "rename-due"}
    assert "step-overdue" in codes(again)
    # its next stage is told anew
    later = of(session, people.SCIENCE, TODAY + dt.timedelta(14))
    assert "rename-due" not in codes(later)


def test_a_certificate_is_told_at_twelve_six_and_three_months_even_when_a_run_is_missed(
    session: Session,
) -> None:
    one = served(session, "温州到期电气有限公司")
    certificate(session, one, granted=dt.date(2026, 1, 20), expires=dt.date(2029, 1, 19))
    day, told = dt.date(2027, 12, 6), []
    while day < dt.date(2029, 2, 1):
        if not dt.date(2028, 7, 10) < day < dt.date(2028, 7, 31):  # down when the six months begin
            letter = of(session, people.SCIENCE, day)
            for group in letter.groups if letter else ():
                told += [(day, item.why) for item in group.items if item.code == "certificate-expiring"]
            if letter:
                actions.remember(session, [letter])
                session.commit()
        day += dt.timedelta(7)
    assert [why for _day, why in told] == ["months-12", "months-6", "months-3"]
    assert told[1][0] == dt.date(2028, 7, 31)  # made up in the first week after


def test_the_yearly_report_is_asked_for_until_it_is_made_and_the_first_miss_is_an_alarm(
    session: Session,
) -> None:
    one = served(session, "温州年报电气有限公司")
    certificate(session, one, granted=dt.date(2025, 12, 1), expires=dt.date(2028, 11, 30))
    spring, summer = dt.date(2026, 4, 6), dt.date(2026, 6, 1)
    assert lines(of(session, people.SCIENCE, spring), "report-due") == [("firm", one.id)]
    assert lines(of(session, people.SCIENCE, dt.date(2026, 2, 23)), "report-due") == []
    assert lines(of(session, people.SCIENCE, summer), "report-missed") == [("firm", one.id)]
    science = people.actor(session, people.SCIENCE)
    file_report(session, one.id, year=2025, on=spring, actor=science, today=TODAY)
    commit(session)
    for day in (spring, summer):
        assert not codes(of(session, people.SCIENCE, day)) & {"report-due", "report-missed"}
    unfile_report(session, one.id, year=2025, actor=science)
    commit(session)
    assert "report-missed" in codes(of(session, people.SCIENCE, summer))


def test_a_second_year_missed_says_so(session: Session) -> None:
    one, other = served(session, "温州漏报电气有限公司"), served(session, "温州常报电气有限公司")
    for each in (one, other):
        certificate(session, each, granted=dt.date(2024, 11, 1), expires=dt.date(2027, 10, 31))
    for year in (2024, 2025):
        file_report(
            session, other.id, year=year, on=TODAY, actor=people.actor(session, people.SCIENCE), today=TODAY
        )
    commit(session)
    letter = of(session, people.SCIENCE)
    (item,) = [item for group in letter.groups for item in group.items if item.code == "report-missed"]
    assert (item.subject_id, item.why, item.once) == (
        one.id,
        "twice",
        "",
    )  # told every week: the office keeps these


def test_leaders_get_a_summary_and_nobody_more_than_a_mail_holds(session: Session) -> None:
    many = firms(session, 30)
    for n, each in enumerate(many):
        for who in (people.LEADER, people.INVESTMENT):
            step(session, who, back(n + 1), ("firm", each.id))
    leader, officer = (of(session, who, is_whole=False) for who in (people.LEADER, people.INVESTMENT))
    assert leader is not None and officer is not None and leader.is_summary and not officer.is_summary
    assert (len(leader.groups[0].items), leader.groups[0].more) == (MOST_SUMMED, 30 - MOST_SUMMED)
    assert (len(officer.groups[0].items), officer.groups[0].more) == (MOST_LINES, 30 - MOST_LINES)
    assert sum(len(group.items) for group in officer.groups) <= MOST_IN_ALL
    for who, cut in ((people.LEADER, leader), (people.INVESTMENT, officer)):
        whole = of(session, who)
        assert whole is not None and whole.cut() == cut and whole.groups[0].more == 0
        assert cut.groups[0].count == whole.groups[0].count == 30, (
            "the head counts those there is no room for"
        )
        assert re.search(r"^== .+ \(30\) ==$", render(cut, BASE).text, re.M)
    # the longest overdue first
    assert officer.groups[0].items[0].subject_id == many[-1].id


def test_the_largest_mail_stays_below_a_hundred_kilobytes(app: Flask, session: Session) -> None:
    many = firms(session, 70)
    names = "极" * 200
    audit.begin(session, actor=ROBOT, action="tests.names")
    for n, each in enumerate(many):
        each.name = names[:190] + str(n)
    commit(session)
    leader = people.id_of(session, people.LEADER)
    head(session, people.SCIENCE, "商务局")
    for each in many:
        about = ("firm", each.id)
        step(session, people.SCIENCE, back(1), about, "办" * 200)
        step(session, people.SCIENCE, TODAY, about, "办" * 200)
        step(session, people.SCIENCE, TODAY, about, "批" * 200, is_instruction=True, given_by_id=leader)
        step(session, people.INVESTMENT, back(20), about, "<b>&" * 50)
    letter = of(session, people.SCIENCE, is_whole=False)
    assert letter is not None and sum(len(group.items) for group in letter.groups) == MOST_IN_ALL
    mail = render(letter, "https://a-rather-long-name-of-a-host.wenzhou.gov.example", mute_links(1, BASE))
    assert len(mail.html.encode()) < 100_000 and len(mail.text.encode()) < 100_000
    assert "<b>" not in mail.html


def test_a_muted_group_is_left_out_and_an_escalation_never(session: Session) -> None:
    everything(session)
    science, chief = people.actor(session, people.SCIENCE), people.actor(session, people.BUREAU_HEAD)
    assert actions.mute(session, actor=science, group=Group.OVERDUE.value)
    commit(session)
    assert "step-overdue" not in codes(of(session, people.SCIENCE))
    assert actions.mute(session, actor=chief, group="all")
    commit(session)
    assert codes(of(session, people.BUREAU_HEAD)) == {"step-climbed"}
    audit.begin(session, actor=ROBOT, action="tests.mute")  # a row that no page writes
    session.add(DigestMute(user_id=chief.user_id, group=Group.CLIMBED.value))
    commit(session)
    assert codes(of(session, people.BUREAU_HEAD)) == {"step-climbed"}, "whatever stands in the table"
    assert actions.unmute(session, actor=science, group=Group.OVERDUE.value)
    commit(session)
    assert "step-overdue" in codes(of(session, people.SCIENCE))


def test_the_reader_chooses_the_language_of_the_mail(app: Flask, session: Session) -> None:
    everything(session)
    for letter in every_letter(session):
        mail = render(replace(letter, language="en"), BASE, mute_links(1, BASE))
        own = {item.name for group in letter.groups for item in group.items} | {letter.person}
        said = mail.text
        for params in (item.params for group in letter.groups for item in group.items):
            own |= {str(value) for key, value in params.items() if key in ("step", "by", "former", "text")}
        for text in sorted(own, key=len, reverse=True):
            said = said.replace(text, "")
        assert re.findall("[\u4e00-\u9fff]+", said) == []
        assert re.fullmatch(r"Tidui weekly reminders: \d+ items? \(\d{4}-\d\d-\d\d\)", mail.subject)


def test_the_mail_asks_nothing_of_any_other_host(app: Flask, session: Session) -> None:
    everything(session)
    for letter in compose(session, TODAY).values():
        html = render(letter, BASE, mute_links(letter.person_id, BASE)).html
        assert not re.search(r"<(img|link|script|iframe|style|object|form)\b|url\(|@import|\bsrc=", html)
        assert set(re.findall(r"https?://[^/\"]+", html)) == {BASE}
        assert all(int(n) <= 600 for n in re.findall(r"width:(\d+)px", html))


def test_the_week_of_a_letter_is_the_week_of_its_day(session: Session) -> None:
    everything(session)
    letter = of(session, people.SCIENCE, dt.date(2026, 11, 25))
    assert letter is not None and letter.week == week_of(TODAY) and letter.day == dt.date(2026, 11, 25)
    assert compose(session, week_of(TODAY))[letter.person_id].day == TODAY


def test_an_sme_registration_that_waits_is_told_once_and_again_in_autumn(session: Session) -> None:
    one = served(session, "温州待评电气有限公司")
    certificate(
        session, one, granted=dt.date(2025, 8, 1), expires=dt.date(2026, 3, 31), kind="tech-sme-national"
    )
    keys = [
        key
        for day in (dt.date(2026, 4, 6), dt.date(2026, 11, 2))
        for key in getattr(of(session, people.SCIENCE, day), "onces", ())
    ]
    assert [key.rpartition(":")[2] for key in keys if key.startswith("sme:")] == ["first", "last"]
