"""The registry: firms and what is dated or counted about them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm.accounts.models import Unit, User
from crm.core.db import BigId, Model, Pk, Stamped, Versioned, Worded, Yuan
from crm.core.words import N_
from crm.firms.rules.contacts import DEFAULT_PURPOSE
from crm.firms.rules.words import (
    Acquisition,
    BatchState,
    EquityKind,
    FirmStatus,
    ImportMode,
    InstitutionLevel,
    IpKind,
    LeadingIndustry,
    NameKind,
    RowOutcome,
    SheetKind,
    SizeClass,
)


def firm_key() -> sa.ForeignKey:
    """A foreign key to a firm."""
    return sa.ForeignKey("firms.id")


class Firm(Versioned, Stamped, Model):
    """A firm. Without a code the name alone identifies it until the code arrives. Archived, never deleted."""

    __tablename__ = "firms"
    __label__ = N_("企业")
    id: Mapped[Pk]
    code: Mapped[str | None] = mapped_column(sa.String(18), unique=True)  # GB 32100
    name: Mapped[str] = mapped_column(sa.String(200), index=True)
    name_key: Mapped[str] = mapped_column(sa.String(200), index=True)  # rules.names.normalise(name)
    name_sort: Mapped[str] = mapped_column(sa.String(400))  # core.pinyin.sort_key(name)
    registered_on: Mapped[dt.date | None]
    capital_yuan: Mapped[Yuan | None]
    capital_text: Mapped[str | None] = mapped_column(sa.String(60))  # as written, when not in yuan
    industry_code: Mapped[str | None] = mapped_column(sa.String(8))  # GB/T 4754-2017
    leading_industry: Mapped[LeadingIndustry] = mapped_column(
        Worded(LeadingIndustry), default=LeadingIndustry.OTHER
    )
    street_id: Mapped[int | None] = mapped_column(sa.ForeignKey("units.id"))
    address: Mapped[str | None] = mapped_column(sa.String(300))
    size_class: Mapped[SizeClass | None] = mapped_column(Worded(SizeClass))
    status: Mapped[FirmStatus] = mapped_column(Worded(FirmStatus), default=FirmStatus.ACTIVE)
    status_on: Mapped[dt.date | None]
    status_reason: Mapped[str | None] = mapped_column(sa.String(200))
    officer_id: Mapped[int | None] = mapped_column(sa.ForeignKey("users.id"))
    business: Mapped[str | None] = mapped_column(sa.String(500))
    source: Mapped[str | None] = mapped_column(sa.String(80))  # where the record came from
    source_number: Mapped[str | None] = mapped_column(sa.String(80), index=True)  # that source's own number
    archived_on: Mapped[dt.date | None]
    archive_reason: Mapped[str | None] = mapped_column(sa.String(200))
    merged_into_id: Mapped[int | None] = mapped_column(firm_key(), index=True)
    street: Mapped[Unit | None] = relationship(lazy="raise_on_sql")
    officer: Mapped[User | None] = relationship(lazy="raise_on_sql")
    __table_args__ = (
        sa.Index("ix_firms_updated", "updated_at", "id"),
        sa.Index("ix_firms_sort", "name_sort", "id"),
        sa.Index("ix_firms_street_updated", "street_id", "updated_at", "id"),
        sa.Index("ix_firms_industry_updated", "leading_industry", "updated_at", "id"),
        sa.Index("ix_firms_officer_updated", "officer_id", "updated_at", "id"),
        sa.Index("ix_firms_registered", "registered_on", "id"),
        # without a code the name alone tells firms apart
        sa.Index(
            "uq_firms_codeless",
            "name_key",
            unique=True,
            sqlite_where=sa.text("code IS NULL AND archived_on IS NULL"),
            postgresql_where=sa.text("code IS NULL AND archived_on IS NULL"),
        ),
    )


class FirmName(Versioned, Stamped, Model):
    """A former name or a usual other spelling; published lists are matched against these too."""

    __tablename__ = "firm_names"
    __label__ = N_("企业名称")
    id: Mapped[Pk]
    firm_id: Mapped[int] = mapped_column(firm_key(), index=True)
    kind: Mapped[NameKind] = mapped_column(Worded(NameKind))
    name: Mapped[str] = mapped_column(sa.String(200), index=True)
    name_key: Mapped[str] = mapped_column(sa.String(200), index=True)
    until_on: Mapped[dt.date | None]
    __table_args__ = (sa.UniqueConstraint("firm_id", "name"),)


class FirmMove(Versioned, Stamped, Model):
    """A dated change of status: moved in, moved out, closed, reopened."""

    __tablename__ = "firm_moves"
    __label__ = N_("企业变动")
    id: Mapped[Pk]
    firm_id: Mapped[int] = mapped_column(firm_key(), index=True)
    status: Mapped[FirmStatus] = mapped_column(Worded(FirmStatus))
    on: Mapped[dt.date] = mapped_column("moved_on")
    reason: Mapped[str] = mapped_column(sa.String(200))


class Contact(Versioned, Stamped, Model):
    """A person at the firm. Only what the work needs; shown masked unless permitted."""

    __tablename__ = "contacts"
    __label__ = N_("联系人")
    __personal__ = frozenset({"name", "phone", "email"})
    id: Mapped[Pk]
    firm_id: Mapped[int] = mapped_column(firm_key(), index=True)
    name: Mapped[str] = mapped_column(sa.String(60))
    position: Mapped[str | None] = mapped_column(sa.String(60))
    phone: Mapped[str | None] = mapped_column(sa.String(40))
    email: Mapped[str | None] = mapped_column(sa.String(120))
    is_primary: Mapped[bool] = mapped_column(default=False)
    purpose: Mapped[str | None] = mapped_column(
        sa.String(120), default=DEFAULT_PURPOSE
    )  # why it is kept (PIPL)
    reviewed_on: Mapped[dt.date | None]  # somebody confirmed it is still needed


class YearFigures(Versioned, Stamped, Model):
    """One row a firm and year. NULL is missing, never zero. `sources` says where each figure comes from:
    ``{metric: {"source": text, "on": ISO day}}``."""

    __tablename__ = "year_figures"
    __label__ = N_("年度数据")
    id: Mapped[Pk]
    firm_id: Mapped[int] = mapped_column(firm_key())
    year: Mapped[int]
    revenue_yuan: Mapped[Yuan | None]
    main_revenue_yuan: Mapped[Yuan | None]
    high_tech_income_yuan: Mapped[Yuan | None]
    total_income_yuan: Mapped[Yuan | None]
    output_yuan: Mapped[Yuan | None]
    assets_yuan: Mapped[Yuan | None]
    net_assets_yuan: Mapped[Yuan | None]
    liabilities_yuan: Mapped[Yuan | None]
    net_profit_yuan: Mapped[Yuan | None]
    tax_yuan: Mapped[Yuan | None]
    cost_yuan: Mapped[Yuan | None]
    rd_high_tech_yuan: Mapped[Yuan | None]
    rd_deduction_yuan: Mapped[Yuan | None]
    rd_statistics_yuan: Mapped[Yuan | None]
    rd_in_china_yuan: Mapped[Yuan | None]
    cash_flow_yuan: Mapped[Yuan | None]
    export_yuan: Mapped[Yuan | None]
    employees: Mapped[int | None]
    rd_staff: Mapped[int | None]
    sources: Mapped[dict[str, Any]] = mapped_column(default=dict)
    __table_args__ = (
        sa.UniqueConstraint("firm_id", "year"),
        sa.Index("ix_year_figures_year", "year", "firm_id"),
    )


class IpCount(Versioned, Stamped, Model):
    """How many rights of a kind, got in a way, a firm held on a day."""

    __tablename__ = "ip_counts"
    __label__ = N_("知识产权")
    id: Mapped[Pk]
    firm_id: Mapped[int] = mapped_column(firm_key())
    kind: Mapped[IpKind] = mapped_column(Worded(IpKind))
    acquisition: Mapped[Acquisition] = mapped_column(Worded(Acquisition), default=Acquisition.UNKNOWN)
    counted_on: Mapped[dt.date]
    count: Mapped[int]
    source: Mapped[str | None] = mapped_column(sa.String(120))
    __table_args__ = (sa.UniqueConstraint("firm_id", "kind", "acquisition", "counted_on"),)


class EquityRound(Versioned, Stamped, Model):
    """Money an outside investor paid in for shares."""

    __tablename__ = "equity_rounds"
    __label__ = N_("股权融资")
    id: Mapped[Pk]
    firm_id: Mapped[int] = mapped_column(firm_key(), index=True)
    on: Mapped[dt.date] = mapped_column("closed_on")
    investor: Mapped[str] = mapped_column(sa.String(120))
    kind: Mapped[EquityKind] = mapped_column(Worded(EquityKind))
    paid_in_yuan: Mapped[Yuan | None]
    source: Mapped[str | None] = mapped_column(sa.String(120))


class RdInstitution(Versioned, Stamped, Model):
    """An R&D institution of a firm, recognised at a level on a day."""

    __tablename__ = "rd_institutions"
    __label__ = N_("研发机构")
    id: Mapped[Pk]
    firm_id: Mapped[int] = mapped_column(firm_key(), index=True)
    name: Mapped[str] = mapped_column(sa.String(120))
    kind: Mapped[str | None] = mapped_column(sa.String(60))
    level: Mapped[InstitutionLevel] = mapped_column(Worded(InstitutionLevel))
    recognised_on: Mapped[dt.date]
    ended_on: Mapped[dt.date | None]
    document: Mapped[str | None] = mapped_column(sa.String(120))


class AboveScale(Versioned, Stamped, Model):
    """Whether a firm was above scale 规上 in a year, and by which yardstick."""

    __tablename__ = "above_scale"
    __label__ = N_("规上记录")
    id: Mapped[Pk]
    firm_id: Mapped[int] = mapped_column(firm_key())
    year: Mapped[int]
    is_above: Mapped[bool]
    is_industrial: Mapped[bool] = mapped_column(default=True)
    source: Mapped[str | None] = mapped_column(sa.String(120))
    __table_args__ = (
        sa.UniqueConstraint("firm_id", "year"),
        sa.Index("ix_above_scale_year", "year", "is_above"),
    )


class FirmPair(Model):
    """Two firms that may be one, with the reasons: found by a job over the whole registry, never typed."""

    __tablename__ = "firm_pairs"
    __audited__ = False
    id: Mapped[Pk]
    low_id: Mapped[int] = mapped_column(sa.ForeignKey("firms.id", ondelete="CASCADE"))
    high_id: Mapped[int] = mapped_column(sa.ForeignKey("firms.id", ondelete="CASCADE"), index=True)
    score: Mapped[int]  # 0..100
    reasons: Mapped[list[Any]] = mapped_column(default=list)  # [{text, params}]
    found_on: Mapped[dt.date]
    __table_args__ = (
        sa.UniqueConstraint("low_id", "high_id"),
        sa.Index("ix_firm_pairs_score", "score", "id"),
    )


class FirmDistinction(Versioned, Stamped, Model):
    """Somebody has looked: these two are not the same firm. Holds as long as both keep their names."""

    __tablename__ = "firm_distinctions"
    __label__ = N_("不是同一家")
    id: Mapped[Pk]
    low_id: Mapped[int] = mapped_column(firm_key())
    high_id: Mapped[int] = mapped_column(firm_key(), index=True)
    low_key: Mapped[str] = mapped_column(sa.String(200))  # name_key of each when it was judged
    high_key: Mapped[str] = mapped_column(sa.String(200))
    decided_on: Mapped[dt.date]
    __table_args__ = (sa.UniqueConstraint("low_id", "high_id"),)


class ImportBatch(Versioned, Stamped, Model):
    """A spreadsheet on its way in: staged, previewed, written in one transaction, undoable."""

    __tablename__ = "import_batches"
    __label__ = N_("导入批次")
    id: Mapped[Pk]
    sheet: Mapped[SheetKind] = mapped_column(Worded(SheetKind))
    mode: Mapped[ImportMode] = mapped_column(Worded(ImportMode))
    state: Mapped[BatchState] = mapped_column(Worded(BatchState))
    source: Mapped[str | None] = mapped_column(sa.String(80))
    filename: Mapped[str] = mapped_column(sa.String(200))
    sha256: Mapped[str] = mapped_column(sa.String(64))
    size: Mapped[int] = mapped_column(sa.BigInteger)
    mapping: Mapped[dict[str, Any]] = mapped_column(default=dict)  # field → heading
    options: Mapped[dict[str, Any]] = mapped_column(default=dict)  # sheet name, header row, unit of money
    headings: Mapped[list[Any]] = mapped_column(default=list)  # of the file, in their order
    counts: Mapped[dict[str, Any]] = mapped_column(default=dict)  # outcome → rows
    problem: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON)  # {text, params} when refused
    job_id: Mapped[int | None] = mapped_column(BigId)  # the queued job that reads or writes it
    operation: Mapped[str | None] = mapped_column(sa.String(32))  # the audit operation that wrote it
    undo_operation: Mapped[str | None] = mapped_column(sa.String(32))


class ImportFile(Model):
    """The uploaded bytes of a batch, kept until it is written or dropped, so that columns can be corrected."""

    __tablename__ = "import_files"
    __audited__ = False
    id: Mapped[Pk]
    batch_id: Mapped[int] = mapped_column(sa.ForeignKey("import_batches.id", ondelete="CASCADE"), unique=True)
    content: Mapped[bytes] = mapped_column(sa.LargeBinary)


class ImportPart(Model):
    """A part of a long import that has been written: an operation of its own, so that others save in between."""

    __tablename__ = "import_parts"
    __audited__ = False
    id: Mapped[Pk]
    batch_id: Mapped[int] = mapped_column(sa.ForeignKey("import_batches.id", ondelete="CASCADE"), index=True)
    operation: Mapped[str] = mapped_column(sa.String(32))
    last_row: Mapped[int]  # rows up to this one are in
    count: Mapped[int]


class ColumnMemory(Versioned, Stamped, Model):
    """How the columns of a source's lists were put right once: offered for the next list with the same headings."""

    __tablename__ = "import_columns"
    __label__ = N_("列的对应")
    id: Mapped[Pk]
    sheet: Mapped[SheetKind] = mapped_column(Worded(SheetKind))
    source: Mapped[str] = mapped_column(sa.String(80), default="")  # folded; "" where none was given
    headings_key: Mapped[str] = mapped_column(sa.String(64))  # rules.recalling.headings_key
    headings: Mapped[list[Any]] = mapped_column(default=list)
    mapping: Mapped[dict[str, Any]] = mapped_column(default=dict)  # field → heading, "" takes the column out
    unit: Mapped[str] = mapped_column(sa.String(8), default="")
    __table_args__ = (sa.UniqueConstraint("sheet", "source", "headings_key"),)


class ImportRow(Model):
    """One staged row; not business data yet, so not in the audit. `raw` shows what was put right on screen too."""

    __tablename__ = "import_rows"
    __audited__ = False
    id: Mapped[Pk]
    batch_id: Mapped[int] = mapped_column(sa.ForeignKey("import_batches.id", ondelete="CASCADE"))
    row_no: Mapped[int]
    raw: Mapped[dict[str, Any]]
    values: Mapped[dict[str, Any]] = mapped_column("parsed")
    outcome: Mapped[RowOutcome] = mapped_column(Worded(RowOutcome))
    firm_id: Mapped[int | None] = mapped_column(BigId)
    how: Mapped[str | None] = mapped_column(sa.String(20))
    candidates: Mapped[list[Any]] = mapped_column(default=list)
    reasons: Mapped[list[Any]] = mapped_column(default=list)  # [{text, params, field}]
    changes: Mapped[dict[str, Any]] = mapped_column(default=dict)  # field → [old, new]
    decision: Mapped[str | None] = mapped_column(sa.String(20))
    fixes: Mapped[dict[str, Any]] = mapped_column(
        default=dict, server_default="{}"
    )  # heading → text put right
    __table_args__ = (
        sa.UniqueConstraint("batch_id", "row_no"),
        sa.Index("ix_import_rows_outcome", "batch_id", "outcome", "row_no"),
    )
