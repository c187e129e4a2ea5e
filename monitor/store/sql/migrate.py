"""Runs the migrations of the schema.

This is a separate module, because importing Alembic takes 0.3 s.
"""

from __future__ import annotations

import os

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text, update

from monitor.store.sql.shape import OURS, Shape
from monitor.store.sql.tables import REVISION


def upgrade(connection: Connection, revision: str = "", shape: Shape = OURS) -> None:
    """Run all migrations up to `revision`, by default the last, in the transaction of this
    connection.

    Also store in the column `works_from` the oldest revision whose programs can use the new schema.
    `shape` has the migrations: those of this version (`OURS`), except in tests.
    """
    target = revision or shape.head
    REVISION.create(connection, checkfirst=True)
    if connection.dialect.name == "postgresql":
        # Every transaction of a monitor reads this table first. So the other monitors' transactions
        # wait for this lock before they can lock a table that a migration needs.
        connection.execute(text(f"LOCK TABLE {REVISION.name} IN ACCESS EXCLUSIVE MODE"))
    # Stores of early versions do not have this table's second column yet.
    columns = {column["name"] for column in inspect(connection).get_columns(REVISION.name)}
    if "works_from" not in columns:
        connection.execute(text(f"ALTER TABLE {REVISION.name} ADD COLUMN works_from VARCHAR(32)"))
    command.upgrade(_config(shape, connection), target)
    connection.execute(update(REVISION).values(works_from=find_oldest_usable(target, shape)))


def downgrade(connection: Connection, revision: str = "base") -> None:
    """Undo all migrations after `revision`."""
    command.downgrade(_config(OURS, connection), revision)


def find_oldest_usable(revision: str, shape: Shape = OURS) -> str:
    """Return the oldest revision that can use a store of this one: the last one that did more than
    add.
    """
    steps = ScriptDirectory.from_config(_config(shape)).iterate_revisions(revision, "base")
    return next(step.revision for step in steps if not getattr(step.module, "expands", False))


def _config(shape: Shape, connection: Connection | None = None) -> Config:
    """Return Alembic's configuration.

    The migrations are in the folders of `shape`, the schema that a program knows.
    """
    config = Config()
    config.set_main_option("script_location", "monitor.store.sql:migrations")
    config.set_main_option("version_locations", os.pathsep.join(map(str, shape.steps)))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config
