"""one-time passwords: since when one is given

Revision: 0019
Revises: 0018
"""

from __future__ import annotations

import datetime as dt

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Those nobody has used yet begin to run out now. Who has signed in since may only have to change a password of
    his own."""
    op.add_column("users", sa.Column("one_time_at", sa.DateTime(timezone=True), nullable=True))
    moment = sa.DateTime(timezone=True)
    users = sa.table(
        "users",
        sa.column("id"),
        sa.column("must_change_password", sa.Boolean()),
        sa.column("password_changed_at", moment),
        sa.column("one_time_at", moment),
    )
    sessions = sa.table("user_sessions", sa.column("user_id"), sa.column("started_at", moment))
    used = sa.exists().where(
        sessions.c.user_id == users.c.id, sessions.c.started_at >= users.c.password_changed_at
    )
    op.execute(
        sa.update(users)
        .where(users.c.must_change_password.is_(True), ~used)
        .values(one_time_at=dt.datetime.now(dt.UTC))
    )


def downgrade() -> None:
    op.execute("ALTER TABLE users DROP COLUMN one_time_at")
