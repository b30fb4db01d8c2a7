"""A firm enters the reserve; its record is edited, put away and taken back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core import audit
from crm.core.permissions import Actor
from crm.core.pipeline import MoveKind
from crm.core.transaction import refusing
from crm.core.words import N_, Refused
from crm.firms.models import Firm
from crm.firms.rules.standing import check_reason
from crm.listing.actions import guards
from crm.listing.models import Candidate, CandidateMove
from crm.listing.rules.words import Act, Board, Stage, State

EDITABLE = frozenset({"officer_id", "note", "stock_code", "priority", "priority_reason"})
KNOWN = N_("这家企业已经在上市后备库里。")


def enter(
    session: Session,
    firm: Firm,
    *,
    actor: Actor,
    today: dt.date,
    on: dt.date,
    board: Board | None = None,
    officer_id: int | None = None,
    note: str | None = None,
) -> Candidate:
    """Take a firm into the reserve from a day on: one candidate a firm. Raises `Refused`."""
    actor.require("listing:edit")
    guards.past(on, today)
    if firm.archived_on is not None or firm.merged_into_id is not None:
        raise Refused(N_("这家企业已经归档，请先恢复。"), field="firm")
    if (
        session.scalar(sa.select(Candidate.id).where(Candidate.firm_id == firm.id, Candidate.is_current == 1))
        is not None
    ):
        raise Refused(KNOWN, field="firm")
    if officer_id is not None:
        guards.check_person(session, officer_id, "officer")
    audit.begin(session, actor=actor, action=Act.ENTER, subject=("firm", firm.id))
    candidate = Candidate(
        firm_id=firm.id, is_current=1, board=board, stage=Stage.RESERVE, stage_on=on, state=State.ACTIVE,
        officer_id=officer_id if officer_id is not None else actor.user_id, note=note,
    )  # fmt: skip
    with refusing(session, {"uq_listing_candidates_firm": Refused(KNOWN, field="firm")}):
        session.add(candidate)
    session.add(
        CandidateMove(
            candidate_id=candidate.id, kind=MoveKind.REPORT, stage=Stage.RESERVE, state=State.ACTIVE, on=on,
            board=board, by_id=actor.user_id,
        )
    )  # fmt: skip
    session.flush()
    return candidate


def edit(
    session: Session,
    candidate: Candidate,
    *,
    actor: Actor,
    today: dt.date,
    values: Mapping[str, Any],
    version: int | None = None,
) -> Candidate:
    """Change facts of a candidate (columns of `EDITABLE`). A priority set against the rule needs its reason; what a
    stage it has passed needed may not be taken away. Raises `Conflict`, `Forbidden`, `Refused`."""
    guards.ready(session, candidate, actor, version)
    unknown = values.keys() - EDITABLE
    if unknown:
        raise TypeError(f"not facts of a candidate: {sorted(unknown)}")
    if values.get("officer_id") is not None:
        guards.check_person(session, values["officer_id"], "officer")
    if "stock_code" in values and not values["stock_code"] and candidate.stage is Stage.LISTED:
        raise Refused(N_("已上市的不能清空证券代码。"), field="stock_code")
    facts = {name: getattr(candidate, name) for name in EDITABLE} | dict(values)
    if facts["priority"] is not None and not facts["priority_reason"]:
        raise Refused(N_("人工改定优先培育要写明原因。"), field="priority_reason")
    if facts["priority"] is None and facts["priority_reason"]:
        raise Refused(N_("按规则判定时不用写改定原因。"), field="priority_reason")
    changed = {name for name, value in values.items() if getattr(candidate, name) != value}
    action = Act.PRIORITY if changed & {"priority", "priority_reason"} else Act.EDIT
    audit.begin(session, actor=actor, action=action, subject=("candidate", candidate.id))
    for name in changed:
        setattr(candidate, name, values[name])
    session.flush()
    return candidate


def archive(
    session: Session, candidate: Candidate, *, actor: Actor, today: dt.date, reason: str | None,
    version: int | None = None,
) -> None:  # fmt: skip
    """Put a candidate away with a reason; nothing is deleted, and it can be restored."""
    guards.ready(session, candidate, actor, version)
    why = check_reason(reason)
    audit.begin(session, actor=actor, action=Act.ARCHIVE, subject=("candidate", candidate.id))
    candidate.archived_on, candidate.archive_reason, candidate.is_current = today, why, None
    session.flush()


def restore(session: Session, candidate: Candidate, *, actor: Actor, version: int | None = None) -> None:
    """Take a candidate out of the archive."""
    actor.require("listing:edit")
    guards.lock(candidate, version)
    if candidate.archived_on is None:
        raise Refused(N_("这家后备企业没有归档。"))
    audit.begin(session, actor=actor, action=Act.RESTORE, subject=("candidate", candidate.id))
    candidate.archived_on, candidate.archive_reason, candidate.is_current = None, None, 1
    with refusing(session, {"uq_listing_candidates_firm": Refused(KNOWN)}):
        session.flush()
