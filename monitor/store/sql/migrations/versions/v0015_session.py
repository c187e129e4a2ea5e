"""Sessions: who is signed in, on every monitor of the store."""

from __future__ import annotations

from alembic import op

from monitor.store.sql.columns import Body, Instant, Name, Words
from monitor.store.sql.tables import keys, not_null, nullable

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Create the table and its index."""
    op.create_table(
        "session",
        *keys(key_hash=Name),
        *not_null(account=Name, use=Words, began=Instant, seen=Instant),
        *nullable(ends=Instant),
        *not_null(body=Body),
    )
    op.create_index("ix_session_account", "session", ["account"])
