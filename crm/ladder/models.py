"""The ladder: applications, certifications, the stages derived from them, and the published lists tagged."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm.accounts.models import User
from crm.core.db import BigId, Model, Pk, Stamped, Versioned, Worded
from crm.core.words import N_
from crm.firms.models import Firm, firm_key
from crm.firms.rules.words import BatchState, LeadingIndustry
from crm.ladder.rules.words import ApplicationStep, EndCause, RowResult, Stage, TagDecision, TagOutcome


class TagBatch(Versioned, Stamped, Model):
    """A published list being tagged: keeps the file, its hash and the document number; undone as a whole."""

    __tablename__ = "tag_batches"
    __label__ = N_("标记批次")
    id: Mapped[Pk]
    kind: Mapped[str] = mapped_column(sa.String(40))  # certification kind code
    title: Mapped[str] = mapped_column(sa.String(200))
    document: Mapped[str | None] = mapped_column(sa.String(120))  # document number
    published_on: Mapped[dt.date | None]
    granted_on: Mapped[dt.date | None]
    filename: Mapped[str] = mapped_column(sa.String(200))
    sha256: Mapped[str] = mapped_column(sa.String(64))
    content: Mapped[bytes] = mapped_column(sa.LargeBinary, deferred=True)
    state: Mapped[BatchState] = mapped_column(Worded(BatchState))
    mapping: Mapped[dict[str, Any]] = mapped_column(default=dict)
    counts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    problem: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON)
    operation: Mapped[str | None] = mapped_column(sa.String(32))
    undo_operation: Mapped[str | None] = mapped_column(sa.String(32))
    job_id: Mapped[int | None] = mapped_column(BigId)  # a long list is matched in the background
    __secret__ = frozenset({"content"})
    __table_args__ = (sa.Index("ix_tag_batches_sha256", "sha256", "kind"),)


class TagRow(Model):
    """One row of a published list and what became of it."""

    __tablename__ = "tag_rows"
    __audited__ = False
    id: Mapped[Pk]
    batch_id: Mapped[int] = mapped_column(sa.ForeignKey("tag_batches.id", ondelete="CASCADE"))
    row_no: Mapped[int]
    name: Mapped[str] = mapped_column(sa.String(200))
    code: Mapped[str | None] = mapped_column(sa.String(40))
    number: Mapped[str | None] = mapped_column(sa.String(80))
    place: Mapped[str | None] = mapped_column(sa.String(120))
    granted_on: Mapped[dt.date | None]
    outcome: Mapped[TagOutcome] = mapped_column(Worded(TagOutcome))
    how: Mapped[str | None] = mapped_column(sa.String(20))
    firm_id: Mapped[int | None] = mapped_column(BigId)
    candidates: Mapped[list[Any]] = mapped_column(default=list)  # [{id, name, score, reasons}]
    reasons: Mapped[list[Any]] = mapped_column(default=list)  # [{text, params}]
    decision: Mapped[TagDecision | None] = mapped_column(Worded(TagDecision))
    decided_by_id: Mapped[int | None] = mapped_column(BigId)
    decided_at: Mapped[dt.datetime | None]
    result: Mapped[RowResult | None] = mapped_column(Worded(RowResult))  # what writing made of it
    certification_id: Mapped[int | None] = mapped_column(BigId)
    __table_args__ = (
        sa.UniqueConstraint("batch_id", "row_no"),
        sa.Index("ix_tag_rows_outcome", "batch_id", "outcome", "row_no"),
        sa.Index("ix_tag_rows_certification", "certification_id"),
    )


class Certification(Versioned, Stamped, Model):
    """A title a firm was granted, with its dated end. `expires_on` is the last valid day, None = without end;
    `ended_on` is the first day it no longer holds (revoked, moved out, replaced)."""

    __tablename__ = "certifications"
    __label__ = N_("证书")
    id: Mapped[Pk]
    firm_id: Mapped[int] = mapped_column(firm_key())
    kind: Mapped[str] = mapped_column(sa.String(40))
    number: Mapped[str | None] = mapped_column(sa.String(80))
    level: Mapped[str | None] = mapped_column(sa.String(20))
    granted_on: Mapped[dt.date]
    expires_on: Mapped[dt.date | None]
    document: Mapped[str | None] = mapped_column(sa.String(120))
    batch_id: Mapped[int | None] = mapped_column(sa.ForeignKey("tag_batches.id"), index=True)
    ended_on: Mapped[dt.date | None]
    end_cause: Mapped[EndCause | None] = mapped_column(Worded(EndCause))
    end_reason: Mapped[str | None] = mapped_column(sa.String(200))
    renews_id: Mapped[int | None] = mapped_column(sa.ForeignKey("certifications.id"), index=True)
    note: Mapped[str | None] = mapped_column(sa.String(300))
    firm: Mapped[Firm] = relationship(lazy="raise_on_sql")
    __table_args__ = (
        # one of a kind a day; what was entered wrongly does not stand in the way
        sa.Index(
            "uq_certifications_granted",
            "firm_id",
            "kind",
            "granted_on",
            unique=True,
            sqlite_where=sa.text("end_cause IS NULL OR end_cause <> 'entered-wrongly'"),
            postgresql_where=sa.text("end_cause IS NULL OR end_cause <> 'entered-wrongly'"),
        ),
        sa.Index("ix_certifications_firm", "firm_id", "kind", "granted_on"),
        sa.Index("ix_certifications_kind", "kind", "firm_id", "granted_on", "expires_on", "ended_on"),
        sa.Index("ix_certifications_expires", "expires_on", "kind"),
        sa.Index("ix_certifications_number", "kind", "number"),
    )


class Application(Versioned, Stamped, Model):
    """A firm on its way to a title. At most one open application a firm and kind."""

    __tablename__ = "applications"
    __label__ = N_("申报")
    id: Mapped[Pk]
    firm_id: Mapped[int] = mapped_column(firm_key())
    kind: Mapped[str] = mapped_column(sa.String(40))
    step: Mapped[ApplicationStep] = mapped_column(
        Worded(ApplicationStep)
    )  # the latest step, a copy of the history
    step_on: Mapped[dt.date]
    is_open: Mapped[bool | None]  # True while open, NULL when closed: unique with firm and kind
    officer_id: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id"))
    batch: Mapped[str | None] = mapped_column(sa.String(80))
    opened_on: Mapped[dt.date]
    closed_on: Mapped[dt.date | None]
    certification_id: Mapped[int | None] = mapped_column(sa.ForeignKey("certifications.id"), index=True)
    firm: Mapped[Firm] = relationship(lazy="raise_on_sql")
    officer: Mapped[User | None] = relationship(lazy="raise_on_sql")
    __table_args__ = (
        sa.UniqueConstraint("firm_id", "kind", "is_open", name="uq_applications_one_open"),
        sa.Index("ix_applications_kind", "kind", "is_open", "step", "step_on"),
        sa.Index("ix_applications_span", "closed_on", "opened_on", "kind", "firm_id"),
    )


class ApplicationMove(Versioned, Stamped, Model):
    """A dated step of an application: who, when, batch, why."""

    __tablename__ = "application_moves"
    __label__ = N_("申报步骤")
    id: Mapped[Pk]
    application_id: Mapped[int] = mapped_column(sa.ForeignKey("applications.id"), index=True)
    step: Mapped[ApplicationStep] = mapped_column(Worded(ApplicationStep))
    on: Mapped[dt.date] = mapped_column("moved_on")
    officer_id: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id"))
    batch: Mapped[str | None] = mapped_column(sa.String(80))
    reason: Mapped[str | None] = mapped_column(sa.String(300))


class StageInterval(Model):
    """A firm was at a stage from `from_on` to `to_on` (exclusive; None = open). A cache of the certifications,
    future lapses included, recomputed in the transaction that touches them; never typed."""

    __tablename__ = "stage_intervals"
    __audited__ = False
    id: Mapped[Pk]
    firm_id: Mapped[int] = mapped_column(sa.ForeignKey("firms.id", ondelete="CASCADE"))
    stage: Mapped[Stage] = mapped_column(Worded(Stage))
    from_on: Mapped[dt.date]
    to_on: Mapped[dt.date | None]
    is_pending: Mapped[bool] = mapped_column(default=False)  # 待复评: kept, but not counted
    cause: Mapped[str] = mapped_column(sa.String(60))  # message code
    params: Mapped[dict[str, Any]] = mapped_column(default=dict)
    industry: Mapped[LeadingIndustry] = mapped_column(
        Worded(LeadingIndustry)
    )  # the firm's of today, to count by
    __table_args__ = (
        sa.UniqueConstraint("firm_id", "from_on"),
        # each answers from the index alone: the board's counts, the list's order, a year's moves, a firm on a day
        sa.Index(
            "ix_stage_intervals_stage", "stage", "to_on", "is_pending", "industry", "from_on", "firm_id"
        ),
        sa.Index("ix_stage_intervals_until", "to_on", "firm_id", "from_on", "stage", "is_pending"),
        sa.Index("ix_stage_intervals_since", "from_on", "firm_id", "stage"),
        sa.Index("ix_stage_intervals_firm", "firm_id", "from_on", "to_on", "stage"),
    )


class YearlyReport(Versioned, Stamped, Model):
    """That a high-tech enterprise has reported on a year (国科发火〔2016〕32号 第13条): due by 31 May after it."""

    __tablename__ = "high_tech_reports"
    __label__ = N_("高企年报")
    id: Mapped[Pk]
    firm_id: Mapped[int] = mapped_column(firm_key())
    year: Mapped[int]
    filed_on: Mapped[dt.date]
    __table_args__ = (sa.UniqueConstraint("firm_id", "year"),)
