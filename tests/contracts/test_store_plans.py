"""Ten years of 6,000 releases a year: every question people wait for is answered from an index."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event

from monitor.record.sql import SqlStore

SLOT = datetime(2018, 1, 5, 9, 30, tzinfo=UTC)
DAY = timedelta(days=1)

QUESTIONS: dict[str, Callable[[SqlStore], object]] = {
    "the board of a day": lambda store: store.judged(SLOT, SLOT + DAY),
    "a producer's year": lambda store: store.judged(SLOT, SLOT + 365 * DAY, "ofqual"),
    "verdicts still open": lambda store: store.open_judged(),
    "one verdict": lambda store: store.judged_one("r"),
    "releases of a week": lambda store: store.releases(SLOT, SLOT + 7 * DAY),
    "the ledger of some releases": lambda store: store.promises(["r", "s"]),
    "runs of targets": lambda store: store.runs(["r/page/edge", "r/page/origin"]),
    "runs of a release": lambda store: store.runs_of_release("r"),
    "blind spans since yesterday": lambda store: store.blind(SLOT, SLOT + DAY),
    "newest events": lambda store: store.events(limit=50),
    "events of a release": lambda store: store.events("r"),
    "incidents of a month": lambda store: store.incidents(SLOT, SLOT + 30 * DAY),
    "the incident of a release": lambda store: store.incident_of("r"),
    "the versions of a draft": lambda store: store.drafts("i"),
    "notices of an incident": lambda store: store.notices("i"),
    "deliveries due": lambda store: store.due_deliveries(SLOT),
    "deliveries of a notice": lambda store: store.deliveries("n"),
    "deliveries waiting": lambda store: store.outbox_pending(),
    "newest reads of a calendar": lambda store: store.reads("govuk", 10),
    "newest reads": lambda store: store.reads(limit=10),
    "entries of a calendar": lambda store: store.announced("govuk"),
    "some evidence": lambda store: store.evidence(["edge-1", "edge-2"]),
    "the newest evidence": lambda store: store.last_evidence("edge"),
    "a page of the chain": lambda store: store.evidence_chain("edge", 1000),
}


@contextmanager
def listening(store: SqlStore) -> Iterator[list[tuple[str, Any]]]:
    """Collect every statement and its values."""
    heard: list[tuple[str, Any]] = []

    def hear(*told: Any) -> None:  # noqa: ANN401  # what the engine tells
        heard.append((told[2], told[3]))

    event.listen(store._engine, "before_cursor_execute", hear)
    yield heard
    event.remove(store._engine, "before_cursor_execute", hear)


def plans_of(store: SqlStore, ask: Callable[[SqlStore], object]) -> list[str]:
    with listening(store) as heard:
        ask(store)
    asked = [(words, values) for words, values in heard if words.startswith("SELECT")]
    with store._engine.connect() as connection:
        steps = [connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {words}", values).all() for words, values in asked]
    return [step[-1] for plan in steps for step in plan]


@pytest.mark.parametrize("name", QUESTIONS)
def test_no_question_that_people_wait_for_reads_a_whole_table(sqlite: SqlStore, name: str) -> None:
    plan = plans_of(sqlite, QUESTIONS[name])
    assert plan
    assert [step for step in plan if step.startswith("SCAN") and not is_short(step, name)] == [], plan


def is_short(step: str, name: str) -> bool:
    """Tell whether a walk ends soon: along an index to the first few rows, or over what a search has found."""
    return ("USING INDEX" in step and name.startswith("newest")) or step.startswith(("SCAN (", "SCAN CONSTANT"))


def test_the_first_rows_in_order_come_straight_from_an_index(sqlite: SqlStore) -> None:
    for name in ("newest events", "newest reads of a calendar", "the newest evidence", "the incident of a release"):
        assert not any("TEMP B-TREE FOR ORDER BY" in step for step in plans_of(sqlite, QUESTIONS[name])), name
