"""A later migration that removes a column which this version reads."""

from __future__ import annotations

from alembic import op

revision = "9002"
down_revision = "9001"


def upgrade() -> None:
    """Give it another name."""
    op.alter_column("run", "address", new_column_name="place")


def downgrade() -> None:
    """Give it its old one."""
