"""Records of evidence that a store lost after it had taken them, and that a monitor's journal
knows.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import delete

from monitor.store.evidence.chain import link_record, verify_evidence
from monitor.store.journal import Journal
from monitor.store.rows import Heartbeat, Record
from monitor.store.sql.engine import Store
from monitor.store.sql.tables import EVIDENCE
from tests.worlds.instants import SLOT
from tests.worlds.looks import a_run
from tests.worlds.releases import a_release
from tests.worlds.stores import a_record

BEAT = Heartbeat("m", SLOT)


@pytest.fixture
def store(sql_store: Store) -> Store:
    with sql_store.transaction() as tx:
        tx.save(a_release())
    return sql_store


def chained(many: int, monitor: str = "m") -> list[Record]:
    made, previous = list[Record](), ""
    for number in range(1, many + 1):
        made.append(link_record(a_record(number, monitor), previous))
        previous = made[-1].chain
    return made


def take(store: Store, *records: Record) -> None:
    with store.transaction() as tx:
        tx.add_evidence(records)


def lose(store: Store, first: int) -> None:
    """Have a store forget its last records, as one does that failed over to a standby some seconds
    behind.
    """
    with store._engine.begin() as connection:
        connection.execute(delete(EVIDENCE).where(EVIDENCE.c.number >= first))


def gaps(store: Store) -> list[str]:
    return [
        line for line in verify_evidence(store.evidence, Path(), []) if line.startswith("evidence")
    ]


@pytest.mark.parametrize("is_near", [True, False])
def test_what_a_store_has_lost_comes_back_with_what_was_kept_behind_it(
    store: Store, journal: Journal, *, is_near: bool
) -> None:
    records = chained(5)
    take(store, *records[: 4 if is_near else 2])
    journal.refresh_copy(store, SLOT)
    take(store, *records[2:4])
    lose(store, 3)
    run = a_run("page/origin", evidence=("m-4", "m-5"))
    journal.add_rows([run], [], BEAT, records[4:] if is_near else records)
    journal.merge_journal(store)
    assert store.evidence.chain("m") == records
    assert store.runs.of_release("r") == [run]
    assert gaps(store) == []


def test_a_record_that_rests_on_one_that_nobody_knows_is_not_brought_in(
    store: Store, journal: Journal
) -> None:
    records = chained(4)
    take(store, *records[:2])
    journal.refresh_copy(store, SLOT)
    journal.add_rows([a_run("page/origin", evidence=("m-2", "m-4"))], [], BEAT, records[3:])
    journal.merge_journal(store)
    assert store.evidence.chain("m") == records[:2]
    assert [run.evidence for run in store.runs.of_release("r")] == [("m-2",)]


def test_a_record_that_goes_on_from_another_than_the_stores_is_not_brought_in(
    store: Store, journal: Journal
) -> None:
    records = chained(3)
    take(store, records[0])
    journal.refresh_copy(store, SLOT)
    journal.add_rows([], [], BEAT, records)
    take(store, other := link_record(replace(records[1], kind="before"), records[0].chain))
    journal.merge_journal(store)
    assert store.evidence.chain("m") == [records[0], other]


def test_what_only_the_store_copy_knows_of_is_written_again_before_its_numbers_are_given_to_others(
    store: Store, journal: Journal
) -> None:
    records = chained(3)
    take(store, *records)
    journal.refresh_copy(store, SLOT)
    lose(store, 2)
    assert not journal.has_rows
    assert journal.merge_journal(store) == 2
    assert store.evidence.chain("m") == records
    assert journal.merge_journal(store) == 0


@pytest.mark.parametrize(("name", "brought"), [("m~20180105T093000Z", 1), ("more", 0)])
def test_what_a_monitor_kept_without_its_store_is_its_own_and_what_another_kept_is_left_to_that_one(
    store: Store, journal: Journal, name: str, brought: int
) -> None:
    records = chained(2, name)
    take(store, *records)
    journal.refresh_copy(store, SLOT)
    lose(store, 2)
    assert journal.merge_journal(store) == brought
    assert store.evidence.chain(name) == records[: 1 + brought]


def test_a_store_that_was_emptied_is_given_nothing_of_what_was_near(
    store: Store, journal: Journal
) -> None:
    take(store, *chained(2))
    journal.refresh_copy(store, SLOT)
    lose(store, 1)
    assert journal.merge_journal(store) == 0
    assert store.evidence.monitors() == []


def test_a_store_copy_that_cannot_be_read_keeps_nobody_from_a_store_that_is_well(
    store: Store, journal: Journal
) -> None:
    take(store, *chained(2))
    journal.refresh_copy(store, SLOT)
    journal.store_copy.write_bytes(b"damaged" * 1000)
    assert journal.merge_journal(store) == 0
