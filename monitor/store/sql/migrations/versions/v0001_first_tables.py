"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from monitor.store.sql.migrations.layout import create_table

revision = "0001"
down_revision = None

# One table a line, with its layout.
TABLES = {
    "release": "*id:name producer:name body:bytes",
    "promise": (
        "*release:name *calendar:name *learnt:long begins:long? confirmed_at:long? body:bytes"
    ),
    "announced": "*calendar:name *uid:name body:bytes seen_first:long seen_last:long gone:long?",
    "calendar_read": (
        "*calendar:name *started:long finished:long usable:bool entries:int digest:text fault:text"
        " evidence:text"
    ),
    "run": (
        "*target:name *first_sent:long state:text last_received:long begin:long end:long looks:long"
        " largest_gap:long specific:bool why:text status:int? digest:text? evidence:text"
    ),
    "blind": "*begins:long *cause:name *host:name *target:name ends:long",
    "judged": (
        "*release:name producer:name slot:long? word:text grade:text final:bool at:long body:bytes"
    ),
    "event": "*id:name release:name at:long before:text after:text body:bytes",
    "incident": (
        "*id:name release:name producer:name kind:text occurred:long opened:long body:bytes"
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
    "heartbeat": "*monitor:name at:long stopped:bool",
    "evidence": (
        "*monitor:name *number:long kind:text at:long file:name offset:long length:long"
        " sha256:bytes chain:bytes expired:long?"
    ),
    "lease": "*name:name holder:name until:long",
}
# Tables with short rows.
LEAN = ("promise", "calendar_read", "run", "blind", "delivery", "heartbeat", "evidence", "lease")
INDICES = (
    ("promise", "begins"),
    ("calendar_read", "started"),
    ("blind", "ends"),
    ("judged", "final", "slot"),
    ("judged", "producer", "slot"),
    ("judged", "slot"),
    ("event", "at"),
    ("event", "release", "at"),
    ("incident", "occurred", "id"),
    ("incident", "release", "opened"),
    ("notice", "at"),
    ("notice", "incident", "at"),
    ("delivery", "standing", "due"),
)


def upgrade() -> None:
    """Create every table."""
    notice = sa.ForeignKeyConstraint(["notice"], ["notice.id"], name="fk_delivery_notice_notice")
    for table, layout in TABLES.items():
        create_table(
            table, layout, *([notice] if table == "delivery" else []), has_row_id=table not in LEAN
        )
    for table, *columns in INDICES:
        op.create_index(f"ix_{table}_{'_'.join(columns)}", table, columns)


def downgrade() -> None:
    """Drop every table. Tables that refer to others are dropped first."""
    for table in reversed(TABLES):
        op.drop_table(table)
