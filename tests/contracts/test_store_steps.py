"""A store of an earlier version, brought to this version's shape and back: on both databases, with
rows in it.
"""

from __future__ import annotations

import json
from dataclasses import replace

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from monitor.store.sql import migrate
from monitor.store.sql.engine import Store
from monitor.store.sql.json_compression import unpack
from monitor.store.sql.tables import METADATA
from tests.worlds.incidents import an_incident
from tests.worlds.looks import EDGE, a_run
from tests.worlds.releases import a_promise, a_release
from tests.worlds.stores import an_entry, runs_of


def test_the_steps_lead_to_the_tables_that_the_program_uses(sql_store: Store) -> None:
    with sql_store._engine.begin() as connection:
        migrate.downgrade(connection)
        migrate.upgrade(connection)
    with sql_store._engine.begin() as connection:
        assert list(compare_metadata(MigrationContext.configure(connection), METADATA)) == []


def test_rows_of_the_second_version_are_found_by_the_third(sql_store: Store) -> None:
    entries, release = [an_entry("r"), an_entry("s", "ons")], a_release()
    with sql_store.transaction() as tx:
        tx.save(release)
        tx.add_promises([a_promise()])
        tx.save(*entries)
    with sql_store._engine.begin() as connection:
        migrate.downgrade(connection, "0002")
        (body,) = connection.execute(text("SELECT body FROM release")).scalars()
        stored = json.loads(unpack(bytes(body)))
        assert (stored["title"], stored["url"]) == (release.title, release.url)
        bodies = connection.execute(text("SELECT body FROM announced ORDER BY uid")).scalars().all()
        assert [json.loads(unpack(bytes(one)))["release"] for one in bodies] == ["r", "s"]
    sql_store.upgrade()
    assert (sql_store.ledger.releases(), sql_store.ledger.entries_of(["r", "s"])) == (
        [release],
        entries,
    )
    assert sql_store.ledger.releases_alike("ofqual", "government/statistics/malpractice", []) == [
        release
    ]
    assert [edition.title for edition in sql_store.ledger.editions()] == [release.title]


def test_runs_of_the_third_version_are_those_of_the_monitor_whose_records_they_name(
    sql_store: Store,
) -> None:
    kept = a_run(monitor="north-2", evidence=("north-2-15", "north-2-16"))
    both = [
        replace(kept, monitor=""),
        replace(kept, target="r/sheet/edge"),
        replace(kept, monitor="south"),
    ]
    with sql_store.transaction() as tx:
        tx.save(replace(both[0], target="r/page/origin", evidence=()), both[1], both[2])
    with sql_store._engine.begin() as connection:
        migrate.downgrade(connection, "0003")
    sql_store.upgrade()
    monitors = {run.target: run.monitor for run in sql_store.runs.of_release("r")}
    assert monitors == {"r/page/edge": "north-2", "r/page/origin": "", "r/sheet/edge": "north-2"}
    with sql_store.transaction() as tx:
        tx.save(kept, both[2])
    with sql_store._engine.begin() as connection:
        migrate.downgrade(connection, "0003")
    sql_store.upgrade()
    assert len(runs_of(sql_store, EDGE)) == 1


def test_incidents_of_the_fifth_version_are_open_or_over_as_they_were(sql_store: Store) -> None:
    still = an_incident("i")
    over = replace(
        still, id="over", closed=still.opened, words={"waived": "no report was called for"}
    )
    owed = replace(still, id="owed", closed=still.opened)
    with sql_store.transaction() as tx:
        for one in (still, over, owed):
            tx.save(one)
    with sql_store._engine.begin() as connection:
        migrate.downgrade(connection, "0005")
    sql_store.upgrade()
    assert {one.id for one in sql_store.verdicts.open_incidents(9)} == {"i", "owed"}
    assert len(sql_store.verdicts.incidents()) == 3
