"""The yearly report of high-tech enterprises: that it was made, and taking that back."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core import audit
from crm.core.permissions import Actor
from crm.core.transaction import refusing
from crm.core.words import N_, Conflict, Refused
from crm.ladder.models import YearlyReport
from crm.ladder.rules.board import report_years
from crm.ladder.rules.words import Act


def file_report(
    session: Session, firm_id: int, *, year: int, on: dt.date, actor: Actor, today: dt.date
) -> YearlyReport:
    """The firm has made its yearly report. Raises `Refused` for a year that is not to be reported now, a day to come,
    and `Conflict` when somebody has entered it already."""
    actor.require("ladder:tag")
    if year not in report_years(today):
        raise Refused(N_("现在不能登记 %(year)s 年度的年报。"), year=year, field="year")
    if on > today:
        raise Refused(N_("日期 %(on)s 在今天之后，不能登记还没有发生的事。"), on=on, field="on")
    audit.begin(session, actor=actor, action=Act.REPORT, subject=("firm", firm_id), year=year)
    there = Conflict(N_("%(year)s 年度的年报已经登记过了。"), year=year)
    with refusing(session, {"uq_high_tech_reports_firm_id_year": there}):
        report = YearlyReport(firm_id=firm_id, year=year, filed_on=on)
        session.add(report)
    return report


def unfile_report(session: Session, firm_id: int, *, year: int, actor: Actor) -> None:
    """It was entered by mistake. Taken back twice is taken back once."""
    actor.require("ladder:tag")
    report = session.scalar(
        sa.select(YearlyReport).where(YearlyReport.firm_id == firm_id, YearlyReport.year == year)
    )
    if report is not None:
        audit.begin(session, actor=actor, action=Act.UNREPORT, subject=("firm", firm_id), year=year)
        session.delete(report)
        session.flush()
