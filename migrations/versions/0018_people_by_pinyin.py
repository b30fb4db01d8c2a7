"""people by pinyin: what a name sorts by

Revision: 0018
Revises: 0017
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from crm.core.pinyin import sort_key

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

CHARS = 240


def upgrade() -> None:
    """In place: other tables refer to people, so theirs is not made anew, neither up nor down."""
    op.add_column("users", sa.Column("name_sort", sa.String(length=CHARS), nullable=False, server_default=""))
    users = sa.table("users", sa.column("id"), sa.column("name"), sa.column("name_sort"))
    connection = op.get_bind()
    for user_id, name in connection.execute(sa.select(users.c.id, users.c.name)).all():
        spelt = {"name_sort": sort_key(name)[:CHARS]}
        connection.execute(sa.update(users).where(users.c.id == user_id).values(spelt))


def downgrade() -> None:
    op.execute("ALTER TABLE users DROP COLUMN name_sort")
