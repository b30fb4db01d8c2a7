"""Applications: a firm on its way to a title, step by dated step. At most one open a firm and kind."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core import audit
from crm.core.folding import legible
from crm.core.permissions import Actor
from crm.core.words import N_, Conflict, Refused
from crm.firms.models import Firm
from crm.ladder.models import Application, ApplicationMove
from crm.ladder.rules import certifications as law
from crm.ladder.rules.kinds import get_kind
from crm.ladder.rules.words import OPEN_STEPS, Act, ApplicationStep

CHUNK = 2000


def open_application(
    session: Session,
    firm: Firm,
    *,
    kind: str,
    on: dt.date,
    actor: Actor,
    today: dt.date,
    step: ApplicationStep = ApplicationStep.POTENTIAL,
    officer_id: int | None = None,
    batch: str | None = None,
    reason: str | None = None,
) -> Application:
    """Start following a firm towards a title. Raises `Refused` when one is open already."""
    audit.begin(session, actor=actor, action=Act.APPLICATION_OPEN, subject=("firm", firm.id), kind=kind)
    made = open_many(
        session, [firm.id], kind=kind, on=on, actor=actor, today=today, step=step, officer_id=officer_id,
        batch=batch, reason=reason,
    )  # fmt: skip
    if not made:
        raise Refused(N_("这家企业的%(kind)s申报正在跟踪中。"), kind=get_kind(kind).name, field="kind")
    return session.get_one(Application, made[0])


def open_many(
    session: Session,
    firm_ids: Sequence[int],
    *,
    kind: str,
    on: dt.date,
    actor: Actor,
    today: dt.date,
    step: ApplicationStep = ApplicationStep.POTENTIAL,
    officer_id: int | None = None,
    batch: str | None = None,
    reason: str | None = None,
) -> list[int]:
    """Start following several firms; those followed already are left alone. Returns the new applications' ids."""
    actor.require("ladder:tag")
    get_kind(kind)
    if step not in OPEN_STEPS:
        raise Refused(N_("申报要从在途的一步开始。"), field="step")
    law.check_day(on, today)
    audit.begin(session, actor=actor, action=Act.APPLICATION_OPEN, kind=kind, firms=len(firm_ids))
    wanted = sorted(set(firm_ids))
    known: set[int] = set()
    there: set[int] = set()
    for start in range(0, len(wanted), CHUNK):
        part = wanted[start : start + CHUNK]
        firms = sa.select(Firm.id).where(Firm.id.in_(part), Firm.archived_on.is_(None)).order_by(Firm.id)
        there.update(session.scalars(firms.with_for_update(key_share=True)))
        known.update(
            session.scalars(
                sa.select(Application.firm_id).where(
                    Application.firm_id.in_(part), Application.kind == kind, Application.is_open.is_(True)
                )
            )
        )
    rows = [
        {
            "firm_id": firm_id, "kind": kind, "step": step, "step_on": on, "is_open": True, "batch": batch or None,
            "officer_id": officer_id if officer_id is not None else actor.user_id, "opened_on": on,
        }
        for firm_id in wanted
        if firm_id in there and firm_id not in known
    ]  # fmt: skip
    ids = audit.insert_many(session, Application, rows)
    note = legible(reason)[:300] or None
    audit.insert_many(
        session,
        ApplicationMove,
        [
            {"application_id": new_id, "step": step, "on": on, "officer_id": row["officer_id"],
             "batch": row["batch"], "reason": note}
            for new_id, row in zip(ids, rows, strict=True)
        ],
    )  # fmt: skip
    return ids


def advance(
    session: Session,
    application: Application,
    *,
    step: ApplicationStep,
    on: dt.date,
    actor: Actor,
    today: dt.date,
    batch: str | None = None,
    reason: str | None = None,
    officer_id: int | None = None,
    version: int | None = None,
) -> Application:
    """Move an open application to another step (jumps allowed, back or out with a reason). Raises `Refused`.

    ``granted`` is never typed: it comes with the certificate.
    """
    actor.require("ladder:tag")
    if version is not None and application.version != version:
        raise Conflict(N_("这项申报刚刚被别人改过，请看看新的内容再保存。"))
    if step is ApplicationStep.GRANTED:
        raise Refused(N_("「已认定」随证书登记产生：请登记证书。"), field="step")
    cleaned = law.check_step(application.step, step, application.step_on, on, today, reason)
    audit.begin(
        session, actor=actor, action=Act.APPLICATION_ADVANCE, subject=("firm", application.firm_id),
        kind=application.kind, step=step.value,
    )  # fmt: skip
    application.step, application.step_on = step, on
    if batch:
        application.batch = batch
    if officer_id is not None:
        application.officer_id = officer_id
    if step in law.CLOSING:
        application.is_open, application.closed_on = None, on
    session.add(
        ApplicationMove(
            application_id=application.id, step=step, on=on, officer_id=officer_id or actor.user_id,
            batch=batch or None, reason=cleaned,
        )
    )  # fmt: skip
    session.flush()
    return application


def fail(
    session: Session, application: Application, *, on: dt.date, reason: str, actor: Actor, today: dt.date
) -> Application:
    """The application was not granted."""
    return advance(
        session, application, step=ApplicationStep.FAILED, on=on, reason=reason, actor=actor, today=today
    )


def drop(
    session: Session, application: Application, *, on: dt.date, reason: str, actor: Actor, today: dt.date
) -> Application:
    """The firm does not go on."""
    return advance(
        session, application, step=ApplicationStep.DROPPED, on=on, reason=reason, actor=actor, today=today
    )


def close_granted(
    session: Session, granted: Sequence[tuple[int, str, dt.date, int]], *, actor: Actor
) -> list[int]:
    """Close the open applications that these grants `(firm, kind, granted on, certificate)` answer.

    An application opened after the day of grant stays open: it is for the next certificate. Returns the ids closed.
    """
    wanted = {(firm_id, kind): (on, certification_id) for firm_id, kind, on, certification_id in granted}
    firm_ids = sorted({firm_id for firm_id, _kind in wanted})
    changes: list[tuple[int, dict[str, object], dict[str, object]]] = []
    moves: list[dict[str, object]] = []
    for start in range(0, len(firm_ids), CHUNK):
        query = sa.select(
            Application.id, Application.firm_id, Application.kind, Application.step, Application.step_on,
            Application.opened_on, Application.batch,
        ).where(Application.firm_id.in_(firm_ids[start : start + CHUNK]), Application.is_open.is_(True))  # fmt: skip
        for row in session.execute(query):
            found = wanted.get((row.firm_id, row.kind))
            if found is None or row.opened_on > found[0]:
                continue
            on = max(found[0], row.step_on)
            before: dict[str, object] = {
                "step": row.step, "step_on": row.step_on, "is_open": True, "closed_on": None,
                "certification_id": None,
            }  # fmt: skip
            after: dict[str, object] = {
                "step": ApplicationStep.GRANTED, "step_on": on, "is_open": None, "closed_on": on,
                "certification_id": found[1],
            }  # fmt: skip
            changes.append((row.id, before, after))
            moves.append(
                {"application_id": row.id, "step": ApplicationStep.GRANTED, "on": on,
                 "officer_id": actor.user_id, "batch": row.batch, "reason": None}
            )  # fmt: skip
    if changes:
        audit.update_many(session, Application, changes)
        audit.insert_many(session, ApplicationMove, moves)
    return [change[0] for change in changes]
