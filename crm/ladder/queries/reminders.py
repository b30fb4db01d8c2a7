"""What the ladder reminds of: certificates that lapse, the yearly report of high-tech enterprises, renames to be
reported, national SME registrations to be renewed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core.months import add_months
from crm.core.permissions import system
from crm.core.reminders import Group, People, Reminder, Row, among
from crm.core.words import N_
from crm.firms.models import Firm, FirmName
from crm.firms.rules.standing import rename_report_due
from crm.firms.rules.words import NameKind
from crm.ladder.models import Certification, StageInterval, YearlyReport
from crm.ladder.queries.counts import at_stage, valid_on
from crm.ladder.queries.due import lapsing_where
from crm.ladder.queries.within import Within
from crm.ladder.rules.board import REPORT_ASKED, REPORT_DUE, report_missed
from crm.ladder.rules.kinds import HIGH_TECH, KINDS
from crm.ladder.rules.words import Stage

STAGES = (3, 6, 12)  # months before a certificate lapses at which it is told, each once
EVERYBODY = system(
    "digest"
)  # whoever reads it: who may see firms sees all of them, the digest asks that again


def _expiring(day: dt.date, months: int) -> list[sa.ColumnElement[bool]]:
    return lapsing_where(Within(day), EVERYBODY, day, add_months(day, months), None)


def expiring(session: Session, day: dt.date, people: People) -> Iterator[Row]:
    """Certificates that lapse within 12, 6 and 3 months, for the service officer of the firm: each stage is told once."""
    rows = session.execute(
        sa.select(Certification.id, Certification.firm_id, Certification.kind, Certification.expires_on, Firm.officer_id)
        .join(Firm, Firm.id == Certification.firm_id)
        .where(*_expiring(day, STAGES[-1]), among(Firm.officer_id, people))
    )  # fmt: skip
    for certification_id, firm_id, kind, expires_on, officer_id in rows:
        if expires_on is None or officer_id is None:
            continue
        stage = next(months for months in STAGES if expires_on <= add_months(day, months))
        params = {
            "kind": KINDS[kind].name if kind in KINDS else kind, "on": expires_on, "n": (expires_on - day).days,
        }  # fmt: skip
        once = f"certificate:{certification_id}:{stage}:{expires_on.isoformat()}"
        yield Row(officer_id, "firm", firm_id, params, f"months-{stage}", expires_on, once=once)


def unowned(session: Session, day: dt.date, people: People) -> Iterator[Row]:
    """How many certificates of firms without a service officer lapse within three months, for those who tag."""
    taggers = [key for key, actor in people.items() if actor.may("ladder:tag") and not actor.is_system]
    if not taggers:
        return
    count = session.scalar(
        sa.select(sa.func.count())
        .select_from(Certification)
        .join(Firm, Firm.id == Certification.firm_id)
        .where(*_expiring(day, STAGES[0]), Firm.officer_id.is_(None))
    )
    if count:
        for key in taggers:
            yield Row(
                key,
                "",
                0,
                {"count": int(count)},
                "tags",
                rank=-1,
                link=("ladder.calendar", {"officer": "none"}),
            )


def _holders(day: dt.date, people: People, *columns: Any) -> sa.Select[Any]:
    """High-tech enterprises on a day, with their service officer and since when they have held a title."""
    since = sa.func.min(Certification.granted_on)
    return (
        sa.select(Firm.id, Firm.officer_id, since, *columns)
        .join(Certification, Certification.firm_id == Firm.id)
        .where(Certification.kind == HIGH_TECH, valid_on(day, HIGH_TECH), Firm.archived_on.is_(None))
        .where(among(Firm.officer_id, people))
        .group_by(Firm.id, Firm.officer_id)
    )


def _filed(session: Session, year: int) -> set[int]:
    return set(session.scalars(sa.select(YearlyReport.firm_id).where(YearlyReport.year == year)))


def reports_due(session: Session, day: dt.date, people: People) -> Iterator[Row]:
    """The yearly report, from March on to the day it is due, until it has been made."""
    due = dt.date(day.year, *REPORT_DUE)
    if not dt.date(day.year, *REPORT_ASKED) <= day <= due:
        return
    year = day.year - 1
    filed = _filed(session, year)
    for firm_id, officer_id, since in session.execute(_holders(day, people)):
        if firm_id not in filed and officer_id is not None and since.year <= year:
            yield Row(officer_id, "firm", firm_id, {"year": str(year), "on": due}, "officer", due)


def reports_missed(session: Session, day: dt.date, people: People) -> Iterator[Row]:
    """The alarm at the first missed year: a second in a row revokes the title. Where nobody keeps these reports for a
    year, that nothing was entered is told once only."""
    year = report_missed(day)
    filed, before = _filed(session, year), _filed(session, year - 1)
    due = dt.date(year + 1, *REPORT_DUE)
    for firm_id, officer_id, since in session.execute(_holders(day, people)):
        if firm_id in filed or officer_id is None or since.year > year:
            continue
        twice = bool(before) and firm_id not in before and since.year < year
        yield Row(
            officer_id, "firm", firm_id, {"year": str(year), "on": due}, "twice" if twice else "first", due, rank=-2,
            once="" if filed else f"report:{firm_id}:{year}",
        )  # fmt: skip


def renames(session: Session, day: dt.date, people: People) -> Iterator[Row]:
    """Renames of high-tech enterprises still to be reported: told once at the start, and once in the last month."""
    rows = session.execute(
        sa.select(FirmName.id, Firm.id, Firm.officer_id, FirmName.name, FirmName.until_on)
        .join(Firm, Firm.id == FirmName.firm_id)
        .where(
            FirmName.kind == NameKind.FORMER, FirmName.until_on.between(add_months(day, -4), day),
            Firm.archived_on.is_(None), among(Firm.officer_id, people),
            Firm.id.in_(sa.select(Certification.firm_id).where(valid_on(day, HIGH_TECH))),
        )
    )  # fmt: skip
    for name_id, firm_id, officer_id, former, until_on in rows:
        if until_on is None or officer_id is None or (due := rename_report_due(until_on)) < day:
            continue
        stage = "last" if due <= add_months(day, 1) else "first"
        params = {"former": former, "on": due}
        yield Row(officer_id, "firm", firm_id, params, "officer", due, once=f"rename:{name_id}:{stage}")


def pending(session: Session, day: dt.date, people: People) -> Iterator[Row]:
    """National SME registrations that lapsed in March and are kept until December: told once, and once in autumn."""
    rows = session.execute(
        sa.select(StageInterval.firm_id, Firm.officer_id, StageInterval.to_on)
        .join(Firm, Firm.id == StageInterval.firm_id)
        .where(at_stage(day, Stage.SMALL_TO_HIGH_TECH, pending=True), among(Firm.officer_id, people))
    )
    for firm_id, officer_id, to_on in rows:
        if officer_id is not None:
            until = (to_on or dt.date(day.year + 1, 1, 1)) - dt.timedelta(1)
            stage = "last" if until <= add_months(day, 3) else "first"
            once = f"sme:{firm_id}:{until.isoformat()}:{stage}"
            yield Row(officer_id, "firm", firm_id, {"on": until}, "officer", until, once=once)


OFFICER = N_("您是这家企业的服务专员")
REMINDERS = [
    Reminder(
        "report-missed", N_("高企年报漏报"), Group.EXPIRING, N_("%(year)s 年度高企年报没有登记（%(on)s 截止），连续两年不报取消资格"),
        {"first": N_("第一年没有报，您是服务专员"), "twice": N_("连续两年没有报，您是服务专员")}, reports_missed,
    ),
    Reminder(
        "report-due", N_("高企年报"), Group.EXPIRING, N_("%(year)s 年度高企年报还没有登记，%(on)s 截止"),
        {"officer": OFFICER}, reports_due,
    ),
    Reminder(
        "certificate-expiring", N_("证书到期"), Group.EXPIRING, N_("%(kind)s %(on)s 到期，还有 %(n)s 天"),
        {
            f"months-{stage}": text for stage, text in (
                (3, N_("您是服务专员，三个月内到期")), (6, N_("您是服务专员，六个月内到期")), (12, N_("您是服务专员，十二个月内到期")),
            )
        },
        expiring,
    ),
    Reminder(
        "certificates-unowned", N_("没有服务专员的证书"), Group.EXPIRING, N_("没有服务专员的企业有 %(count)s 张证书三个月内到期"),
        {"tags": N_("证书由您标记")}, unowned,
    ),
    Reminder(
        "rename-due", N_("更名报告"), Group.EXPIRING, N_("原名 %(former)s，更名要在 %(on)s 前报告"),
        {"officer": OFFICER}, renames,
    ),
    Reminder(
        "sme-pending", N_("科小待复评"), Group.EXPIRING, N_("科技型中小企业待复评，阶段保留到 %(on)s"),
        {"officer": OFFICER}, pending,
    ),
]  # fmt: skip
