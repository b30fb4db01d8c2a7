"""digest: groups people muted, what they have been told once, the yearly reports of high-tech enterprises

Revision: 0016
Revises: 0015
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def _key() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _stamps() -> list[sa.Column[object]]:
    return [
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", _key(), nullable=True),
        sa.Column("updated_by_id", _key(), nullable=True),
    ]


def upgrade() -> None:
    op.create_table(
        "digest_mutes",
        sa.Column("id", _key(), nullable=False),
        sa.Column("user_id", _key(), nullable=False),
        sa.Column("group_code", sa.String(length=20), nullable=False),
        *_stamps(),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_digest_mutes_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_digest_mutes")),
        sa.UniqueConstraint("user_id", "group_code", name=op.f("uq_digest_mutes_user_id_group_code")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "digest_told",
        sa.Column("id", _key(), nullable=False),
        sa.Column("user_id", _key(), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("week", sa.String(length=8), nullable=False),
        sa.Column("told_on", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_digest_told_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_digest_told")),
        sa.UniqueConstraint("user_id", "key", name=op.f("uq_digest_told_user_id_key")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "high_tech_reports",
        sa.Column("id", _key(), nullable=False),
        sa.Column("firm_id", _key(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("filed_on", sa.Date(), nullable=False),
        *_stamps(),
        sa.ForeignKeyConstraint(["firm_id"], ["firms.id"], name=op.f("fk_high_tech_reports_firm_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_high_tech_reports")),
        sa.UniqueConstraint("firm_id", "year", name=op.f("uq_high_tech_reports_firm_id_year")),
        sqlite_autoincrement=True,
    )


def downgrade() -> None:
    op.drop_table("high_tech_reports")
    op.drop_table("digest_told")
    op.drop_table("digest_mutes")
