"""The monitor of each blind span, because another monitor may have seen what this one missed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from monitor.store.sql.migrations.layout import NAME

revision = "0011"
down_revision = "0010"
expands = True


def upgrade() -> None:
    """Add the monitor's name. It is empty for earlier spans."""
    op.add_column("blind", sa.Column("monitor", NAME, nullable=False, server_default=""))


def downgrade() -> None:
    """Drop the monitor's name."""
    op.drop_column("blind", "monitor")
