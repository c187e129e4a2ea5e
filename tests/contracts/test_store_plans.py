"""Ten years of releases: every question people or the daemon wait for is answered from an index, on
both databases.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Connection, event, text

from monitor.judge.runs import Blind
from monitor.store.sql.engine import Store
from monitor.store.sql.tables import METADATA
from tests.worlds.incidents import a_notice, an_incident
from tests.worlds.instants import DAY, MINUTE, SLOT
from tests.worlds.looks import a_run
from tests.worlds.releases import a_promise, a_release
from tests.worlds.stores import (
    a_delivery,
    a_read,
    a_record,
    a_sent_delivery,
    a_store_file,
    a_verdict_row,
    an_entry,
    an_event,
)

MOST_ROWS = 1500
"""Rows that one question may touch: a year of one producer and no more."""

QUESTIONS: dict[str, Callable[[Store], object]] = {
    "board: a day": lambda store: store.verdicts.judged(SLOT, SLOT + DAY),
    "board: one verdict": lambda store: store.verdicts.judged_one("r4000"),
    "api: a producer's year": lambda store: store.verdicts.judged(
        SLOT, SLOT + 365 * DAY, "office-7"
    ),
    "api: newest incidents": lambda store: store.verdicts.incidents(limit=500),
    "board: incidents that are open": lambda store: store.verdicts.open_incidents(500),
    "board: what was filled in of what it shows": lambda store: store.verdicts.words_on(
        ["i40", "i41"]
    ),
    "api: incidents of a month": lambda store: store.verdicts.incidents(SLOT, SLOT + 30 * DAY),
    "api: one incident": lambda store: store.verdicts.incident("i40"),
    "api: versions of a draft": lambda store: store.verdicts.drafts("i40"),
    "api: newest reads": lambda store: store.ledger.reads(limit=200),
    "api: newest reads of a calendar": lambda store: store.ledger.reads("govuk", 50),
    "api: joined calendar of a week": lambda store: store.ledger.releases(SLOT, SLOT + 7 * DAY),
    "api: given up": lambda store: store.outbox.given_up(SLOT + 3640 * DAY),
    "explain: the release": lambda store: store.ledger.release("r4000"),
    "explain: its promises": lambda store: store.ledger.promises(["r4000"]),
    "explain: its runs": lambda store: store.runs.of_release("r4000"),
    "api: events of a release": lambda store: store.verdicts.events(release="r4000"),
    "explain: its incidents": lambda store: store.verdicts.incidents_of("r4000"),
    "explain: its evidence": lambda store: store.evidence.records(["edge-1", "edge-4000"]),
    "explain: blind spans around it": lambda store: store.runs.blind(
        SLOT + 900 * DAY, SLOT + 960 * DAY
    ),
    "ledger: open verdicts": lambda store: store.verdicts.open_judged(),
    "ledger: releases not long over": lambda store: store.ledger.shown_since(SLOT + 3640 * DAY),
    "ledger: runs of some": lambda store: store.runs.of_releases(["r1", "r2"]),
    "ledger: verdicts on some": lambda store: store.verdicts.judged_on(["r1", "r2"]),
    "ledger: entries of some": lambda store: store.ledger.entries_of(["r1", "r2"]),
    "ledger: entries shown long ago": lambda store: store.ledger.entries_named(
        "govuk", ["u1", "u2"]
    ),
    "ledger: some releases": lambda store: store.ledger.releases_named(["r1", "r2"]),
    "ledger: what is stored otherwise": lambda store: store.ledger.differing(
        store.ledger.releases_named(["r1"])
    ),
    "ledger: a page of editions": lambda store: store.ledger.editions("r1", 100),
    "listing: releases alike": lambda store: store.ledger.releases_alike(
        "office-7", "malpractice", ["malpractice"]
    ),
    "ledger: entries of a calendar": lambda store: store.ledger.announced("small"),
    "ledger: last reads": lambda store: store.ledger.reads("govuk", limit=20),
    "ledger: promises of some": lambda store: store.ledger.promises(["r1", "r2"]),
    "api: a page of events": lambda store: store.verdicts.events((SLOT + 900 * DAY, "e"), limit=50),
    "api: one event": lambda store: store.verdicts.event("e40"),
    "draft: the producer's incidents": lambda store: store.verdicts.incidents(
        None, SLOT + 900 * DAY, "office-0"
    ),
    "outbox: due": lambda store: store.outbox.due_deliveries(SLOT + 3650 * DAY),
    "outbox: of a notice": lambda store: store.outbox.deliveries("n40"),
    "outbox: a notice": lambda store: store.outbox.notice("n40"),
    "outbox: notices of an incident": lambda store: store.outbox.notices("i40"),
    "leader: its row": lambda store: store.leases.leader(),
    "evidence: newest": lambda store: store.evidence.last("edge"),
    "evidence: a page of the chain": lambda store: store.evidence.chain("edge", 1000, 100),
    "start: heartbeat": lambda store: store.leases.heartbeat("edge"),
}

# How often each table of one first row is repeated, and what differs: {n} counts.
COPIES = {
    "release": (8000, {"id": "'r' || {n}", "producer": "'office-' || ({n} % 40)"}),
    "promise": (
        8000,
        {"release": "'r' || {n}", "learnt": "learnt + {step}", "begins": "begins + {step}"},
    ),
    "judged": (
        8000,
        {
            "release": "'r' || {n}",
            "producer": "'office-' || ({n} % 40)",
            "slot": "slot + {step}",
            "final": "{n} < 7990",
        },
    ),
    "event": (
        24000,
        {"id": "'e' || {n}", "release": "'r' || ({n} % 8000)", "at": "at + {step} / 3"},
    ),
    "run": (
        32000,
        {"target": "'r' || ({n} % 8000) || '/page/edge'", "first_sent": "first_sent + {n}"},
    ),
    "blind": (4000, {"begins": "begins + {step}", "ends": "ends + {step}"}),
    "announced": (
        8000,
        {"uid": "'u' || {n}", "release": "'r' || {n}", "gone": "seen_last + {step}"},
    ),
    "calendar_read": (8000, {"started": "started + {step}"}),
    "incident": (
        1600,
        {
            "id": "'i' || {n}",
            "release": "'r' || {n}",
            "producer": "'office-' || ({n} % 40)",
            "occurred": "occurred + 5 * {step}",
            "is_open": "{n} >= 1590",
        },
    ),
    "notice": (4000, {"id": "'n' || {n}", "incident": "'i' || ({n} % 1600)", "at": "at + {step}"}),
    "delivery": (4000, {"notice": "'n' || {n}", "finished": "finished + {step}"}),
    "evidence": (16000, {"number": "1 + {n}"}),
}
STEP = 10 * 365 * 86_400_000_000 // 8000


def first_rows(store: Store) -> None:
    office = {"producer": "office-0"}
    with store.transaction() as tx:
        tx.save(a_release(id="r0", **office))
        tx.add_promises([a_promise(release="r0")])
        tx.save(a_verdict_row("r0", word="on_time", grade="none", at=SLOT, **office))
        tx.add(an_event("e0", release="r0"))
        tx.save(a_run("r0/page/edge"))
        tx.add_blind(Blind(SLOT, SLOT + 5 * MINUTE, "network"))
        tx.save(*(an_entry("", calendar, "u0", seen_last=SLOT) for calendar in ("govuk", "small")))
        tx.save(a_read())
        tx.save(an_incident("i0", release="r0", **office))
        tx.add_notice(
            a_notice("n0", incident="i0", release="r0", **office), [a_sent_delivery(notice="n0")]
        )
        tx.add_evidence([a_record(1, "edge")])


def copy_rows(connection: Connection) -> None:
    """Make ten years of the first rows."""
    for table, (count, changes) in COPIES.items():
        values_of = {column.name: f'{table}."{column.name}"' for column in METADATA.tables[table].c}
        values_of |= {
            name: how.format(n="s.n", step=f"s.n * {STEP}") for name, how in changes.items()
        }
        series = (
            f"WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {count - 1})"  # noqa: S608 # names of our own
        )
        names, values = ", ".join(f'"{name}"' for name in values_of), ", ".join(values_of.values())
        only = " WHERE calendar = 'govuk'" if table == "announced" else ""
        copy = f"INSERT INTO {table} ({names}) {series} SELECT {values} FROM {table}, s{only}"  # noqa: S608 # as above
        connection.execute(text(copy))


def filled(url: str) -> Store:
    store = Store.open_upgraded(url, durable=False)
    first_rows(store)
    with store._engine.begin() as connection:
        copy_rows(connection)
    with store.transaction() as tx:
        tx.save(a_delivery(notice="n3999"))
    store.update_statistics()
    return store


@pytest.fixture(scope="module")
def sqlite_years(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = filled(a_store_file(tmp_path_factory.mktemp("years") / "store.db"))
    yield store
    store.close()


@pytest.fixture
def postgres_years(postgresql: str) -> Iterator[Store]:
    store = filled(postgresql)
    yield store
    store.close()


@contextmanager
def listening(store: Store) -> Iterator[list[tuple[str, Any]]]:
    """Collect every statement and its values."""
    statements: list[tuple[str, Any]] = []

    def record_statement(*arguments: Any) -> None:  # noqa: ANN401  # the arguments of the engine's event
        statements.append((arguments[2], arguments[3]))

    event.listen(store._engine, "before_cursor_execute", record_statement)
    try:
        yield statements
    finally:
        event.remove(store._engine, "before_cursor_execute", record_statement)


def explained(store: Store, ask: Callable[[Store], object], how: str) -> list[Any]:
    """Return the rows in which the database explains each statement of a question."""
    with listening(store) as statements:
        ask(store)
    asked = [
        (words, values)
        for words, values in statements
        if words.lstrip().startswith(("SELECT", "WITH"))
    ]
    assert asked
    with store._engine.connect() as connection:
        return [
            row
            for words, values in asked
            for row in connection.exec_driver_sql(f"{how} {words}", values).all()
        ]


@pytest.mark.parametrize("name", QUESTIONS)
def test_no_question_that_somebody_waits_for_reads_a_whole_table(
    sqlite_years: Store, name: str
) -> None:
    plan = [row[-1] for row in explained(sqlite_years, QUESTIONS[name], "EXPLAIN QUERY PLAN")]
    assert [step for step in plan if step.startswith("SCAN") and not is_short(step, name)] == [], (
        plan
    )


def is_short(step: str, name: str) -> bool:
    """Return whether a step that scans reads few rows: the first of an index, or only rows that a
    search found.
    """
    along = "USING INDEX" in step and "newest" in name
    # Releases joined into others, and open incidents, have their own partial indexes.
    has_own = "ix_release_joined_into" in step or "ix_incident_open" in step
    # The list of requested names is a table in memory.
    asked = "VIRTUAL TABLE" in step
    return along or has_own or asked or step.startswith(("SCAN (", "SCAN CONSTANT"))


def test_the_first_rows_in_order_come_straight_from_an_index(sqlite_years: Store) -> None:
    for name in (
        "api: a page of events",
        "api: newest reads of a calendar",
        "evidence: newest",
    ):
        plan = [row[-1] for row in explained(sqlite_years, QUESTIONS[name], "EXPLAIN QUERY PLAN")]
        assert not any("TEMP B-TREE FOR ORDER BY" in step for step in plan), name


@pytest.mark.needs("postgresql")
def test_no_question_touches_more_rows_than_it_must_on_postgresql(postgres_years: Store) -> None:
    for name, ask in QUESTIONS.items():
        plans = [row[0] for row in explained(postgres_years, ask, "EXPLAIN (ANALYZE, FORMAT JSON)")]
        nodes = [node for plan in plans for whole in parsed(plan) for node in walk(whole["Plan"])]
        assert sum(map(touched, nodes)) <= MOST_ROWS, (name, json.dumps(plans, indent=1))


def parsed(plan: Any) -> Any:  # noqa: ANN401  # JSON
    return json.loads(plan) if isinstance(plan, str) else plan


def walk(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for below in node.get("Plans", ()):
        yield from walk(below)


def touched(node: dict[str, Any]) -> float:
    """Return how many rows of a table a step read, those it threw away included."""
    if "Relation Name" not in node:
        return 0.0
    rows = (
        node["Actual Rows"]
        + node.get("Rows Removed by Filter", 0)
        + node.get("Rows Removed by Index Recheck", 0)
    )
    return float(rows * node["Actual Loops"])
