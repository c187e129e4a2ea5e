"""Two versions work on one store: additions do not disturb the older one, and an incompatible one
is refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, column, create_engine, inspect, select, table, text, update
from structlog.testing import capture_logs

from monitor.app.history import History
from monitor.errors import StoreFault, StoreTooNew, StoreTooOld, UserFault
from monitor.store.move import copy_store, restore_store
from monitor.store.rows import Heartbeat
from monitor.store.sql import migrate
from monitor.store.sql.engine import Store
from monitor.store.sql.shape import OURS, Shape
from monitor.store.sql.tables import HEAD, WORKS_FROM
from tests.contracts.later import AFTER, BEFORE, NEXT, known_revisions
from tests.contracts.later.v9001_what_is_added import MORE
from tests.worlds.incidents import a_notice, an_incident
from tests.worlds.instants import MINUTE, SLOT
from tests.worlds.looks import EDGE, a_run
from tests.worlds.releases import a_promise, a_release
from tests.worlds.stores import a_delivery, a_sent_delivery, a_verdict_row, an_event, runs_of


@pytest.fixture(
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.needs("postgresql"))]
)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return (
        request.getfixturevalue("database")
        if request.param == "postgresql"
        else f"sqlite:///{tmp_path}/store.db"
    )


def opened(place: str, shape: Shape) -> Store:
    store = Store(place, durable=False, shape=shape)
    store.upgrade()
    return store


def fill(store: Store, *, with_runs: bool = True) -> None:
    with store.transaction() as tx:
        tx.save(a_release())
        tx.add_promises([a_promise(confirmed_at=None)])
        tx.save(*([a_run()] if with_runs else []))
        tx.save(a_verdict_row("r", word="pending", final=False))
        tx.add(an_event("first"))
        tx.save(an_incident("i"))
        tx.add_notice(a_notice("n"), [a_delivery("desk")])
        tx.save(Heartbeat("old", SLOT))
        assert tx.take_lease("outbox", "old", SLOT, SLOT + MINUTE)


def go_on(store: Store, *, with_runs: bool = True) -> None:
    """Write over every row of `fill`, as a monitor does that goes on."""
    with store.transaction() as tx:
        tx.save(a_release())
        tx.confirm_all("govuk", ["r"], SLOT)
        tx.save(*([a_run(looks=2, last_received=SLOT + MINUTE)] if with_runs else []))
        tx.save(a_verdict_row("r"))
        tx.add(an_event("second"))
        tx.save(an_incident("i", closed=SLOT))
        tx.add_notice(a_notice("n"), [])
        tx.save(a_sent_delivery("desk"))
        tx.save(Heartbeat("old", SLOT + MINUTE))
        assert tx.take_lease("outbox", "old", SLOT, SLOT + 2 * MINUTE)


def read_everything(store: Store) -> list[Any]:
    verdicts, outbox = store.verdicts, store.outbox
    return [
        store.ledger.releases(),
        store.ledger.promises(["r"]),
        runs_of(store, EDGE),
        verdicts.judged(),
        verdicts.events(),
        verdicts.incidents(),
        outbox.notices(),
        outbox.deliveries(),
        store.leases.lease("outbox"),
        store.leases.heartbeat("old"),
    ]


@pytest.mark.parametrize(
    ("older", "newer"), [(BEFORE, OURS), (OURS, NEXT)], ids=["before and this", "this and next"]
)
def test_a_version_goes_on_reading_and_writing_beside_the_next(
    place: str, older: Shape, newer: Shape
) -> None:
    with closing(Store(place, shape=older)) as old, closing(Store(place, shape=newer)) as new:
        if older is BEFORE:
            _make_older(place)
        old.upgrade()
        # The version before wrote runs without `first_received`. The code of this version cannot
        # write them so.
        with_runs = older is not BEFORE
        fill(old, with_runs=with_runs)
        assert old.newer == ""
        new.upgrade()
        assert read_everything(old) == read_everything(new)
        with new._engine.begin() as connection:
            added = [
                table(name, column("remark"), column("weight")) for name in MORE if newer is NEXT
            ]
            for each in added:
                connection.execute(update(each).values(remark="kept", weight=7))
        with capture_logs() as logs:
            go_on(old, with_runs=with_runs)
            go_on(old, with_runs=with_runs)
        assert [(line["event"], line["shape"]) for line in logs] == [("store_newer", newer.head)]
        assert (old.newer, new.newer) == (newer.head, "")
        assert read_everything(old) == read_everything(new)
        # Columns of the next version keep their values, and rows that the older version adds get
        # the defaults.
        with new._engine.begin() as connection:
            for each in added:
                rows = connection.execute(select(each).order_by(each.c.weight)).all()
                assert rows == ([(None, 1), ("kept", 7)] if each.name == "event" else [("kept", 7)])
        assert [each.id for each in new.verdicts.events()] == ["first", "second"]
        assert (
            new.outbox.due_deliveries(SLOT + MINUTE),
            old.outbox.due_deliveries(SLOT + MINUTE),
        ) == ([], [])
        old.upgrade()
        assert [
            line for line in old.check() if "lost" not in line and "says another" not in line
        ] == []
        with new._engine.begin() as connection:
            assert (
                connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
                == newer.head
            )


def _make_older(place: str) -> None:
    engine = create_engine(place)
    with engine.begin() as connection:
        migrate.upgrade(connection, BEFORE.head)
    engine.dispose()


@pytest.mark.parametrize(
    ("first", "then"), [(OURS, NEXT), (NEXT, OURS)], ids=["old then new", "new then old"]
)
def test_what_one_version_tells_the_other_does_not_tell_again(
    place: str, first: Shape, then: Shape
) -> None:
    with (
        closing(opened(place, NEXT)),
        closing(opened(place, first)) as one,
        closing(opened(place, then)) as other,
    ):
        fill(one)
        with other.transaction() as tx:
            assert not tx.take_lease("outbox", "other", SLOT, SLOT + MINUTE)
            assert not tx.add(an_event("first"))
            assert not tx.add_notice(a_notice("n"), [a_delivery("desk")])
        assert [due.notice for due in other.outbox.due_deliveries(SLOT)] == ["n"]
        with one.transaction() as tx:
            tx.save(a_sent_delivery("desk"))
        assert other.outbox.due_deliveries(SLOT) == []


def test_a_version_beside_which_no_older_one_works_takes_the_store_from_those_that_run(
    place: str,
) -> None:
    with closing(opened(place, OURS)) as old, closing(Store(place, shape=AFTER)) as new:
        fill(old)
        new.upgrade()
        with pytest.raises(
            StoreTooNew, match=r"a newer version of ninethirty made it \(its shape is 9002\)"
        ):
            go_on(old)
        with pytest.raises(StoreTooNew):
            old.upgrade()
        with pytest.raises(StoreTooNew), closing(Store(place)) as reader:
            reader.check_schema()
        with new._engine.begin() as connection:
            assert connection.execute(text("SELECT looks FROM run")).scalars().all() == [1]


def test_who_only_reads_takes_no_step(place: str) -> None:
    _make_older(place)
    with closing(Store(place)) as reader:
        for ask in (
            reader.check_schema,
            lambda: reader.upgrade(may_migrate=False),
            lambda: History(place),
        ):
            with pytest.raises(
                StoreTooOld, match=f"its shape is {BEFORE.head}, this version needs {HEAD}"
            ):
                ask()
        with reader._engine.begin() as connection:
            assert (
                connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
                == BEFORE.head
            )


def test_a_store_from_before_this_was_kept_is_marked_by_the_first_start(place: str) -> None:
    with closing(opened(place, OURS)) as store:
        fill(store)
        with store._engine.begin() as connection:
            connection.execute(text("ALTER TABLE alembic_version DROP COLUMN works_from"))
    with closing(opened(place, OURS)) as store:
        go_on(store)
        with store._engine.begin() as connection:
            assert connection.execute(text("SELECT * FROM alembic_version")).all() == [
                (HEAD, WORKS_FROM)
            ]


def test_what_a_newer_version_keeps_is_not_left_behind_by_a_copy(
    place: str, tmp_path: Path
) -> None:
    with closing(opened(place, NEXT)), closing(opened(place, OURS)) as old:
        with pytest.raises(UserFault, match="its shape is 9001, newer than this version's"):
            copy_store(place, f"sqlite:///{tmp_path}/copy.db")
        if place.startswith("sqlite"):
            # The database file is copied as it is, page by page.
            old.backup(tmp_path / "backup.db")
            with pytest.raises(UserFault, match=f"^store {tmp_path}/backup.db: its shape is 9001"):
                restore_store(tmp_path / "backup.db", f"sqlite:///{tmp_path}/copy.db")
        else:
            with pytest.raises(UserFault, match="its shape is 9001"):
                old.backup(tmp_path / "backup.db")
    assert not (tmp_path / "copy.db").exists()


@pytest.mark.needs("postgresql")
def test_a_step_that_would_hold_up_the_others_behind_a_long_reader_is_put_off(
    database: str,
) -> None:
    with closing(opened(database, OURS)) as old, closing(Store(database, shape=NEXT)) as new:
        fill(old)
        with old._engine.begin() as reader:
            reader.execute(text("SELECT * FROM run")).all()
            with pytest.raises(StoreFault, match="lock timeout"):
                new.upgrade()
        go_on(old)
        assert old.newer == ""
        new.upgrade()
        go_on(old)
        assert old.newer == "9001"


# Rules for every migration


def _steps() -> Iterator[tuple[str, str]]:
    known = known_revisions(AFTER)
    yield from ((step, before) for step, before in pairwise(known) if _expands(step))


def _expands(step: str) -> bool:
    return migrate.find_oldest_usable(step, AFTER) != step


def _shape(connection: Connection) -> dict[str, dict[str, Any]]:
    asked = inspect(connection)
    return {
        name: {
            "columns": {one["name"]: one for one in asked.get_columns(name)},
            "rules": (
                asked.get_pk_constraint(name),
                asked.get_foreign_keys(name),
                asked.get_unique_constraints(name),
            ),
            "unique": [one for one in asked.get_indexes(name) if one["unique"]],
        }
        for name in asked.get_table_names()
    }


@pytest.mark.parametrize(("step", "before"), list(_steps()))
def test_a_step_that_says_so_only_adds(step: str, before: str) -> None:
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        migrate.upgrade(connection, before, AFTER)
        was = _shape(connection)
        migrate.upgrade(connection, step, AFTER)
        now = _shape(connection)
    engine.dispose()
    for name, old in was.items():
        mine, theirs = old["columns"], now[name]["columns"]
        assert {each: str(theirs[each]) for each in mine} == {
            each: str(mine[each]) for each in mine
        }
        assert [
            n
            for n in theirs.keys() - mine
            if not theirs[n]["nullable"] and theirs[n]["default"] is None
        ] == []
        assert (now[name]["rules"], now[name]["unique"]) == (old["rules"], old["unique"])


def test_the_steps_that_only_added_are_the_newest_and_the_tables_name_the_last_of_the_others() -> (
    None
):
    assert (WORKS_FROM, migrate.find_oldest_usable("9001", NEXT)) == (
        migrate.find_oldest_usable(HEAD),
        WORKS_FROM,
    )
    assert migrate.find_oldest_usable("9002", AFTER) == "9002"
    assert len(list(_steps())) > 1
    assert sorted(known_revisions(AFTER), reverse=True) == list(known_revisions(AFTER))
