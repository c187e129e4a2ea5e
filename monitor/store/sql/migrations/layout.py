"""Creates tables from short layouts, for the migrations."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.schema import SchemaItem

NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_KINDS: dict[str, Any] = {
    "name": NAME,
    "text": sa.Text,
    "int": sa.Integer,
    "long": sa.BigInteger,
    "bool": sa.Boolean,
    "bytes": sa.LargeBinary,
}


def create_table(name: str, layout: str, *more: SchemaItem, has_row_id: bool = True) -> None:
    """Create a table with the columns of a layout, and `more` columns and constraints.

    A layout has the columns and their kinds: `*id:name at:long ended:long? failed:int=0`. "*"
    before a column marks the key, "?" after it an optional one. A value after "=" is its default.
    Without `has_row_id`, SQLite keeps each row in the tree of its key. This suits short rows.
    """
    columns, keys = list[sa.Column[Any]](), list[str]()
    for word in layout.split():
        column, _, kind = word.removeprefix("*").partition(":")
        kind, has_default, default = kind.partition("=")
        columns.append(
            sa.Column(
                column,
                _KINDS[kind.removesuffix("?")],
                nullable=kind.endswith("?"),
                server_default=_default(default) if has_default else None,
            )
        )
        if word.startswith("*"):
            keys.append(column)
    key = sa.PrimaryKeyConstraint(*keys, name=f"pk_{name}")
    op.create_table(name, *columns, *more, key, sqlite_with_rowid=has_row_id)


def _default(word: str) -> Any:  # noqa: ANN401  # SQL or a text
    return sa.true() if word == "true" else word
