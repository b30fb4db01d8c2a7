"""pairs of firms that may be one, and the judgement that they are not

Revision: 0006
Revises: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "firm_pairs",
        sa.Column("id", BIG, nullable=False),
        sa.Column("low_id", BIG, nullable=False),
        sa.Column("high_id", BIG, nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("found_on", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(
            ["low_id"], ["firms.id"], name=op.f("fk_firm_pairs_low_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["high_id"], ["firms.id"], name=op.f("fk_firm_pairs_high_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_firm_pairs")),
        sa.UniqueConstraint("low_id", "high_id", name=op.f("uq_firm_pairs_low_id_high_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_firm_pairs_score", "firm_pairs", ["score", "id"])
    op.create_index(op.f("ix_firm_pairs_high_id"), "firm_pairs", ["high_id"])
    op.create_table(
        "firm_distinctions",
        sa.Column("id", BIG, nullable=False),
        sa.Column("low_id", BIG, nullable=False),
        sa.Column("high_id", BIG, nullable=False),
        sa.Column("low_key", sa.String(length=200), nullable=False),
        sa.Column("high_key", sa.String(length=200), nullable=False),
        sa.Column("decided_on", sa.Date(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", BIG, nullable=True),
        sa.Column("updated_by_id", BIG, nullable=True),
        sa.ForeignKeyConstraint(["low_id"], ["firms.id"], name=op.f("fk_firm_distinctions_low_id")),
        sa.ForeignKeyConstraint(["high_id"], ["firms.id"], name=op.f("fk_firm_distinctions_high_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_firm_distinctions")),
        sa.UniqueConstraint("low_id", "high_id", name=op.f("uq_firm_distinctions_low_id_high_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_firm_distinctions_high_id"), "firm_distinctions", ["high_id"])


def downgrade() -> None:
    op.drop_table("firm_distinctions")
    op.drop_table("firm_pairs")
