"""The outbox: what became of each person's mail, week by week; and sending one again by hand."""

from __future__ import annotations

from typing import Any

from flask import current_app, flash, render_template, request

from crm.core.clock import now
from crm.core.db import db
from crm.core.i18n import gettext
from crm.core.mail import FOLDER, one_line, read_server
from crm.core.permissions import needs
from crm.core.transaction import commit
from crm.core.web import actor, back_to
from crm.digest.actions import outbox as actions
from crm.digest.queries import outbox as queries
from crm.digest.rules.delivery import MailState
from crm.digest.views.blueprint import bp


def _asked(weeks: list[str]) -> tuple[str, MailState | None, str, int]:
    week = request.args.get("week", "")
    raw = request.args.get("state", "")
    state = MailState(raw) if raw in {each.value for each in MailState} else None
    page = request.args.get("page", "")
    return (
        week if week in weeks else (weeks[0] if weeks else ""),
        state,
        one_line(request.args.get("q", ""), 60),
        int(page) if page.isascii() and page.isdigit() and 0 < len(page) < 5 and int(page) else 1,
    )


@bp.get("/outbox")
@needs("setting:manage")
def outbox() -> Any:
    """Mails of a week by state; what they say is for those they go to."""
    session, chosen = db.session(), current_app.config["TIDUI"]
    weeks = queries.periods(session)
    week, state, name, page = _asked(weeks)
    rows, total = queries.mails(session, viewer=actor(), period=week, state=state, name=name, page=page)
    found = queries.counts(session, week)
    return render_template(
        "digest/outbox.html",
        weeks=weeks,
        week=week,
        state=state,
        q=name,
        page=page,
        pages=max(1, -(-total // queries.PAGE)),
        rows=rows,
        total=total,
        all_of_week=sum(found.values()),
        counts=[(each, found.get(each, 0)) for each in MailState],
        outage=queries.outage(session),
        server=read_server(chosen.smtp_url),
        folder=chosen.data / FOLDER,
        at=now(),
    )


@bp.post("/outbox/<int:mail_id>/resend")
@needs("setting:manage")
def resend(mail_id: int) -> Any:
    """Try one again now. Refused for one that was sent: a person gets one mail a week."""
    mail = actions.resend(db.session(), mail_id, actor=actor(), at=now())
    commit()
    flash(gettext("这封邮件会马上再发一次。"), "done")
    return back_to("digest.outbox", week=mail.period.partition("~")[0])
