"""Since when a lease has been held without a break: what was decided before that binds nobody."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
expands = True


def upgrade() -> None:
    """Add the column; a lease that is held while this runs begins anew."""
    op.add_column("lease", sa.Column("since", sa.BigInteger, nullable=True))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("lease", "since")
