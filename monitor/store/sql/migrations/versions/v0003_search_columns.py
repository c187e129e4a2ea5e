"""Columns for searches by a start or a list: the releases of entries, and titles and addresses of
releases.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from monitor.store.sql.columns import Body, Words
from monitor.store.sql.migrations.layout import NAME

revision = "0003"
down_revision = "0002"

KEYS = {"release": ("id",), "announced": ("calendar", "uid")}
MOVED = {"release": ("title", "url"), "announced": ("release",)}
INDICES = (("release", "producer"), ("announced", "release"), ("announced", "gone"))


def upgrade() -> None:
    """Move the release of an entry, and title and address of a release, from JSON bodies to
    columns. Add indexes.
    """
    for table, names in MOVED.items():
        for name in names:
            kind = NAME if name == "release" else Words()
            op.add_column(table, sa.Column(name, kind, nullable=False, server_default=""))
        _move_values(table, to_columns=True)
    for table, column in INDICES:
        op.create_index(f"ix_{table}_{column}", table, [column])


def downgrade() -> None:
    """Move the values back into the JSON bodies, and drop the columns and indexes."""
    for table, column in INDICES:
        op.drop_index(f"ix_{table}_{column}", table)
    for table, names in MOVED.items():
        _move_values(table, to_columns=False)
        for name in reversed(names):
            op.drop_column(table, name)


def _move_values(name: str, *, to_columns: bool) -> None:
    """In every row of a table, move the values of `MOVED` from the JSON body to columns, or back
    into the body.
    """
    keys, moved = KEYS[name], MOVED[name]
    columns = [sa.column(column, Words) for column in (*keys, *moved)]
    table = sa.table(name, *columns, sa.column("body", Body))
    connection = op.get_bind()
    has_key = sa.and_(*(table.c[key] == sa.bindparam(f"key_{key}") for key in keys))
    changes = []
    for row in connection.execute(sa.select(table)).mappings():
        body = dict(row["body"])
        values = {column: body.pop(column, "") if to_columns else row[column] for column in moved}
        key_values = {f"key_{key}": row[key] for key in keys}
        changes.append({**key_values, **values, "body": body if to_columns else {**body, **values}})
    if changes:
        parameters: dict[str, Any] = {column: sa.bindparam(column) for column in (*moved, "body")}
        connection.execute(sa.update(table).where(has_key).values(parameters), changes)
