"""Which monitor could not see: what one misses, another may have seen."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
expands = True

NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Add whose it is, nobody's where that was not kept."""
    op.add_column("blind", sa.Column("monitor", NAME, nullable=False, server_default=""))


def downgrade() -> None:
    """Leave it out again."""
    op.drop_column("blind", "monitor")
