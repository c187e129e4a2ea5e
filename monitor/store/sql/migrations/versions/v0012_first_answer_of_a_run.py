"""When the first answer of each run was received, because a cached copy with a wrong `Age` is dated
by its look.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
expands = True


def upgrade() -> None:
    """Add the instant. It is null for earlier runs."""
    op.add_column("run", sa.Column("first_received", sa.BigInteger, nullable=True))


def downgrade() -> None:
    """Drop the instant."""
    op.drop_column("run", "first_received")
