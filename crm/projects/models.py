"""Investment projects: the record, its dated moves, who is in charge, evidence, money in place, what was counted."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm.accounts.models import Unit, User
from crm.core.db import BigId, Model, Moment, Pk, Stamped, Versioned, Worded, Yuan
from crm.core.words import N_
from crm.firms.models import Firm
from crm.firms.rules.words import LeadingIndustry
from crm.projects.rules.stages import IN_CHARGE
from crm.projects.rules.words import (
    GOING,
    ChainRole,
    ClaimCause,
    Confidentiality,
    Currency,
    Decision,
    Evidence,
    Headquarters,
    InvestorKind,
    MoveKind,
    Origin,
    PaymentKind,
    Source,
    Stage,
    State,
    WaiverKind,
)

NEED = "CASE WHEN stage IN ({}) AND state IN ({}) AND archived_on IS NULL THEN 1 END".format(
    ", ".join(f"'{stage.value}'" for stage in IN_CHARGE), ", ".join(f"'{state.value}'" for state in sorted(GOING))
)  # fmt: skip


def project_key() -> sa.ForeignKey:
    """A foreign key to a project."""
    return sa.ForeignKey("projects.id")


def _person() -> sa.ForeignKey:
    return sa.ForeignKey("users.id")


def _unit() -> sa.ForeignKey:
    return sa.ForeignKey("units.id")


class Project(Versioned, Stamped, Model):
    """One record from lead to full production. `stage`, `state` and `signed_on` are copies of its dated moves.

    `need` is 1 while somebody has to be in charge; the deferred foreign key to the current charge makes the database
    refuse a commit without one. `first_reported_at` is set once, by the server.
    """

    __tablename__ = "projects"
    __label__ = N_("项目")
    # said because the foreign key to the charge takes it too
    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    name_key: Mapped[str] = mapped_column(sa.String(200), index=True)
    name_sort: Mapped[str] = mapped_column(sa.String(400))
    investor: Mapped[str] = mapped_column(sa.String(200))
    investor_key: Mapped[str] = mapped_column(sa.String(200), index=True)
    investor_code: Mapped[str | None] = mapped_column(sa.String(18), index=True)
    controller: Mapped[str | None] = mapped_column(sa.String(120))
    controller_key: Mapped[str | None] = mapped_column(sa.String(120), index=True)
    firm_id: Mapped[int | None] = mapped_column(sa.ForeignKey("firms.id"), index=True)
    source: Mapped[Source] = mapped_column(Worded(Source))
    source_note: Mapped[str | None] = mapped_column(sa.String(200))
    origin: Mapped[Origin | None] = mapped_column(Worded(Origin))
    origin_place: Mapped[str | None] = mapped_column(sa.String(80))
    investor_kind: Mapped[InvestorKind | None] = mapped_column(Worded(InvestorKind))
    leading_industry: Mapped[LeadingIndustry | None] = mapped_column(Worded(LeadingIndustry))
    industry_code: Mapped[str | None] = mapped_column(sa.String(8))  # GB/T 4754-2017
    product: Mapped[str | None] = mapped_column(sa.String(120))
    product_key: Mapped[str | None] = mapped_column(sa.String(120), index=True)
    chain_role: Mapped[ChainRole | None] = mapped_column(Worded(ChainRole))
    chain_node: Mapped[str | None] = mapped_column(sa.String(80))
    total_yuan: Mapped[Yuan | None]
    agreed_yuan: Mapped[Yuan | None]
    fixed_yuan: Mapped[Yuan | None]
    currency: Mapped[Currency] = mapped_column(Worded(Currency), default=Currency.CNY)
    foreign_total: Mapped[Yuan | None]  # whole units of `currency`
    rate_micros: Mapped[Yuan | None]  # yuan for one unit, in millionths
    rate_on: Mapped[dt.date | None]
    headquarters: Mapped[Headquarters | None] = mapped_column(Worded(Headquarters))
    is_innovative: Mapped[bool] = mapped_column(default=False)
    output_yuan: Mapped[Yuan | None]
    tax_yuan: Mapped[Yuan | None]
    land_m2: Mapped[int | None]
    plant_m2: Mapped[int | None]
    confidentiality: Mapped[Confidentiality] = mapped_column(
        Worded(Confidentiality), default=Confidentiality.ZONE
    )
    note: Mapped[str | None] = mapped_column(sa.String(500))
    stage: Mapped[Stage] = mapped_column(Worded(Stage), default=Stage.LEAD)
    stage_on: Mapped[dt.date]
    state: Mapped[State] = mapped_column(Worded(State), default=State.ACTIVE)
    state_on: Mapped[dt.date | None]
    state_reason: Mapped[str | None] = mapped_column(sa.String(300))
    signed_on: Mapped[dt.date | None]  # the first signing
    first_reported_at: Mapped[Moment]
    reported_by_id: Mapped[int | None] = mapped_column(_person())
    reported_unit_id: Mapped[int | None] = mapped_column(_unit())
    holder_id: Mapped[int | None] = mapped_column(_person())  # the officer who follows it; none: in the pool
    holder_unit_id: Mapped[int | None] = mapped_column(_unit())
    feedback_on: Mapped[dt.date | None]  # who brought the lead was told what became of it
    increases_id: Mapped[int | None] = mapped_column(
        project_key(), index=True
    )  # a capital increase of this one
    source_number: Mapped[str | None] = mapped_column(sa.String(80), index=True)  # of the list it came from
    archived_on: Mapped[dt.date | None]
    archive_reason: Mapped[str | None] = mapped_column(sa.String(200))
    merged_into_id: Mapped[int | None] = mapped_column(project_key(), index=True)
    need: Mapped[int | None] = mapped_column(sa.Integer, sa.Computed(NEED, persisted=True))
    firm: Mapped[Firm | None] = relationship(lazy="raise_on_sql")
    holder: Mapped[User | None] = relationship(lazy="raise_on_sql", foreign_keys=[holder_id])
    holder_unit: Mapped[Unit | None] = relationship(lazy="raise_on_sql", foreign_keys=[holder_unit_id])
    reported_by: Mapped[User | None] = relationship(lazy="raise_on_sql", foreign_keys=[reported_by_id])
    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["id", "need"],
            ["project_charges.project_id", "project_charges.is_current"],
            name="fk_projects_charge",
            deferrable=True,
            initially="DEFERRED",
            use_alter=True,
        ),
        sa.Index("ix_projects_updated", "updated_at", "id"),
        sa.Index("ix_projects_stage", "stage", "state", "updated_at", "id"),
        sa.Index("ix_projects_reported", "first_reported_at", "id"),
        sa.Index("ix_projects_total", "total_yuan", "id"),
        sa.Index("ix_projects_sort", "name_sort", "id"),
        sa.Index("ix_projects_holder", "holder_id", "state", "stage"),
        sa.Index("ix_projects_holder_unit", "holder_unit_id"),
    )


class ProjectPulse(Model):
    """How a project goes: a cache of its entries, moves, payments and claims, recomputed in the transaction that
    touches them, so that logging a visit does not stand in the way of somebody editing the record."""

    __tablename__ = "project_pulses"
    __audited__ = False
    id: Mapped[Pk]
    project_id: Mapped[int] = mapped_column(sa.ForeignKey("projects.id", ondelete="CASCADE"), unique=True)
    progress_on: Mapped[dt.date]  # the last real progress; the report itself is the first
    caught_up_on: Mapped[dt.date | None]  # progress that came after a gap long enough for yellow
    replied_on: Mapped[dt.date | None]  # the first contact after the report
    protected_until: Mapped[dt.date | None]  # the last day the lead is protected
    __table_args__ = (
        sa.Index("ix_project_pulses_progress", "progress_on", "project_id"),
        sa.Index("ix_project_pulses_protected", "protected_until", "project_id"),
    )


class ProjectMove(Versioned, Stamped, Model):
    """A dated move: from where to where, who, why, and how many days the stage left had lasted."""

    __tablename__ = "project_moves"
    __label__ = N_("项目阶段变动")
    id: Mapped[Pk]
    project_id: Mapped[int] = mapped_column(project_key())
    kind: Mapped[MoveKind] = mapped_column(Worded(MoveKind))
    from_stage: Mapped[Stage | None] = mapped_column(Worded(Stage))
    stage: Mapped[Stage] = mapped_column(Worded(Stage))
    state: Mapped[State] = mapped_column(Worded(State))
    on: Mapped[dt.date] = mapped_column("moved_on")
    days: Mapped[int | None]
    by_id: Mapped[int | None] = mapped_column(_person())
    reason: Mapped[str | None] = mapped_column(sa.String(300))
    skipped: Mapped[list[Any]] = mapped_column(default=list)  # codes of the stages jumped over
    __table_args__ = (
        sa.Index("ix_project_moves_project", "project_id", "moved_on", "id"),
        sa.Index("ix_project_moves_stage", "stage", "moved_on", "project_id"),
        sa.Index("ix_project_moves_on", "moved_on", "kind", "project_id"),  # what changed since Monday
    )


class ProjectCharge(Versioned, Stamped, Model):
    """Who is in charge, from a day to a day: one leader, one lead unit, one liaison, one agent. Of the charges of a
    project exactly one is current (`is_current` 1, else NULL)."""

    __tablename__ = "project_charges"
    __label__ = N_("项目专班")
    id: Mapped[Pk]
    project_id: Mapped[int] = mapped_column(project_key())
    is_current: Mapped[int | None] = mapped_column(sa.Integer)
    leader_id: Mapped[int] = mapped_column(_person(), index=True)
    lead_unit_id: Mapped[int] = mapped_column(_unit(), index=True)
    liaison_id: Mapped[int] = mapped_column(_person(), index=True)
    agent_id: Mapped[int] = mapped_column(_person(), index=True)
    from_on: Mapped[dt.date]
    to_on: Mapped[dt.date | None]
    reason: Mapped[str | None] = mapped_column(sa.String(300))
    leader: Mapped[User] = relationship(lazy="raise_on_sql", foreign_keys=[leader_id])
    lead_unit: Mapped[Unit] = relationship(lazy="raise_on_sql", foreign_keys=[lead_unit_id])
    liaison: Mapped[User] = relationship(lazy="raise_on_sql", foreign_keys=[liaison_id])
    agent: Mapped[User] = relationship(lazy="raise_on_sql", foreign_keys=[agent_id])
    __table_args__ = (
        sa.UniqueConstraint("project_id", "is_current", name="uq_project_charges_current"),
        sa.CheckConstraint("is_current = 1", name="current"),
        sa.CheckConstraint("(is_current IS NULL) = (to_on IS NOT NULL)", name="closed"),
        sa.CheckConstraint("to_on >= from_on", name="span"),
    )


class ProjectUnit(Versioned, Stamped, Model):
    """A member unit of a project's team, from a day to a day."""

    __tablename__ = "project_units"
    __label__ = N_("项目成员单位")
    id: Mapped[Pk]
    project_id: Mapped[int] = mapped_column(project_key())
    unit_id: Mapped[int] = mapped_column(_unit(), index=True)
    is_current: Mapped[int | None] = mapped_column(sa.Integer)
    from_on: Mapped[dt.date]
    to_on: Mapped[dt.date | None]
    unit: Mapped[Unit] = relationship(lazy="raise_on_sql")
    __table_args__ = (
        sa.UniqueConstraint("project_id", "unit_id", "is_current", name="uq_project_units_current"),
        sa.CheckConstraint("is_current = 1", name="current"),
    )


class ProjectWaiver(Versioned, Stamped, Model):
    """Why an item of a gate is not there: it cannot be known yet (until a day), or it is waived."""

    __tablename__ = "project_waivers"
    __label__ = N_("项目缺项说明")
    id: Mapped[Pk]
    project_id: Mapped[int] = mapped_column(project_key())
    item: Mapped[str] = mapped_column(sa.String(40))
    kind: Mapped[WaiverKind] = mapped_column(Worded(WaiverKind))
    reason: Mapped[str] = mapped_column(sa.String(200))
    until_on: Mapped[dt.date | None]
    __table_args__ = (sa.UniqueConstraint("project_id", "item"),)


class ProjectEvidence(Versioned, Stamped, Model):
    """A document that proves something: a file of the project, or the number it can be found under."""

    __tablename__ = "project_evidence"
    __label__ = N_("项目佐证")
    id: Mapped[Pk]
    project_id: Mapped[int] = mapped_column(project_key(), index=True)
    kind: Mapped[Evidence] = mapped_column(Worded(Evidence))
    on: Mapped[dt.date] = mapped_column("dated_on")
    reference: Mapped[str | None] = mapped_column(sa.String(200))
    attachment_id: Mapped[int | None] = mapped_column(sa.ForeignKey("attachments.id"), index=True)
    removed_on: Mapped[dt.date | None]
    removed_reason: Mapped[str | None] = mapped_column(sa.String(200))
    __table_args__ = (
        sa.CheckConstraint("reference IS NOT NULL OR attachment_id IS NOT NULL", name="something"),
    )


class ProjectPayment(Versioned, Stamped, Model):
    """Money in place: paid on a day, in whole yuan; foreign money with the day's rate. Counted once it is checked
    (`counts_on`: the day it counts for, which a frozen month moves to the next open one)."""

    __tablename__ = "project_payments"
    __label__ = N_("到位资金")
    id: Mapped[Pk]
    project_id: Mapped[int] = mapped_column(project_key(), index=True)
    on: Mapped[dt.date] = mapped_column("paid_on")
    yuan: Mapped[Yuan]
    currency: Mapped[Currency] = mapped_column(Worded(Currency), default=Currency.CNY)
    foreign: Mapped[Yuan | None] = mapped_column("foreign_amount")
    rate_micros: Mapped[Yuan | None]
    origin: Mapped[Origin] = mapped_column(Worded(Origin))
    kind: Mapped[PaymentKind] = mapped_column(Worded(PaymentKind))
    evidence_id: Mapped[int | None] = mapped_column(sa.ForeignKey("attachments.id"), index=True)
    reference: Mapped[str | None] = mapped_column(sa.String(200))
    entered_by_id: Mapped[int | None] = mapped_column(_person())
    checked_by_id: Mapped[int | None] = mapped_column(_person())
    checked_on: Mapped[dt.date | None]
    counts_on: Mapped[dt.date | None]
    withdrawn_on: Mapped[dt.date | None]
    withdrawn_reason: Mapped[str | None] = mapped_column(sa.String(200))
    __table_args__ = (
        sa.CheckConstraint("yuan > 0", name="positive"),
        sa.CheckConstraint("checked_by_id IS NULL OR checked_by_id <> entered_by_id", name="two_people"),
        sa.CheckConstraint("(checked_on IS NULL) = (counts_on IS NULL)", name="counted"),
        sa.Index("ix_project_payments_counts", "counts_on", "project_id"),
    )


class ProjectCount(Versioned, Stamped, Model):
    """A project as it was counted: once, at its first signing, checked by somebody else than who entered it."""

    __tablename__ = "project_counts"
    __label__ = N_("项目计数")
    id: Mapped[Pk]
    project_id: Mapped[int] = mapped_column(project_key())
    is_standing: Mapped[int | None] = mapped_column(sa.Integer)  # 1, NULL once withdrawn
    counts_on: Mapped[dt.date]  # the signing, or the first day of the next month open then
    yuan: Mapped[Yuan]  # agreed investment; of a capital increase its increment
    # as they were when it was counted: what is edited later changes no number that was reported
    fixed_yuan: Mapped[Yuan | None]
    headquarters: Mapped[Headquarters | None] = mapped_column(Worded(Headquarters))
    is_innovative: Mapped[bool] = mapped_column(default=False)
    checked_by_id: Mapped[int | None] = mapped_column(_person())
    checked_on: Mapped[dt.date]
    withdrawn_on: Mapped[dt.date | None]
    withdrawn_reason: Mapped[str | None] = mapped_column(sa.String(200))
    __table_args__ = (
        sa.UniqueConstraint("project_id", "is_standing", name="uq_project_counts_once"),
        sa.CheckConstraint("is_standing = 1", name="standing"),
        sa.CheckConstraint("(is_standing IS NULL) = (withdrawn_on IS NOT NULL)", name="withdrawn"),
        sa.Index("ix_project_counts_on", "counts_on", "project_id"),
    )


class FrozenMonth(Versioned, Stamped, Model):
    """A month whose reported numbers stand: what counts in it, or before it, can no longer change."""

    __tablename__ = "frozen_months"
    __label__ = N_("冻结月份")
    id: Mapped[Pk]
    month: Mapped[str] = mapped_column(sa.String(7), unique=True)  # 2026-03
    frozen_on: Mapped[dt.date]
    figures: Mapped[dict[str, Any]] = mapped_column(default=dict)  # as reported


class ProjectClaim(Versioned, Stamped, Model):
    """Who followed a lead, from a day to a day, and why it changed."""

    __tablename__ = "project_claims"
    __label__ = N_("线索跟进人")
    id: Mapped[Pk]
    project_id: Mapped[int] = mapped_column(project_key())
    is_current: Mapped[int | None] = mapped_column(sa.Integer)
    holder_id: Mapped[int | None] = mapped_column(_person(), index=True)
    unit_id: Mapped[int | None] = mapped_column(_unit())
    cause: Mapped[ClaimCause] = mapped_column(Worded(ClaimCause))
    from_on: Mapped[dt.date]
    to_on: Mapped[dt.date | None]
    reason: Mapped[str | None] = mapped_column(sa.String(300))
    __table_args__ = (
        sa.UniqueConstraint("project_id", "is_current", name="uq_project_claims_current"),
        sa.CheckConstraint("is_current = 1", name="current"),
    )


class ProjectDispute(Versioned, Stamped, Model):
    """Somebody says the lead was theirs first; the bureau decides, in writing."""

    __tablename__ = "project_disputes"
    __label__ = N_("首报争议")
    id: Mapped[Pk]
    project_id: Mapped[int] = mapped_column(project_key(), index=True)
    raised_by_id: Mapped[int | None] = mapped_column(_person())
    raised_unit_id: Mapped[int | None] = mapped_column(_unit())
    raised_on: Mapped[dt.date]
    text: Mapped[str] = mapped_column(sa.String(500))
    decision: Mapped[Decision | None] = mapped_column(Worded(Decision))
    decided_by_id: Mapped[int | None] = mapped_column(_person())
    decided_on: Mapped[dt.date | None]
    decided_text: Mapped[str | None] = mapped_column(sa.String(500))
    raised_by: Mapped[User | None] = relationship(lazy="raise_on_sql", foreign_keys=[raised_by_id])
