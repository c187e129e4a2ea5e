"""Acts: which account did what."""

from __future__ import annotations

from alembic import op

from monitor.store.sql.columns import Instant, Name, Words
from monitor.store.sql.tables import keys, not_null

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "act",
        *keys(subject=Name, at=Instant, account=Name, what=Name),
        *not_null(role=Words),
        sqlite_with_rowid=False,
    )
