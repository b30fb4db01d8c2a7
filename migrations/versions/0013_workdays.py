"""workdays: the days that differ from their weekday, those known so far put in

Revision: 0013
Revises: 0012
"""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from alembic import op

from crm.core.workdays import known_years, of_year

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    table = op.create_table(
        "holidays",
        sa.Column("id", key, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("is_workday", sa.Boolean(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by_id", key, nullable=True),
        sa.Column("updated_by_id", key, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holidays")),
        sa.UniqueConstraint("day", name=op.f("uq_holidays_day")),
        sqlite_autoincrement=True,
    )
    at = dt.datetime.now(dt.UTC)
    rows = [
        {
            "day": row["on"],
            "is_workday": row["is_workday"],
            "name": row["name"],
            "created_at": at,
            "updated_at": at,
        }
        for year in known_years()
        for row in of_year(year)
    ]
    op.bulk_insert(table, rows)


def downgrade() -> None:
    op.drop_table("holidays")
