"""listing: candidates on their way to a listing, their moves, papers, plans, helpers, obstacles and owners

Revision: 0015
Revises: 0014
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "listing_candidates",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("firm_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("is_current", sa.Integer(), nullable=True),
        sa.Column("board", sa.String(40), nullable=True),
        sa.Column("stage", sa.String(40), nullable=False),
        sa.Column("stage_on", sa.Date(), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("state_on", sa.Date(), nullable=True),
        sa.Column("state_reason", sa.String(length=300), nullable=True),
        sa.Column("officer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("stock_code", sa.String(length=10), nullable=True),
        sa.Column("reformed_on", sa.Date(), nullable=True),
        sa.Column("accepted_on", sa.Date(), nullable=True),
        sa.Column("listed_on", sa.Date(), nullable=True),
        sa.Column("priority", sa.Boolean(), nullable=True),
        sa.Column("priority_reason", sa.String(length=200), nullable=True),
        sa.Column("note", sa.String(length=500), nullable=True),
        sa.Column("archived_on", sa.Date(), nullable=True),
        sa.Column("archive_reason", sa.String(length=200), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("updated_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.CheckConstraint(
            "(is_current IS NULL) = (archived_on IS NOT NULL)", name=op.f("ck_listing_candidates_put_away")
        ),
        sa.CheckConstraint("is_current = 1", name=op.f("ck_listing_candidates_current")),
        sa.ForeignKeyConstraint(["firm_id"], ["firms.id"], name=op.f("fk_listing_candidates_firm_id")),
        sa.ForeignKeyConstraint(["officer_id"], ["users.id"], name=op.f("fk_listing_candidates_officer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listing_candidates")),
        sa.UniqueConstraint("firm_id", "is_current", name="uq_listing_candidates_firm"),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("listing_candidates", schema=None) as batch_op:
        batch_op.create_index("ix_listing_candidates_accepted", ["accepted_on", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_listing_candidates_officer_id"), ["officer_id"], unique=False)
        batch_op.create_index("ix_listing_candidates_reformed", ["reformed_on", "id"], unique=False)
        batch_op.create_index(
            "ix_listing_candidates_stage", ["stage", "state", "updated_at", "id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_listing_candidates_stock_code"), ["stock_code"], unique=False)
        batch_op.create_index("ix_listing_candidates_updated", ["updated_at", "id"], unique=False)

    op.create_table(
        "listing_evidence",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("candidate_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
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
            "reference IS NOT NULL OR attachment_id IS NOT NULL", name=op.f("ck_listing_evidence_something")
        ),
        sa.ForeignKeyConstraint(
            ["attachment_id"], ["attachments.id"], name=op.f("fk_listing_evidence_attachment_id")
        ),
        sa.ForeignKeyConstraint(
            ["candidate_id"], ["listing_candidates.id"], name=op.f("fk_listing_evidence_candidate_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listing_evidence")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("listing_evidence", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_listing_evidence_attachment_id"), ["attachment_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_listing_evidence_candidate_id"), ["candidate_id"], unique=False)

    op.create_table(
        "listing_intermediaries",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("candidate_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("person", sa.String(length=60), nullable=True),
        sa.Column("phone", sa.String(length=40), nullable=True),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("to_on", sa.Date(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("updated_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(
            ["candidate_id"], ["listing_candidates.id"], name=op.f("fk_listing_intermediaries_candidate_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listing_intermediaries")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("listing_intermediaries", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_listing_intermediaries_candidate_id"), ["candidate_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_listing_intermediaries_name"), ["name"], unique=False)

    op.create_table(
        "listing_markets",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("candidate_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("market", sa.String(40), nullable=False),
        sa.Column("code", sa.String(length=10), nullable=True),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("to_on", sa.Date(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("updated_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(
            ["candidate_id"], ["listing_candidates.id"], name=op.f("fk_listing_markets_candidate_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listing_markets")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("listing_markets", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_listing_markets_candidate_id"), ["candidate_id"], unique=False)

    op.create_table(
        "listing_moves",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("candidate_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("from_stage", sa.String(40), nullable=True),
        sa.Column("stage", sa.String(40), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("board", sa.String(40), nullable=True),
        sa.Column("kind", sa.String(40), nullable=False),
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
        sa.ForeignKeyConstraint(["by_id"], ["users.id"], name=op.f("fk_listing_moves_by_id")),
        sa.ForeignKeyConstraint(
            ["candidate_id"], ["listing_candidates.id"], name=op.f("fk_listing_moves_candidate_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listing_moves")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("listing_moves", schema=None) as batch_op:
        batch_op.create_index("ix_listing_moves_candidate", ["candidate_id", "moved_on", "id"], unique=False)
        batch_op.create_index("ix_listing_moves_stage", ["stage", "moved_on", "candidate_id"], unique=False)

    op.create_table(
        "listing_obstacles",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("candidate_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("text", sa.String(length=300), nullable=False),
        sa.Column("owner_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("unit_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("raised_on", sa.Date(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("closed_on", sa.Date(), nullable=True),
        sa.Column("outcome", sa.String(length=300), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("updated_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(
            ["candidate_id"], ["listing_candidates.id"], name=op.f("fk_listing_obstacles_candidate_id")
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_listing_obstacles_owner_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["units.id"], name=op.f("fk_listing_obstacles_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listing_obstacles")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("listing_obstacles", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_listing_obstacles_candidate_id"), ["candidate_id"], unique=False)
        batch_op.create_index("ix_listing_obstacles_open", ["closed_on", "due_on", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_listing_obstacles_owner_id"), ["owner_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_listing_obstacles_unit_id"), ["unit_id"], unique=False)

    op.create_table(
        "listing_plans",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("candidate_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("stage", sa.String(40), nullable=False),
        sa.Column("planned_on", sa.Date(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("updated_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(
            ["candidate_id"], ["listing_candidates.id"], name=op.f("fk_listing_plans_candidate_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listing_plans")),
        sa.UniqueConstraint("candidate_id", "stage", name=op.f("uq_listing_plans_candidate_id_stage")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("listing_plans", schema=None) as batch_op:
        batch_op.create_index("ix_listing_plans_on", ["planned_on", "candidate_id"], unique=False)

    op.create_table(
        "listing_shareholders",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("candidate_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("as_of_on", sa.Date(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("basis_points", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("updated_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.CheckConstraint(
            "basis_points > 0 AND basis_points <= 10000", name=op.f("ck_listing_shareholders_part")
        ),
        sa.ForeignKeyConstraint(
            ["candidate_id"], ["listing_candidates.id"], name=op.f("fk_listing_shareholders_candidate_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listing_shareholders")),
        sa.UniqueConstraint("candidate_id", "as_of_on", "name", name="uq_listing_shareholders_day"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "listing_waivers",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("candidate_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("item", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("until_on", sa.Date(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("updated_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(
            ["candidate_id"], ["listing_candidates.id"], name=op.f("fk_listing_waivers_candidate_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listing_waivers")),
        sa.UniqueConstraint("candidate_id", "item", name=op.f("uq_listing_waivers_candidate_id_item")),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    op.drop_table("listing_waivers")
    op.drop_table("listing_shareholders")
    with op.batch_alter_table("listing_plans", schema=None) as batch_op:
        batch_op.drop_index("ix_listing_plans_on")

    op.drop_table("listing_plans")
    with op.batch_alter_table("listing_obstacles", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_listing_obstacles_unit_id"))
        batch_op.drop_index(batch_op.f("ix_listing_obstacles_owner_id"))
        batch_op.drop_index("ix_listing_obstacles_open")
        batch_op.drop_index(batch_op.f("ix_listing_obstacles_candidate_id"))

    op.drop_table("listing_obstacles")
    with op.batch_alter_table("listing_moves", schema=None) as batch_op:
        batch_op.drop_index("ix_listing_moves_stage")
        batch_op.drop_index("ix_listing_moves_candidate")

    op.drop_table("listing_moves")
    with op.batch_alter_table("listing_markets", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_listing_markets_candidate_id"))

    op.drop_table("listing_markets")
    with op.batch_alter_table("listing_intermediaries", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_listing_intermediaries_name"))
        batch_op.drop_index(batch_op.f("ix_listing_intermediaries_candidate_id"))

    op.drop_table("listing_intermediaries")
    with op.batch_alter_table("listing_evidence", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_listing_evidence_candidate_id"))
        batch_op.drop_index(batch_op.f("ix_listing_evidence_attachment_id"))

    op.drop_table("listing_evidence")
    with op.batch_alter_table("listing_candidates", schema=None) as batch_op:
        batch_op.drop_index("ix_listing_candidates_updated")
        batch_op.drop_index(batch_op.f("ix_listing_candidates_stock_code"))
        batch_op.drop_index("ix_listing_candidates_stage")
        batch_op.drop_index("ix_listing_candidates_reformed")
        batch_op.drop_index(batch_op.f("ix_listing_candidates_officer_id"))
        batch_op.drop_index("ix_listing_candidates_accepted")

    op.drop_table("listing_candidates")
