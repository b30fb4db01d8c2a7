"""The kinds of records the ladder has."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from crm.core.merging import Derived, Stays
from crm.core.permissions import Actor
from crm.core.records import Fact, Part, RecordKind, Show
from crm.core.words import C_, N_
from crm.firms.models import Firm
from crm.firms.queries import visible_to
from crm.ladder import actions
from crm.ladder.models import Application, Certification, StageInterval, TagBatch, TagRow, YearlyReport
from crm.ladder.rules.kinds import KINDS as CERTIFICATION_KINDS
from crm.ladder.rules.words import EndCause

SETTABLE = ("granted_on", "expires_on", "number", "document", "note")


def _of_visible_firms(model: Any) -> Any:
    """A certificate is seen by those who see its firm."""

    def reach(viewer: Actor) -> sa.ColumnElement[bool]:
        firms = visible_to(viewer)
        if isinstance(firms, sa.True_ | sa.False_):  # no list of firms for a question that is answered
            return firms
        return model.firm_id.in_(sa.select(Firm.id).where(firms))  # type: ignore[no-any-return]

    return reach


def _of_taggers(model: Any) -> Any:
    def reach(viewer: Actor) -> sa.ColumnElement[bool]:
        return sa.true() if viewer.may("ladder:tag") else sa.false()

    return reach


def _kind_name(session: Session, value: Any) -> str:
    kind = CERTIFICATION_KINDS.get(value)
    return str(kind.name) if kind else str(value)


_SHOW_KIND: Show = _kind_name


def _batch_title(session: Session, value: Any) -> str:
    found = session.execute(sa.select(TagBatch.title).where(TagBatch.id == value)).scalar_one_or_none()
    return found or str(value)


def _number_of(session: Session, value: Any) -> str:
    row = session.execute(
        sa.select(Certification.number, Certification.granted_on).where(Certification.id == value)
    ).one_or_none()
    return str(value) if row is None else f"{row.number or '—'} {row.granted_on}"


def _correct(
    session: Session,
    certification: Certification,
    /,
    *,
    actor: Actor,
    today: dt.date,
    version: int | None,
    values: Mapping[str, Any],
    reason: str = "",
) -> None:
    kept = {name: getattr(certification, name) for name in SETTABLE}
    actions.correct(
        session, certification, actor=actor, today=today, version=version, reason=reason, **{**kept, **values}
    )


CERTIFICATION = RecordKind(
    code="certification",
    model=Certification,
    label=N_("证书"),
    read=("firm:read",),
    edit=("ladder:tag",),
    visible_to=_of_visible_firms(Certification),
    editable_by=_of_taggers(Certification),
    endpoint="firms.show",
    id_name="firm_id",
    id_from="firm_id",
    name="number",
    change=_correct,
    settable=frozenset(SETTABLE),
    needs_reason=True,
    facts=(
        Fact("kind", N_("证书类型"), _SHOW_KIND),
        Fact("number", N_("证书编号")),
        Fact("level", N_("级别")),
        Fact("granted_on", N_("发证日期")),
        Fact("expires_on", N_("有效期至")),
        Fact("document", N_("文号")),
        Fact("ended_on", N_("终止日期")),
        Fact("end_cause", N_("终止原因")),
        Fact("end_reason", N_("说明")),
        Fact("note", N_("备注")),
    ),
)

APPLICATION = RecordKind(
    code="application",
    model=Application,
    label=C_("subject", "申报"),
    read=("firm:read",),
    edit=("ladder:tag",),
    visible_to=_of_visible_firms(Application),
    editable_by=_of_taggers(Application),
    endpoint="firms.show",
    id_name="firm_id",
    id_from="firm_id",
    name="kind",
    facts=(
        Fact("kind", N_("证书类型"), _SHOW_KIND),
        Fact("step", N_("步骤")),
        Fact("step_on", N_("步骤日期")),
        Fact("batch", N_("批次")),
        Fact("opened_on", N_("开始日期")),
        Fact("closed_on", N_("结束日期")),
    ),
)


def _is_right(row: Mapping[str, Any]) -> bool:
    return row["end_cause"] is not EndCause.ENTERED_WRONGLY


# what the ladder adds to the merging of firms
FIRM_PARTS = (
    Part(
        Certification,
        "firm_id",
        ("kind", "granted_on"),
        (
            *(fact for fact in CERTIFICATION.facts if fact.name not in ("kind", "granted_on")),
            Fact("batch_id", N_("标记批次"), _batch_title),
            Fact("renews_id", N_("续自"), _number_of),
        ),
        together=(("ended_on", "end_cause", "end_reason"),),
        plain=frozenset({"expires_on", "ended_on"}),
        counts=_is_right,
        settle=actions.give_way,
        left=N_("重复的一张也移过来，记为「登记有误」，不计数"),
    ),
    Part(
        Application,
        "firm_id",
        ("kind", "is_open"),
        settle=actions.close_for_other,
        left=N_("没选中的也移过来，记为「不再继续」，步骤都在"),
    ),
    Part(YearlyReport, "firm_id", ("year",), (Fact("filed_on", N_("报送日期")),), name="year"),
)
FIRM_DERIVED = (Derived(StageInterval, "firm_id"),)
FIRM_STAYS = (Stays(TagRow, "firm_id", N_("公布名单的行记着当时认定给了哪一条")),)

KINDS = (CERTIFICATION, APPLICATION)
