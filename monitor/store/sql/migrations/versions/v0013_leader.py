"""The leader: which of the monitors on one store looks, judges and sends."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from monitor.store.sql.columns import Instant, Name
from monitor.store.sql.tables import keys, not_null

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Create the table of the leader, and let 1.0.0rc1 refuse the store.

    That version may use a store of a later revision, unless the column `works_from` names one.
    """
    op.create_table(
        "leader",
        *keys(role=Name),
        *not_null(holder=Name, monitor=Name, epoch=sa.BigInteger, since=Instant, until=Instant),
        sqlite_with_rowid=False,
    )
    columns = sa.inspect(op.get_bind()).get_columns("alembic_version")
    if "works_from" in {column["name"] for column in columns}:
        op.execute("UPDATE alembic_version SET works_from = '0013'")
