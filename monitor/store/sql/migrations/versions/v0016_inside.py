"""Files: the signs of faults that were read inside each."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Add the column. It is empty for files that were not read."""
    op.add_column("run", sa.Column("inside", sa.Text, nullable=True))
