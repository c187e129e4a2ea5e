"""The tables of 1.0.0rc1, the first version for others.

Its stores are at this revision already. Stores of earlier versions cannot be upgraded.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from monitor.store.sql.migrations.layout import create_table

revision = "0012"
down_revision = None

# One table an item, with its layout.
TABLES = {
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
LEAN = (
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
INDICES = (
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
PARTIAL_INDICES = (
    ("ix_release_joined_into", "release", "joined_into", "joined_into IS NOT NULL"),
    # 60 days, in microseconds
    ("ix_blind_long", "blind", "ends", "ends - begins > 5184000000000"),
    ("ix_incident_open", "incident", "occurred", "is_open"),
)


def upgrade() -> None:
    """Create every table."""
    notice = sa.ForeignKeyConstraint(["notice"], ["notice.id"], name="fk_delivery_notice_notice")
    for table, layout in TABLES.items():
        constraints = [notice] if table == "delivery" else []
        create_table(table, layout, *constraints, has_row_id=table not in LEAN)
    for table, *columns in INDICES:
        op.create_index(f"ix_{table}_{'_'.join(columns)}", table, columns)
    for name, table, column, condition in PARTIAL_INDICES:
        where = sa.text(condition)
        op.create_index(name, table, [column], sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    """Drop every table. Tables that refer to others are dropped first."""
    for table in reversed(TABLES):
        op.drop_table(table)
