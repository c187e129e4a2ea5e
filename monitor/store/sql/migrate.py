"""Runs the migrations of the schema.

This is a separate module, because importing Alembic takes 0.3 s.
"""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection


def upgrade(connection: Connection) -> None:
    """Run the migrations that a store lacks, in this connection's transaction."""
    config = Config()
    config.set_main_option("script_location", "monitor.store.sql:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
