"""A kind of record that only the tests have: what a new kind gets from its declaration alone.

`Sample` belongs to a unit's people (they see and change it, others do not); `SampleNote` hangs on it, one a day.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from crm.activities.queries.following import TOLD, follow_up
from crm.core import audit
from crm.core.db import Base, BigId, Model, Pk, Stamped, Versioned, Yuan
from crm.core.merging import Merging, Stays
from crm.core.permissions import Actor
from crm.core.records import Fact, Part, RecordKind
from crm.core.words import Conflict, Refused


class Sample(Versioned, Stamped, Model):
    __tablename__ = "test_samples"
    __label__ = "样品"
    id: Mapped[Pk]
    name: Mapped[str] = mapped_column(sa.String(80))
    unit_id: Mapped[int] = mapped_column(BigId)
    worth_yuan: Mapped[Yuan | None]
    seen_on: Mapped[dt.date | None]
    archived_on: Mapped[dt.date | None]
    archive_reason: Mapped[str | None] = mapped_column(sa.String(200))
    merged_into_id: Mapped[int | None] = mapped_column(sa.ForeignKey("test_samples.id"))


class SampleNote(Versioned, Stamped, Model):
    __tablename__ = "test_sample_notes"
    __label__ = "样品记录"
    id: Mapped[Pk]
    sample_id: Mapped[int] = mapped_column(sa.ForeignKey("test_samples.id"), index=True)
    on: Mapped[dt.date] = mapped_column("noted_on")
    text: Mapped[str] = mapped_column(sa.String(200))
    __table_args__ = (sa.UniqueConstraint("sample_id", "noted_on"),)


TABLES = [Base.metadata.tables["test_samples"], Base.metadata.tables["test_sample_notes"]]


def of_own_unit(viewer: Actor) -> sa.ColumnElement[bool]:
    if viewer.is_system:
        return sa.true()
    return Sample.unit_id.in_(sorted(viewer.unit_ids)) if viewer.unit_ids else sa.false()


def change(
    session: Session,
    row: Sample,
    /,
    *,
    actor: Actor,
    today: dt.date,
    version: int | None,
    values: Mapping[str, Any],
    reason: str = "",
) -> None:
    """Set facts of a sample; nobody may be worth less than nothing."""
    if version is not None and row.version != version:
        raise Conflict("刚刚被别人改过")
    if (values.get("worth_yuan") or 0) < 0:
        raise Refused("不能小于零", field="worth_yuan")
    audit.begin(session, actor=actor, action="sample.edit", subject=("sample", row.id))
    for name, value in values.items():
        setattr(row, name, value)
    session.flush()


def archive(
    session: Session, row: Sample, /, *, actor: Actor, today: dt.date, version: int | None, reason: str
) -> None:
    if version is not None and row.version != version:
        raise Conflict("刚刚被别人改过")
    audit.begin(session, actor=actor, action="sample.archive", subject=("sample", row.id))
    row.archived_on, row.archive_reason = today, reason
    session.flush()


SAMPLE = RecordKind(
    code="sample", model=Sample, label="样品", read=("firm:read",), edit=("firm:edit",),
    visible_to=of_own_unit, editable_by=of_own_unit, endpoint="firms.show", id_name="firm_id",
    facts=(Fact("name", "名称"), Fact("worth_yuan", "价值"), Fact("seen_on", "日期")),
    change=change, settable=frozenset({"name", "worth_yuan", "seen_on"}), archive=archive,
    parts=(Part(SampleNote, "sample_id", ("on",)),),
)  # fmt: skip


MERGING = Merging(
    needs="firm:merge",
    parts=[Part(SampleNote, "sample_id", ("on",), (Fact("text", "内容"),)), *follow_up("sample")],
    stays=[TOLD, Stays(Sample, "merged_into_id", "先前并入的仍记着")],
)
