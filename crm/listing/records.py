"""The kind of record the listing reserve has, and what it hangs on firms."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from crm.accounts.models import User
from crm.core.permissions import Actor
from crm.core.records import Fact, NameOf, Part, RecordKind
from crm.core.words import C_, N_
from crm.firms.models import Firm
from crm.listing import actions
from crm.listing.actions import EDITABLE
from crm.listing.models import Candidate
from crm.listing.queries.scope import editable_by, visible_to

PERSON = NameOf(User.name, User.id)


def _change(
    session: Session,
    candidate: Candidate,
    /,
    *,
    actor: Actor,
    today: dt.date,
    version: int | None,
    values: Mapping[str, Any],
    reason: str = "",
) -> None:
    actions.edit(session, candidate, actor=actor, today=today, version=version, values=values)


def _archive(
    session: Session,
    candidate: Candidate,
    /,
    *,
    actor: Actor,
    today: dt.date,
    version: int | None,
    reason: str,
) -> None:
    actions.archive(session, candidate, actor=actor, today=today, version=version, reason=reason)


def _restore(
    session: Session,
    candidate: Candidate,
    /,
    *,
    actor: Actor,
    today: dt.date,
    version: int | None,
    reason: str,
) -> None:
    actions.restore(session, candidate, actor=actor, version=version)


def _away(session: Session, row: Mapping[str, Any], /, *, actor: Actor, today: dt.date) -> Mapping[str, Any]:
    """Of two candidates of one firm the one not chosen is put away, with its history."""
    return {"is_current": None, "archived_on": today, "archive_reason": "企业合并"}


FACTS = (
    Fact("firm_id", C_("subject", "企业"), NameOf(Firm.name, Firm.id)),
    Fact("is_current", N_("在库")),
    Fact("board", N_("目标板块")),
    Fact("stage", N_("上市阶段")),
    Fact("stage_on", N_("阶段日期")),
    Fact("state", N_("上市状态")),
    Fact("state_on", N_("状态日期")),
    Fact("state_reason", N_("状态原因")),
    Fact("officer_id", N_("金融专员"), PERSON),
    Fact("stock_code", N_("证券代码")),
    Fact("reformed_on", N_("股改日期")),
    Fact("accepted_on", N_("首次报会日期")),
    Fact("listed_on", N_("上市日期")),
    Fact("priority", N_("人工改定优先")),
    Fact("priority_reason", N_("改定原因")),
    Fact("note", N_("备注")),
    Fact("archived_on", N_("归档日期")),
    Fact("archive_reason", N_("归档原因")),
)

CANDIDATE = RecordKind(
    code="candidate",
    model=Candidate,
    label=C_("subject", "上市后备"),
    read=("listing:read",),
    edit=("listing:edit",),
    visible_to=visible_to,
    editable_by=editable_by,
    endpoint="listing.show",
    id_name="candidate_id",
    name="firm_name",
    change=_change,
    settable=EDITABLE,
    archive=_archive,
    restore=_restore,
    archived="archived_on",
    facts=FACTS,
)

# a firm has one candidate: of two, a merge of the firms asks which
FIRM_PARTS = (Part(Candidate, "firm_id", ("is_current",), FACTS, settle=_away),)

KINDS = (CANDIDATE,)
