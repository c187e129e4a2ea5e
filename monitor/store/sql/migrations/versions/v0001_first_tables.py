"""The first tables."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.schema import SchemaItem

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

Kind = sa.types.TypeEngine[Any] | type[sa.types.TypeEngine[Any]]


def upgrade() -> None:
    """Make every table."""
    _calendars()
    _watch()
    _verdicts()
    _incidents()
    _outbox()
    _upkeep()


def downgrade() -> None:
    """Drop every table, those that refer to others first."""
    for name in ("delivery", "notice", "draft", "incident", "event", "judged", "blind", "run"):
        op.drop_table(name)
    for name in ("calendar_read", "announced", "promise", "release", "lease", "evidence", "heartbeat"):
        op.drop_table(name)


def _calendars() -> None:
    _create("release", _key("id", NAME), _fact("producer", NAME), _fact("body", sa.LargeBinary))
    _create(
        "promise",
        _key("release", NAME),
        _key("calendar", NAME),
        _key("learnt", sa.BigInteger),
        _maybe("begins", sa.BigInteger),
        _maybe("confirmed_at", sa.BigInteger),
        _fact("body", sa.LargeBinary),
        lean=True,
    )
    _index("promise", "begins")
    _create(
        "announced",
        _key("calendar", NAME),
        _key("uid", NAME),
        _fact("body", sa.LargeBinary),
        _fact("seen_first", sa.BigInteger),
        _fact("seen_last", sa.BigInteger),
        _maybe("gone", sa.BigInteger),
    )
    _create(
        "calendar_read",
        _key("calendar", NAME),
        _key("started", sa.BigInteger),
        _fact("finished", sa.BigInteger),
        _fact("usable", sa.Boolean),
        _fact("entries", sa.Integer),
        _fact("digest", sa.Text),
        _fact("fault", sa.Text),
        _fact("evidence", sa.Text),
        lean=True,
    )
    _index("calendar_read", "started")


def _watch() -> None:
    _create(
        "run",
        _key("target", NAME),
        _key("first_sent", sa.BigInteger),
        _fact("state", sa.Text),
        _fact("last_received", sa.BigInteger),
        _fact("begin", sa.BigInteger),
        _fact("end", sa.BigInteger),
        _fact("looks", sa.BigInteger),
        _fact("largest_gap", sa.BigInteger),
        _fact("specific", sa.Boolean),
        _fact("why", sa.Text),
        _maybe("status", sa.Integer),
        _maybe("digest", sa.Text),
        _fact("evidence", sa.Text),
        lean=True,
    )
    _create(
        "blind",
        _key("begins", sa.BigInteger),
        _key("cause", NAME),
        _key("host", NAME),
        _key("target", NAME),
        _fact("ends", sa.BigInteger),
        lean=True,
    )
    _index("blind", "ends")


def _verdicts() -> None:
    _create(
        "judged",
        _key("release", NAME),
        _fact("producer", NAME),
        _maybe("slot", sa.BigInteger),
        _fact("word", sa.Text),
        _fact("grade", sa.Text),
        _fact("final", sa.Boolean),
        _fact("at", sa.BigInteger),
        _fact("body", sa.LargeBinary),
    )
    _index("judged", "final", "slot")
    _index("judged", "producer", "slot")
    _index("judged", "slot")
    _create(
        "event",
        _key("id", NAME),
        _fact("release", NAME),
        _fact("at", sa.BigInteger),
        _fact("before", sa.Text),
        _fact("after", sa.Text),
        _fact("body", sa.LargeBinary),
    )
    _index("event", "at")
    _index("event", "release", "at")


def _incidents() -> None:
    _create(
        "incident",
        _key("id", NAME),
        _fact("release", NAME),
        _fact("producer", NAME),
        _fact("kind", sa.Text),
        _fact("occurred", sa.BigInteger),
        _fact("opened", sa.BigInteger),
        _fact("body", sa.LargeBinary),
    )
    _index("incident", "occurred", "id")
    _index("incident", "release", "opened")
    _create(
        "draft",
        _key("incident", NAME),
        _key("version", sa.Integer),
        _fact("at", sa.BigInteger),
        _fact("by", sa.Text),
        _fact("form", sa.Text),
        _fact("edition", sa.Text),
        _fact("facts", sa.LargeBinary),
        _fact("words", sa.LargeBinary),
        _maybe("signed", sa.BigInteger),
        _fact("digest", sa.Text),
    )


def _outbox() -> None:
    _create(
        "notice", _key("id", NAME), _fact("incident", NAME), _fact("at", sa.BigInteger), _fact("body", sa.LargeBinary)
    )
    _index("notice", "at")
    _index("notice", "incident", "at")
    _create(
        "delivery",
        _key("notice", NAME),
        _key("channel", NAME),
        _fact("standing", sa.Text),
        _fact("due", sa.BigInteger),
        _fact("attempts", sa.Integer),
        _maybe("began", sa.BigInteger),
        _maybe("finished", sa.BigInteger),
        _fact("reason", sa.Text),
        _fact("reference", sa.Text),
        sa.ForeignKeyConstraint(["notice"], ["notice.id"], name="fk_delivery_notice_notice"),
        lean=True,
    )
    _index("delivery", "standing", "due")


def _upkeep() -> None:
    _create("heartbeat", _key("monitor", NAME), _fact("at", sa.BigInteger), _fact("stopped", sa.Boolean), lean=True)
    _create(
        "evidence",
        _key("monitor", NAME),
        _key("number", sa.BigInteger),
        _fact("kind", sa.Text),
        _fact("at", sa.BigInteger),
        _fact("file", NAME),
        _fact("offset", sa.BigInteger),
        _fact("length", sa.BigInteger),
        _fact("sha256", sa.LargeBinary),
        _fact("chain", sa.LargeBinary),
        _maybe("expired", sa.BigInteger),
        lean=True,
    )
    _create("lease", _key("name", NAME), _fact("holder", NAME), _fact("until", sa.BigInteger), lean=True)


def _key(name: str, kind: Kind) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False, autoincrement=False, primary_key=True)


def _fact(name: str, kind: Kind) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)


def _maybe(name: str, kind: Kind) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=True)


def _create(name: str, *items: SchemaItem, lean: bool = False) -> None:
    keys = [item.name for item in items if isinstance(item, sa.Column) and item.primary_key]
    columns = [sa.Column(c.name, c.type, nullable=c.nullable) for c in items if isinstance(c, sa.Column)]
    rest = [item for item in items if not isinstance(item, sa.Column)]
    op.create_table(
        name, *columns, sa.PrimaryKeyConstraint(*keys, name=f"pk_{name}"), *rest, sqlite_with_rowid=not lean
    )


def _index(table: str, *columns: str, unique: bool = False) -> None:
    op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns), unique=unique)
