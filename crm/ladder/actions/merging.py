"""What becomes of certificates and applications when two firms turn out to be one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from crm.core import audit
from crm.core.permissions import Actor
from crm.core.words import N_
from crm.ladder.models import ApplicationMove
from crm.ladder.rules.words import ApplicationStep, EndCause

TWICE = N_("合并企业：同一天的同一种证书登记了两次")
GOES_ON = N_("合并企业：由另一项申报继续")


def give_way(
    _session: Session, row: Mapping[str, Any], /, *, actor: Actor, today: dt.date
) -> Mapping[str, Any]:
    """One certificate entered under both firms: the second entry stays on record and counts for nothing."""
    return {
        "ended_on": row["granted_on"],
        "end_cause": EndCause.ENTERED_WRONGLY,
        "end_reason": TWICE,
    }


def close_for_other(
    session: Session, row: Mapping[str, Any], /, *, actor: Actor, today: dt.date
) -> Mapping[str, Any]:
    """Both firms were followed towards one title: this application ends, with its steps kept; the other goes on."""
    on = max(today, row["step_on"])
    audit.insert_many(
        session,
        ApplicationMove,
        [
            {
                "application_id": row["id"],
                "step": ApplicationStep.DROPPED,
                "on": on,
                "officer_id": actor.user_id,
                "batch": row["batch"],
                "reason": GOES_ON,
            }
        ],
    )
    return {"step": ApplicationStep.DROPPED, "step_on": on, "is_open": None, "closed_on": on}
