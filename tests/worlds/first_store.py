"""A store of 1.0.0rc1, the first version whose stores can be upgraded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from monitor.store.sql.columns import Name
from monitor.store.sql.tables import OLDEST, REVISION

_ROWS = Path(__file__).with_name("two_monitors_of_rc1.json")
_KINDS: dict[str, Any] = {
    "name": Name,
    "text": sa.Text,
    "int": sa.Integer,
    "long": sa.BigInteger,
    "bool": sa.Boolean,
    "bytes": sa.LargeBinary,
}
# One table an item, with its columns and their kinds: `*id:name at:long ended:long? failed:int=0`.
# "*" before a column marks the key, "?" after it an optional one. A value after "=" is its default.
_TABLES = {
    "release": "*id:name producer:name body:bytes joined_into:name? title:text= url:text=",
    "promise": (
        "*release:name *calendar:name *learnt:long begins:long? confirmed_at:long? body:bytes"
    ),
    "announced": (
        "*calendar:name *uid:name body:bytes seen_first:long seen_last:long gone:long?"
        " release:name="
    ),
    "calendar_read": (
        "*calendar:name *started:long finished:long usable:bool entries:int digest:text fault:text"
        " evidence:text"
    ),
    "run": (
        "*target:name *first_sent:long *monitor:name state:text last_received:long begin:long"
        " end:long looks:long largest_gap:long specific:bool why:text status:int? digest:text?"
        " evidence:text version:text? failed:int=0 address:text= first_received:long?"
    ),
    "blind": "*begins:long *cause:name *host:name *target:name ends:long monitor:name=",
    "judged": (
        "*release:name producer:name slot:long? word:text grade:text final:bool at:long body:bytes"
    ),
    "event": "*id:name release:name at:long before:text after:text body:bytes",
    "incident": (
        "*id:name release:name producer:name kind:text occurred:long opened:long body:bytes"
        " is_open:bool=true"
    ),
    "draft": (
        "*incident:name *version:int at:long by:text form:text edition:text facts:bytes words:bytes"
        " signed:long? digest:text"
    ),
    "notice": "*id:name incident:name at:long body:bytes",
    "delivery": (
        "*notice:name *channel:name standing:text due:long attempts:int began:long? finished:long?"
        " reason:text reference:text"
    ),
    "silence": (
        "*id:name scope:text name:name begins:long until:long by:text reason:text ended:long?"
        " ended_by:text"
    ),
    "rota": "*rota:name at:long shifts:bytes",
    "claim": (
        "*producer:name *url:name *at:long title:text slot:long? slot_source:text source:text"
        " read:long"
    ),
    "heartbeat": "*monitor:name at:long stopped:bool",
    "evidence": (
        "*monitor:name *number:long kind:text at:long file:name offset:long length:long"
        " sha256:bytes chain:bytes expired:long?"
    ),
    "lease": "*name:name holder:name until:long since:long?",
}
# Tables with short rows.
_LEAN = (
    "promise",
    "calendar_read",
    "run",
    "blind",
    "delivery",
    "silence",
    "claim",
    "heartbeat",
    "evidence",
    "lease",
)
_INDEXES = (
    ("release", "producer"),
    ("promise", "begins"),
    ("announced", "release"),
    ("announced", "gone"),
    ("calendar_read", "started"),
    ("blind", "ends"),
    ("judged", "final", "slot"),
    ("judged", "producer", "slot"),
    ("judged", "slot"),
    ("event", "at"),
    ("event", "release", "at"),
    ("incident", "occurred", "id"),
    ("incident", "producer", "occurred"),
    ("incident", "release", "opened"),
    ("notice", "at"),
    ("notice", "incident", "at"),
    ("delivery", "standing", "due"),
    ("silence", "until"),
    ("claim", "at"),
    ("claim", "url"),
)
# Indices of a part of a table: name, table, column, condition.
_PARTIAL_INDEXES = (
    ("ix_release_joined_into", "release", "joined_into", "joined_into IS NOT NULL"),
    # 60 days, in microseconds
    ("ix_blind_long", "blind", "ends", "ends - begins > 5184000000000"),
    ("ix_incident_open", "incident", "occurred", "is_open"),
)


def make_first_store(connection: sa.Connection) -> None:
    """Create the tables of 1.0.0rc1 in an empty database."""
    metadata = sa.MetaData()
    for name, layout in _TABLES.items():
        _define_table(name, layout, metadata)
    notice = metadata.tables["delivery"].c.notice
    metadata.tables["delivery"].append_constraint(
        sa.ForeignKeyConstraint([notice], ["notice.id"], name="fk_delivery_notice_notice")
    )
    for name, *columns in _INDEXES:
        table = metadata.tables[name]
        sa.Index(f"ix_{name}_{'_'.join(columns)}", *(table.c[column] for column in columns))
    for index, name, column, condition in _PARTIAL_INDEXES:
        where = sa.text(condition)
        indexed = metadata.tables[name].c[column]
        sa.Index(index, indexed, sqlite_where=where, postgresql_where=where)
    metadata.create_all(connection)
    REVISION.create(connection)
    connection.execute(sa.insert(REVISION), {"version_num": OLDEST})


def fill_first_store(connection: sa.Connection) -> None:
    """Add the rows that two monitors of 1.0.0rc1, north and south, wrote about one slot.

    They were made by that version. South began while north looked, north was killed over the slot,
    and south stopped while north looked again.
    """
    tables = json.loads(_ROWS.read_text(encoding="utf-8"))
    metadata = sa.MetaData()
    metadata.reflect(connection, only=list(tables))
    for name, written in tables.items():
        table = metadata.tables[name]
        columns = [table.c[column] for column in written["columns"]]
        connection.execute(
            sa.insert(table),
            [
                {
                    column.name: _read_value(column, value)
                    for column, value in zip(columns, row, strict=True)
                }
                for row in written["rows"]
            ],
        )


def _read_value(column: sa.Column[Any], value: Any) -> Any:  # noqa: ANN401 # of any column
    """Return a value of the file for a column: bytes are written as hexadecimal text."""
    if isinstance(column.type, sa.LargeBinary):
        return bytes.fromhex(value)
    return bool(value) if isinstance(column.type, sa.Boolean) else value


def _define_table(name: str, layout: str, metadata: sa.MetaData) -> None:
    columns, keys = list[sa.Column[Any]](), list[str]()
    for word in layout.split():
        column, _, kind = word.removeprefix("*").partition(":")
        kind, has_default, default = kind.partition("=")
        value: Any = sa.true() if default == "true" else default
        columns.append(
            sa.Column(
                column,
                _KINDS[kind.removesuffix("?")],
                nullable=kind.endswith("?"),
                server_default=value if has_default else None,
            )
        )
        if word.startswith("*"):
            keys.append(column)
    key = sa.PrimaryKeyConstraint(*keys, name=f"pk_{name}")
    sa.Table(name, metadata, *columns, key, sqlite_with_rowid=name not in _LEAN)
