"""The last read of each rota that is kept as a calendar."""

from __future__ import annotations

from alembic import op

from monitor.store.sql.migrations.layout import create_table

revision = "0010"
down_revision = "0009"
expands = True


def upgrade() -> None:
    """Create the table of rotas. `shifts` is the compressed JSON of the last read."""
    create_table("rota", "*rota:name at:long shifts:bytes")


def downgrade() -> None:
    """Drop the table of rotas."""
    op.drop_table("rota")
