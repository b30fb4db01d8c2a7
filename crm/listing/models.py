"""The listing reserve: candidates, their dated moves, plans, intermediaries, obstacles, markets and shareholders."""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, column_property, mapped_column, relationship

from crm.accounts.models import Unit, User
from crm.core.db import Model, Pk, Stamped, Versioned, Worded
from crm.core.pipeline.histories import Moved, Proven, Waived, something
from crm.core.words import N_
from crm.firms.models import Firm
from crm.listing.rules.words import (
    Board,
    Evidence,
    HolderKind,
    IntermediaryKind,
    Market,
    Stage,
    State,
)


def _candidate() -> sa.ForeignKey:
    return sa.ForeignKey("listing_candidates.id")


class Candidate(Versioned, Stamped, Model):
    """A firm on its way to a listing: one candidate a firm that was not put away. `stage` and `state` are copies of its dated moves,
    `reformed_on`, `accepted_on` and `listed_on` the first days of these; `priority` None follows the rule."""

    __tablename__ = "listing_candidates"
    __label__ = N_("上市后备")
    id: Mapped[Pk]
    firm_id: Mapped[int] = mapped_column(sa.ForeignKey("firms.id"))
    is_current: Mapped[int | None] = mapped_column(sa.Integer, default=1)  # 1, NULL once put away
    board: Mapped[Board | None] = mapped_column(Worded(Board))
    stage: Mapped[Stage] = mapped_column(Worded(Stage), default=Stage.RESERVE)
    stage_on: Mapped[dt.date]
    state: Mapped[State] = mapped_column(Worded(State), default=State.ACTIVE)
    state_on: Mapped[dt.date | None]
    state_reason: Mapped[str | None] = mapped_column(sa.String(300))
    officer_id: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id"), index=True)
    stock_code: Mapped[str | None] = mapped_column(sa.String(10), index=True)
    reformed_on: Mapped[dt.date | None]
    accepted_on: Mapped[dt.date | None]
    listed_on: Mapped[dt.date | None]
    priority: Mapped[bool | None]  # set by hand, against the rule
    priority_reason: Mapped[str | None] = mapped_column(sa.String(200))
    note: Mapped[str | None] = mapped_column(sa.String(500))
    archived_on: Mapped[dt.date | None]
    archive_reason: Mapped[str | None] = mapped_column(sa.String(200))
    firm: Mapped[Firm] = relationship(lazy="raise_on_sql")
    officer: Mapped[User | None] = relationship(lazy="raise_on_sql")

    @property
    def is_undated(self) -> bool:
        """Listed, since when is not known."""
        return self.stage is Stage.LISTED and self.listed_on is None

    @property
    def standing(self) -> Stage | State:
        """Whether it goes on, as people say it: what is listed goes on no more."""
        return self.stage if self.stage is Stage.LISTED else self.state

    __table_args__ = (
        sa.UniqueConstraint("firm_id", "is_current", name="uq_listing_candidates_firm"),
        sa.CheckConstraint("is_current = 1", name="current"),
        sa.CheckConstraint("(is_current IS NULL) = (archived_on IS NOT NULL)", name="put_away"),
        sa.Index("ix_listing_candidates_stage", "stage", "state", "updated_at", "id"),
        sa.Index("ix_listing_candidates_updated", "updated_at", "id"),
        sa.Index("ix_listing_candidates_accepted", "accepted_on", "id"),
        sa.Index("ix_listing_candidates_reformed", "reformed_on", "id"),
    )


Candidate.firm_name = column_property(
    sa.select(Firm.name).where(Firm.id == Candidate.firm_id).correlate_except(Firm).scalar_subquery()
)


class CandidateMove(Moved, Versioned, Stamped, Model):
    """A dated move of a candidate, on the board it was then aiming at."""

    __tablename__ = "listing_moves"
    __label__ = N_("上市后备阶段变动")
    id: Mapped[Pk]
    candidate_id: Mapped[int] = mapped_column(_candidate())
    from_stage: Mapped[Stage | None] = mapped_column(Worded(Stage))
    stage: Mapped[Stage] = mapped_column(Worded(Stage))
    state: Mapped[State] = mapped_column(Worded(State))
    board: Mapped[Board | None] = mapped_column(Worded(Board))
    __table_args__ = (
        sa.Index("ix_listing_moves_candidate", "candidate_id", "moved_on", "id"),
        sa.Index("ix_listing_moves_stage", "stage", "moved_on", "candidate_id"),
    )


class CandidateWaiver(Waived, Versioned, Stamped, Model):
    """Why an item of a candidate's gate is not there."""

    __tablename__ = "listing_waivers"
    __label__ = N_("上市后备缺项说明")
    id: Mapped[Pk]
    candidate_id: Mapped[int] = mapped_column(_candidate())
    __table_args__ = (sa.UniqueConstraint("candidate_id", "item"),)


class CandidateEvidence(Proven, Versioned, Stamped, Model):
    """A document of a candidate: a file, or the number it can be found under."""

    __tablename__ = "listing_evidence"
    __label__ = N_("上市凭证")
    id: Mapped[Pk]
    candidate_id: Mapped[int] = mapped_column(_candidate(), index=True)
    kind: Mapped[Evidence] = mapped_column(Worded(Evidence))
    __table_args__ = (something(),)


class CandidatePlan(Versioned, Stamped, Model):
    """The day a candidate means to reach a stage."""

    __tablename__ = "listing_plans"
    __label__ = N_("上市计划日期")
    id: Mapped[Pk]
    candidate_id: Mapped[int] = mapped_column(_candidate())
    stage: Mapped[Stage] = mapped_column(Worded(Stage))
    on: Mapped[dt.date] = mapped_column("planned_on")
    __table_args__ = (
        sa.UniqueConstraint("candidate_id", "stage"),
        sa.Index("ix_listing_plans_on", "planned_on", "candidate_id"),
    )


class Intermediary(Versioned, Stamped, Model):
    """A firm that works on a listing, with its person, from a day to a day."""

    __tablename__ = "listing_intermediaries"
    __label__ = N_("中介机构")
    __personal__ = frozenset({"person", "phone"})
    id: Mapped[Pk]
    candidate_id: Mapped[int] = mapped_column(_candidate(), index=True)
    kind: Mapped[IntermediaryKind] = mapped_column(Worded(IntermediaryKind))
    name: Mapped[str] = mapped_column(sa.String(120), index=True)
    person: Mapped[str | None] = mapped_column(sa.String(60))
    phone: Mapped[str | None] = mapped_column(sa.String(40))
    from_on: Mapped[dt.date]
    to_on: Mapped[dt.date | None]


class Obstacle(Versioned, Stamped, Model):
    """What stands in the way 一企一策: whose it is, which unit's, and by when."""

    __tablename__ = "listing_obstacles"
    __label__ = N_("一企一策难题")
    id: Mapped[Pk]
    candidate_id: Mapped[int] = mapped_column(_candidate(), index=True)
    text: Mapped[str] = mapped_column(sa.String(300))
    owner_id: Mapped[int] = mapped_column(sa.ForeignKey("users.id"), index=True)
    unit_id: Mapped[int] = mapped_column(sa.ForeignKey("units.id"), index=True)
    raised_on: Mapped[dt.date]
    due_on: Mapped[dt.date]
    closed_on: Mapped[dt.date | None]
    outcome: Mapped[str | None] = mapped_column(sa.String(300))
    owner: Mapped[User] = relationship(lazy="raise_on_sql")
    unit: Mapped[Unit] = relationship(lazy="raise_on_sql")
    __table_args__ = (sa.Index("ix_listing_obstacles_open", "closed_on", "due_on", "id"),)


class MarketStay(Versioned, Stamped, Model):
    """A stay on a market that is no listing: a NEEQ layer, the regional market."""

    __tablename__ = "listing_markets"
    __label__ = N_("挂牌")
    id: Mapped[Pk]
    candidate_id: Mapped[int] = mapped_column(_candidate(), index=True)
    market: Mapped[Market] = mapped_column(Worded(Market))
    code: Mapped[str | None] = mapped_column(sa.String(10))
    from_on: Mapped[dt.date]
    to_on: Mapped[dt.date | None]


class Shareholder(Versioned, Stamped, Model):
    """A shareholder's part on a day, in hundredths of a per cent."""

    __tablename__ = "listing_shareholders"
    __label__ = N_("股东")
    id: Mapped[Pk]
    candidate_id: Mapped[int] = mapped_column(_candidate())
    on: Mapped[dt.date] = mapped_column("as_of_on")
    name: Mapped[str] = mapped_column(sa.String(120))
    kind: Mapped[HolderKind] = mapped_column(Worded(HolderKind))
    basis_points: Mapped[int]
    __table_args__ = (
        sa.UniqueConstraint("candidate_id", "as_of_on", "name", name="uq_listing_shareholders_day"),
        sa.CheckConstraint("basis_points > 0 AND basis_points <= 10000", name="part"),
    )
