"""projects: leads to full production, who is in charge, evidence, money in place, what was counted

Revision: 0011
Revises: 0010
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "frozen_months",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("frozen_on", sa.Date(), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("updated_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_frozen_months")),
        sa.UniqueConstraint("month", name=op.f("uq_frozen_months_month")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "projects",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("name_key", sa.String(length=200), nullable=False),
        sa.Column("name_sort", sa.String(length=400), nullable=False),
        sa.Column("investor", sa.String(length=200), nullable=False),
        sa.Column("investor_key", sa.String(length=200), nullable=False),
        sa.Column("investor_code", sa.String(length=18), nullable=True),
        sa.Column("controller", sa.String(length=120), nullable=True),
        sa.Column("controller_key", sa.String(length=120), nullable=True),
        sa.Column("firm_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("source", sa.String(40), nullable=False),
        sa.Column("source_note", sa.String(length=200), nullable=True),
        sa.Column("origin", sa.String(40), nullable=True),
        sa.Column("origin_place", sa.String(length=80), nullable=True),
        sa.Column("investor_kind", sa.String(40), nullable=True),
        sa.Column("leading_industry", sa.String(40), nullable=True),
        sa.Column("industry_code", sa.String(length=8), nullable=True),
        sa.Column("product", sa.String(length=120), nullable=True),
        sa.Column("product_key", sa.String(length=120), nullable=True),
        sa.Column("chain_role", sa.String(40), nullable=True),
        sa.Column("chain_node", sa.String(length=80), nullable=True),
        sa.Column("total_yuan", sa.BigInteger(), nullable=True),
        sa.Column("agreed_yuan", sa.BigInteger(), nullable=True),
        sa.Column("fixed_yuan", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(40), nullable=False),
        sa.Column("foreign_total", sa.BigInteger(), nullable=True),
        sa.Column("rate_micros", sa.BigInteger(), nullable=True),
        sa.Column("rate_on", sa.Date(), nullable=True),
        sa.Column("headquarters", sa.String(40), nullable=True),
        sa.Column("is_innovative", sa.Boolean(), nullable=False),
        sa.Column("output_yuan", sa.BigInteger(), nullable=True),
        sa.Column("tax_yuan", sa.BigInteger(), nullable=True),
        sa.Column("land_m2", sa.Integer(), nullable=True),
        sa.Column("plant_m2", sa.Integer(), nullable=True),
        sa.Column("confidentiality", sa.String(40), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=True),
        sa.Column("stage", sa.String(40), nullable=False),
        sa.Column("stage_on", sa.Date(), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("state_on", sa.Date(), nullable=True),
        sa.Column("state_reason", sa.String(length=300), nullable=True),
        sa.Column("signed_on", sa.Date(), nullable=True),
        sa.Column("first_reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reported_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("reported_unit_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("holder_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("holder_unit_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("feedback_on", sa.Date(), nullable=True),
        sa.Column("increases_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("source_number", sa.String(length=80), nullable=True),
        sa.Column("archived_on", sa.Date(), nullable=True),
        sa.Column("archive_reason", sa.String(length=200), nullable=True),
        sa.Column("merged_into_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column(
            "need",
            sa.Integer(),
            sa.Computed(
                "CASE WHEN stage IN ('negotiation', 'site-visit', 'review', 'signed', 'registered', 'permits', 'construction', 'completed', 'production', 'full-production') AND state IN ('active', 'paused') AND archived_on IS NULL THEN 1 END",
                persisted=True,
            ),
            nullable=True,
        ),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("updated_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["firm_id"], ["firms.id"], name=op.f("fk_projects_firm_id")),
        sa.ForeignKeyConstraint(["holder_id"], ["users.id"], name=op.f("fk_projects_holder_id")),
        sa.ForeignKeyConstraint(["holder_unit_id"], ["units.id"], name=op.f("fk_projects_holder_unit_id")),
        sa.ForeignKeyConstraint(
            ["id", "need"],
            ["project_charges.project_id", "project_charges.is_current"],
            name="fk_projects_charge",
            initially="DEFERRED",
            deferrable=True,
            use_alter=True,
        ),
        sa.ForeignKeyConstraint(["increases_id"], ["projects.id"], name=op.f("fk_projects_increases_id")),
        sa.ForeignKeyConstraint(["merged_into_id"], ["projects.id"], name=op.f("fk_projects_merged_into_id")),
        sa.ForeignKeyConstraint(["reported_by_id"], ["users.id"], name=op.f("fk_projects_reported_by_id")),
        sa.ForeignKeyConstraint(
            ["reported_unit_id"], ["units.id"], name=op.f("fk_projects_reported_unit_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_projects")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("projects", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_projects_controller_key"), ["controller_key"], unique=False)
        batch_op.create_index(batch_op.f("ix_projects_firm_id"), ["firm_id"], unique=False)
        batch_op.create_index("ix_projects_holder", ["holder_id", "state", "stage"], unique=False)
        batch_op.create_index("ix_projects_holder_unit", ["holder_unit_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_projects_increases_id"), ["increases_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_projects_investor_code"), ["investor_code"], unique=False)
        batch_op.create_index(batch_op.f("ix_projects_investor_key"), ["investor_key"], unique=False)
        batch_op.create_index(batch_op.f("ix_projects_merged_into_id"), ["merged_into_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_projects_name_key"), ["name_key"], unique=False)
        batch_op.create_index(batch_op.f("ix_projects_product_key"), ["product_key"], unique=False)
        batch_op.create_index("ix_projects_reported", ["first_reported_at", "id"], unique=False)
        batch_op.create_index("ix_projects_sort", ["name_sort", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_projects_source_number"), ["source_number"], unique=False)
        batch_op.create_index("ix_projects_stage", ["stage", "state", "updated_at", "id"], unique=False)
        batch_op.create_index("ix_projects_total", ["total_yuan", "id"], unique=False)
        batch_op.create_index("ix_projects_updated", ["updated_at", "id"], unique=False)

    op.create_table(
        "project_charges",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("project_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("is_current", sa.Integer(), nullable=True),
        sa.Column("leader_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("lead_unit_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("liaison_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("agent_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("to_on", sa.Date(), nullable=True),
        sa.Column("reason", sa.String(length=300), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("updated_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.CheckConstraint(
            "(is_current IS NULL) = (to_on IS NOT NULL)", name=op.f("ck_project_charges_closed")
        ),
        sa.CheckConstraint("is_current = 1", name=op.f("ck_project_charges_current")),
        sa.CheckConstraint("to_on >= from_on", name=op.f("ck_project_charges_span")),
        sa.ForeignKeyConstraint(["agent_id"], ["users.id"], name=op.f("fk_project_charges_agent_id")),
        sa.ForeignKeyConstraint(["lead_unit_id"], ["units.id"], name=op.f("fk_project_charges_lead_unit_id")),
        sa.ForeignKeyConstraint(["leader_id"], ["users.id"], name=op.f("fk_project_charges_leader_id")),
        sa.ForeignKeyConstraint(["liaison_id"], ["users.id"], name=op.f("fk_project_charges_liaison_id")),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_project_charges_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_project_charges")),
        sa.UniqueConstraint("project_id", "is_current", name="uq_project_charges_current"),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("project_charges", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_project_charges_agent_id"), ["agent_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_project_charges_lead_unit_id"), ["lead_unit_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_project_charges_leader_id"), ["leader_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_project_charges_liaison_id"), ["liaison_id"], unique=False)

    op.create_table(
        "project_claims",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("project_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("is_current", sa.Integer(), nullable=True),
        sa.Column("holder_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("unit_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("cause", sa.String(40), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("to_on", sa.Date(), nullable=True),
        sa.Column("reason", sa.String(length=300), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("updated_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.CheckConstraint("is_current = 1", name=op.f("ck_project_claims_current")),
        sa.ForeignKeyConstraint(["holder_id"], ["users.id"], name=op.f("fk_project_claims_holder_id")),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_project_claims_project_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name=op.f("fk_project_claims_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_project_claims")),
        sa.UniqueConstraint("project_id", "is_current", name="uq_project_claims_current"),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("project_claims", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_project_claims_holder_id"), ["holder_id"], unique=False)

    op.create_table(
        "project_counts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("project_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("is_standing", sa.Integer(), nullable=True),
        sa.Column("counts_on", sa.Date(), nullable=False),
        sa.Column("yuan", sa.BigInteger(), nullable=False),
        sa.Column("checked_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("checked_on", sa.Date(), nullable=False),
        sa.Column("withdrawn_on", sa.Date(), nullable=True),
        sa.Column("withdrawn_reason", sa.String(length=200), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("updated_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.CheckConstraint(
            "(is_standing IS NULL) = (withdrawn_on IS NOT NULL)", name=op.f("ck_project_counts_withdrawn")
        ),
        sa.CheckConstraint("is_standing = 1", name=op.f("ck_project_counts_standing")),
        sa.ForeignKeyConstraint(
            ["checked_by_id"], ["users.id"], name=op.f("fk_project_counts_checked_by_id")
        ),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_project_counts_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_project_counts")),
        sa.UniqueConstraint("project_id", "is_standing", name="uq_project_counts_once"),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("project_counts", schema=None) as batch_op:
        batch_op.create_index("ix_project_counts_on", ["counts_on", "project_id"], unique=False)

    op.create_table(
        "project_disputes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("project_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("raised_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("raised_unit_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("raised_on", sa.Date(), nullable=False),
        sa.Column("text", sa.String(length=500), nullable=False),
        sa.Column("decision", sa.String(40), nullable=True),
        sa.Column("decided_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("decided_on", sa.Date(), nullable=True),
        sa.Column("decided_text", sa.String(length=500), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("updated_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(
            ["decided_by_id"], ["users.id"], name=op.f("fk_project_disputes_decided_by_id")
        ),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_project_disputes_project_id")),
        sa.ForeignKeyConstraint(
            ["raised_by_id"], ["users.id"], name=op.f("fk_project_disputes_raised_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["raised_unit_id"], ["units.id"], name=op.f("fk_project_disputes_raised_unit_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_project_disputes")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("project_disputes", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_project_disputes_project_id"), ["project_id"], unique=False)

    op.create_table(
        "project_evidence",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("project_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("dated_on", sa.Date(), nullable=False),
        sa.Column("reference", sa.String(length=200), nullable=True),
        sa.Column("attachment_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("removed_on", sa.Date(), nullable=True),
        sa.Column("removed_reason", sa.String(length=200), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("updated_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.CheckConstraint(
            "reference IS NOT NULL OR attachment_id IS NOT NULL", name=op.f("ck_project_evidence_something")
        ),
        sa.ForeignKeyConstraint(
            ["attachment_id"], ["attachments.id"], name=op.f("fk_project_evidence_attachment_id")
        ),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_project_evidence_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_project_evidence")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("project_evidence", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_project_evidence_attachment_id"), ["attachment_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_project_evidence_project_id"), ["project_id"], unique=False)

    op.create_table(
        "project_moves",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("project_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("from_stage", sa.String(40), nullable=True),
        sa.Column("stage", sa.String(40), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("moved_on", sa.Date(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=True),
        sa.Column("by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("reason", sa.String(length=300), nullable=True),
        sa.Column("skipped", sa.JSON(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("updated_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["by_id"], ["users.id"], name=op.f("fk_project_moves_by_id")),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_project_moves_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_project_moves")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("project_moves", schema=None) as batch_op:
        batch_op.create_index("ix_project_moves_project", ["project_id", "moved_on", "id"], unique=False)
        batch_op.create_index("ix_project_moves_stage", ["stage", "moved_on", "project_id"], unique=False)

    op.create_table(
        "project_payments",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("project_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("paid_on", sa.Date(), nullable=False),
        sa.Column("yuan", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(40), nullable=False),
        sa.Column("foreign_amount", sa.BigInteger(), nullable=True),
        sa.Column("rate_micros", sa.BigInteger(), nullable=True),
        sa.Column("origin", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("evidence_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("reference", sa.String(length=200), nullable=True),
        sa.Column("entered_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("checked_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("checked_on", sa.Date(), nullable=True),
        sa.Column("counts_on", sa.Date(), nullable=True),
        sa.Column("withdrawn_on", sa.Date(), nullable=True),
        sa.Column("withdrawn_reason", sa.String(length=200), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("updated_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.CheckConstraint(
            "(checked_on IS NULL) = (counts_on IS NULL)", name=op.f("ck_project_payments_counted")
        ),
        sa.CheckConstraint(
            "checked_by_id IS NULL OR checked_by_id <> entered_by_id",
            name=op.f("ck_project_payments_two_people"),
        ),
        sa.CheckConstraint("yuan > 0", name=op.f("ck_project_payments_positive")),
        sa.ForeignKeyConstraint(
            ["checked_by_id"], ["users.id"], name=op.f("fk_project_payments_checked_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["entered_by_id"], ["users.id"], name=op.f("fk_project_payments_entered_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["evidence_id"], ["attachments.id"], name=op.f("fk_project_payments_evidence_id")
        ),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_project_payments_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_project_payments")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("project_payments", schema=None) as batch_op:
        batch_op.create_index("ix_project_payments_counts", ["counts_on", "project_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_project_payments_evidence_id"), ["evidence_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_project_payments_project_id"), ["project_id"], unique=False)

    op.create_table(
        "project_pulses",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("project_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("progress_on", sa.Date(), nullable=False),
        sa.Column("caught_up_on", sa.Date(), nullable=True),
        sa.Column("replied_on", sa.Date(), nullable=True),
        sa.Column("protected_until", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.id"], name=op.f("fk_project_pulses_project_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_project_pulses")),
        sa.UniqueConstraint("project_id", name=op.f("uq_project_pulses_project_id")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("project_pulses", schema=None) as batch_op:
        batch_op.create_index("ix_project_pulses_progress", ["progress_on", "project_id"], unique=False)
        batch_op.create_index("ix_project_pulses_protected", ["protected_until", "project_id"], unique=False)

    op.create_table(
        "project_units",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("project_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("unit_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("is_current", sa.Integer(), nullable=True),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("to_on", sa.Date(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("updated_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.CheckConstraint("is_current = 1", name=op.f("ck_project_units_current")),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_project_units_project_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name=op.f("fk_project_units_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_project_units")),
        sa.UniqueConstraint("project_id", "unit_id", "is_current", name="uq_project_units_current"),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("project_units", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_project_units_unit_id"), ["unit_id"], unique=False)

    op.create_table(
        "project_waivers",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("project_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("item", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("until_on", sa.Date(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("updated_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name=op.f("fk_project_waivers_project_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_project_waivers")),
        sa.UniqueConstraint("project_id", "item", name=op.f("uq_project_waivers_project_id_item")),
        sqlite_autoincrement=True,
    )
    if op.get_bind().dialect.name == "postgresql":  # SQLite has it inline: it takes a table that comes later
        op.create_foreign_key(
            "fk_projects_charge", "projects", "project_charges", ["id", "need"], ["project_id", "is_current"],
            deferrable=True, initially="DEFERRED",
        )  # fmt: skip


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.drop_constraint("fk_projects_charge", "projects", type_="foreignkey")
    op.drop_table("project_waivers")
    with op.batch_alter_table("project_units", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_project_units_unit_id"))

    op.drop_table("project_units")
    with op.batch_alter_table("project_pulses", schema=None) as batch_op:
        batch_op.drop_index("ix_project_pulses_protected")
        batch_op.drop_index("ix_project_pulses_progress")

    op.drop_table("project_pulses")
    with op.batch_alter_table("project_payments", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_project_payments_project_id"))
        batch_op.drop_index(batch_op.f("ix_project_payments_evidence_id"))
        batch_op.drop_index("ix_project_payments_counts")

    op.drop_table("project_payments")
    with op.batch_alter_table("project_moves", schema=None) as batch_op:
        batch_op.drop_index("ix_project_moves_stage")
        batch_op.drop_index("ix_project_moves_project")

    op.drop_table("project_moves")
    with op.batch_alter_table("project_evidence", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_project_evidence_project_id"))
        batch_op.drop_index(batch_op.f("ix_project_evidence_attachment_id"))

    op.drop_table("project_evidence")
    with op.batch_alter_table("project_disputes", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_project_disputes_project_id"))

    op.drop_table("project_disputes")
    with op.batch_alter_table("project_counts", schema=None) as batch_op:
        batch_op.drop_index("ix_project_counts_on")

    op.drop_table("project_counts")
    with op.batch_alter_table("project_claims", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_project_claims_holder_id"))

    op.drop_table("project_claims")
    with op.batch_alter_table("project_charges", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_project_charges_liaison_id"))
        batch_op.drop_index(batch_op.f("ix_project_charges_leader_id"))
        batch_op.drop_index(batch_op.f("ix_project_charges_lead_unit_id"))
        batch_op.drop_index(batch_op.f("ix_project_charges_agent_id"))

    op.drop_table("project_charges")
    with op.batch_alter_table("projects", schema=None) as batch_op:
        batch_op.drop_index("ix_projects_updated")
        batch_op.drop_index("ix_projects_total")
        batch_op.drop_index("ix_projects_stage")
        batch_op.drop_index(batch_op.f("ix_projects_source_number"))
        batch_op.drop_index("ix_projects_sort")
        batch_op.drop_index("ix_projects_reported")
        batch_op.drop_index(batch_op.f("ix_projects_product_key"))
        batch_op.drop_index(batch_op.f("ix_projects_name_key"))
        batch_op.drop_index(batch_op.f("ix_projects_merged_into_id"))
        batch_op.drop_index(batch_op.f("ix_projects_investor_key"))
        batch_op.drop_index(batch_op.f("ix_projects_investor_code"))
        batch_op.drop_index(batch_op.f("ix_projects_increases_id"))
        batch_op.drop_index("ix_projects_holder_unit")
        batch_op.drop_index("ix_projects_holder")
        batch_op.drop_index(batch_op.f("ix_projects_firm_id"))
        batch_op.drop_index(batch_op.f("ix_projects_controller_key"))

    op.drop_table("projects")
    op.drop_table("frozen_months")
