"""The monitor of each run, because two monitors of one store may begin a look in the same
microsecond.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from monitor.store.sql.migrations.layout import NAME, create_table

revision = "0004"
down_revision = "0003"

OLD_KEY = ("target", "first_sent")
# The columns of the table in SQLite, which is created again. {} is where the key gets the monitor.
# `failed` comes last.
COLUMNS = (
    "*target:name *first_sent:long{} state:text last_received:long begin:long end:long looks:long"
    " largest_gap:long specific:bool why:text status:int? digest:text? evidence:text version:text?"
)
# The SQL for the first record of evidence that a run names, by dialect. The column has one record
# on each line.
FIRST_RECORD = {
    "sqlite": "substr(evidence, 1, instr(evidence || char(10), char(10)) - 1)",
    "postgresql": "split_part(evidence, chr(10), 1)",
}
# A record's id is its monitor and a number. The monitor of a run without evidence is unknown.
MONITOR_OF_RECORD = "rtrim(rtrim({}, '0123456789'), '-')"
DELETE_DUPLICATES = """DELETE FROM run WHERE EXISTS (SELECT 1 FROM run AS other
WHERE other.target = run.target AND other.first_sent = run.first_sent
AND other.monitor < run.monitor)"""


def upgrade() -> None:
    """Add a column `monitor` to the key of runs.

    Its value is the monitor that made the first evidence record that the run names.
    """
    dialect = op.get_bind().dialect.name
    monitor = MONITOR_OF_RECORD.format(FIRST_RECORD[dialect])
    if dialect == "sqlite":
        _recreate_run_table(monitor)
        return
    op.add_column("run", sa.Column("monitor", NAME, nullable=False, server_default=""))
    op.execute(f"UPDATE run SET monitor = {monitor}")  # noqa: S608  # words of our own
    op.alter_column("run", "monitor", server_default=None)
    _set_primary_key((*OLD_KEY, "monitor"))


def downgrade() -> None:
    """Remove the column `monitor` again.

    If two runs differ only in their monitor, one of them is lost.
    """
    op.execute(DELETE_DUPLICATES)
    if op.get_bind().dialect.name == "sqlite":
        _recreate_run_table()
        return
    _set_primary_key(OLD_KEY)
    op.drop_column("run", "monitor")


def _set_primary_key(columns: Sequence[str]) -> None:
    op.drop_constraint("pk_run", "run")
    op.create_primary_key("pk_run", "run", list(columns))


def _recreate_run_table(monitor_sql: str = "") -> None:
    """Replace the table `run` by one with another key and the same rows, because SQLite cannot
    change a key.

    If `monitor_sql` is given, the new key has the column `monitor` with the values of this SQL
    expression.
    """
    op.rename_table("run", "run_before")
    # "*" marks a column of the key
    layout = COLUMNS.format(" *monitor:name" if monitor_sql else "")
    create_table(
        "run",
        layout,
        sa.Column("failed", sa.Integer, nullable=False, server_default="0"),
        has_row_id=False,
    )
    names = [f'"{column["name"]}"' for column in sa.inspect(op.get_bind()).get_columns("run")]
    values = [monitor_sql if name == '"monitor"' else name for name in names]
    op.execute(f"INSERT INTO run ({', '.join(names)}) SELECT {', '.join(values)} FROM run_before")  # noqa: S608  # words of our own
    op.drop_table("run_before")
