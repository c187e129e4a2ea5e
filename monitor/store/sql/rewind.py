"""Rewinds a copy of a store to an earlier instant: deletes rows written later, and ends runs at that instant."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from monitor.store.sql.tables import (
    ANNOUNCED,
    BLIND,
    CALENDAR_READ,
    DELIVERY,
    DRAFT,
    EVENT,
    EVIDENCE,
    INCIDENT,
    JUDGED,
    NOTICE,
    PROMISE,
    RUN,
)

_WRITTEN_AT = (
    (PROMISE, PROMISE.c.learnt),
    (ANNOUNCED, ANNOUNCED.c.seen_first),
    (CALENDAR_READ, CALENDAR_READ.c.finished),
    (RUN, RUN.c.begin),
    (BLIND, BLIND.c.begins),
    (EVENT, EVENT.c.at),
    (INCIDENT, INCIDENT.c.opened),
    (DRAFT, DRAFT.c.at),
    (NOTICE, NOTICE.c.at),
    (EVIDENCE, EVIDENCE.c.at),
)


def delete_after(engine: sa.Engine, at: datetime) -> None:
    """Delete all rows written after `at`, all stored verdicts, and the parts of runs and blind spans after it."""
    with engine.begin() as connection:
        late = sa.select(NOTICE.c.id).where(NOTICE.c.at > at)
        connection.execute(sa.delete(DELIVERY).where(DELIVERY.c.notice.in_(late)))
        for table, written in _WRITTEN_AT:
            connection.execute(sa.delete(table).where(written > at))
        connection.execute(sa.delete(JUDGED))
        connection.execute(sa.update(ANNOUNCED).where(ANNOUNCED.c.gone > at).values(gone=None))
        connection.execute(sa.update(PROMISE).where(PROMISE.c.confirmed_at > at).values(confirmed_at=at))
        for column in (RUN.c.end, RUN.c.last_received):
            connection.execute(sa.update(RUN).where(column > at).values({column.name: at}))
        connection.execute(sa.update(BLIND).where(BLIND.c.ends > at).values(ends=at))
