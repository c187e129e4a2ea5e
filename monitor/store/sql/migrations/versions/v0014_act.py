"""Acts: which account did what."""

from __future__ import annotations

from alembic import op

from monitor.store.sql.migrations.layout import create_table

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Create the table."""
    create_table(
        "act", "*subject:name *at:long *account:name *what:name role:text", has_row_id=False
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("act")
