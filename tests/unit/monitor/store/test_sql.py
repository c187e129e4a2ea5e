from __future__ import annotations

import os
import socket
import sqlite3
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.errors import StoreDamaged, StoreFault, UserFault
from monitor.judge.runs import Run
from monitor.look.sighting import State
from monitor.store.open import open_store
from monitor.store.sql.engine import Store
from monitor.store.sql.json_compression import pack, unpack
from schedules.release import Release
from tests.worlds.instants import HOUR, SECOND, SLOT
from tests.worlds.stores import a_store_file, a_verdict_row, an_event, runs_of


def some_runs(count: int, target: str = "r/page/edge") -> list[Run]:
    each = [SLOT + timedelta(seconds=second) for second in range(count)]
    return [Run(target, State.ABSENT, at, at, at, at, why="x" * 200) for at in each]


def pragma(store: Store, name: str) -> object:
    with store._engine.connect() as connection:
        return connection.exec_driver_sql(f"PRAGMA {name}").scalar()


def give_up_locks_after_20_milliseconds(store: Store) -> None:
    with store._engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout=20")


def test_store_opens_with_pragmas_for_power_cuts_and_locks(tmp_path: Path) -> None:
    full = 2  # SQLite's number for `synchronous=FULL`
    pragmas = {"journal_mode": "wal", "synchronous": full, "busy_timeout": 5000, "foreign_keys": 1}
    with closing(Store.open_upgraded(f"sqlite:///{tmp_path}/store.db")) as store:
        assert {name: pragma(store, name) for name in pragmas} == pragmas


def test_readers_never_wait_for_a_writer(sqlite: Store) -> None:
    with ThreadPoolExecutor(1) as reading_thread, sqlite.transaction() as tx:
        tx.save(*some_runs(1))
        # The run is not committed yet, so another thread reads the store without it, and at once.
        assert reading_thread.submit(runs_of, sqlite, "r/page/edge").result() == []
    assert runs_of(sqlite, "r/page/edge") == some_runs(1)


def test_folder_made_for_a_relative_address_is_closed_to_others(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    here = Path.cwd()
    request.addfinalizer(lambda: os.chdir(here))
    os.chdir(tmp_path)
    store = open_store("sqlite:///var/deep/ninethirty.db")
    store.upgrade()
    store.close()
    assert (tmp_path / "var" / "deep" / "ninethirty.db").is_file()
    only_for_its_owner = 0o700
    assert stat.S_IMODE((tmp_path / "var" / "deep").stat().st_mode) == only_for_its_owner


def test_folder_that_cannot_be_created_is_reported_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file where a folder should be")
    with pytest.raises(StoreFault, match="its folder cannot be made") as fault:
        open_store(f"sqlite:///{tmp_path}/var/ninethirty.db")
    assert "\n" not in str(fault.value)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("mysql+pymysql://u:secret@h/d", "no store of kind mysql"),
        ("nonsense://u:secret@h", "cannot be read|no store of kind"),
        ("no address at all, secret", "cannot be read"),
    ],
)
def test_unknown_address_is_a_user_fault_without_the_password(url: str, message: str) -> None:
    """A case is an address with the password `secret`, such as of a MySQL server, which is not
    supported.
    """
    with pytest.raises(UserFault, match=message) as fault:
        open_store(url)
    assert "secret" not in str(fault.value)


def test_store_in_memory_leaves_no_file() -> None:
    store = Store("sqlite:///:memory:")
    # A database in memory belongs to one connection, so this store is a file in a temporary folder.
    folder = Path(str(store._engine.url.database)).parent
    store.upgrade()
    assert folder.is_dir()
    store.close()
    del store  # the folder is deleted with the object
    assert not folder.exists()


def test_locked_database_is_reported_and_used_again_when_free(sqlite: Store) -> None:
    give_up_locks_after_20_milliseconds(sqlite)
    with closing(sqlite3.connect(str(sqlite._engine.url.database), isolation_level=None)) as other:
        # Another program locks the database for its own writes.
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreFault, match="has locked it"), sqlite.transaction() as tx:
            tx.save(*some_runs(1))
        assert runs_of(sqlite, "r/page/edge") == []
        other.execute("ROLLBACK")
    with sqlite.transaction() as tx:
        tx.save(*some_runs(1))
    assert runs_of(sqlite, "r/page/edge") == some_runs(1)


def test_full_disk_is_reported_until_there_is_room_again(sqlite: Store) -> None:
    """The file may have at most 60 pages, so 2000 runs are refused.

    Then it may have more, and they are stored.
    """
    with sqlite.transaction() as tx:
        tx.save(*some_runs(5, "before/page/edge"))
    pages_too_few_for_2000_runs = 60
    with sqlite._engine.connect() as connection:
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages_too_few_for_2000_runs}")
    with pytest.raises(StoreFault, match="the disk is full"), sqlite.transaction() as tx:
        tx.save(*some_runs(2000))
    assert runs_of(sqlite, "r/page/edge") == []
    with sqlite._engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count=1000000")
    with sqlite.transaction() as tx:
        tx.save(*some_runs(2000))
    assert len(runs_of(sqlite, "r/page/edge", "before/page/edge")) == 2005
    assert sqlite.check() == []


def test_a_file_that_is_no_database_is_reported(tmp_path: Path) -> None:
    (tmp_path / "notes.db").write_text("This is a shopping list. " * 100)
    store = open_store(f"sqlite:///{tmp_path}/notes.db")
    with pytest.raises(StoreFault, match="the file is not a database"):
        store.upgrade()
    store.close()


def test_error_of_an_empty_store_says_what_to_do(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/new.db")
    with pytest.raises(StoreFault, match="run `ninethirty store upgrade`"):
        store.verdicts.judged()
    store.close()


@pytest.mark.parametrize(
    "address",
    [
        "watcher:secret@127.0.0.1:{port}/records",
        "watcher@127.0.0.1:{port}/records?password=secret&sslpassword=secret",
    ],
)
def test_unreachable_server_is_reported_in_one_line_without_the_password(address: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    # The server is closed again, so its port refuses connections.
    store = open_store(f"postgresql+psycopg://{address.format(port=port)}")
    with pytest.raises(StoreFault, match="refused") as fault:
        store.upgrade()
    assert "secret" not in str(fault.value)
    assert "\n" not in str(fault.value)
    store.close()


def test_a_backup_is_made_while_a_transaction_is_open(sqlite: Store, tmp_path: Path) -> None:
    with sqlite.transaction() as tx:
        tx.save(*some_runs(3))
    with sqlite.transaction() as tx:
        tx.save(*some_runs(1, "open/page/edge"))
        sqlite.backup(tmp_path / "copy.db")
    copy = Store(f"sqlite:///{tmp_path}/copy.db")
    # The copy has only what was committed.
    assert runs_of(copy, "r/page/edge", "open/page/edge") == some_runs(3)
    assert copy.check() == []
    copy.close()
    # Only the account of the monitor may read it.
    assert stat.S_IMODE((tmp_path / "copy.db").stat().st_mode) == 0o600


def test_backup_into_a_missing_folder_is_reported(sqlite: Store, tmp_path: Path) -> None:
    with pytest.raises(StoreFault, match="No such file"):
        sqlite.backup(tmp_path / "nowhere" / "copy.db")


def test_a_backup_that_fails_leaves_no_file(tmp_path: Path) -> None:
    (tmp_path / "notes.db").write_text("This is a shopping list. " * 100)
    store = Store(f"sqlite:///{tmp_path}/notes.db")
    with pytest.raises(StoreFault, match="not a database"):
        store.backup(tmp_path / "copy.db")
    store.close()
    assert [path.name for path in tmp_path.iterdir()] == ["notes.db"]


@pytest.mark.parametrize(
    ("insert_statements", "fault"),
    [
        (
            "INSERT INTO notice VALUES ('n', 'lost', 1, x'007b7d')",
            "notice n is about an unknown incident: lost",
        ),
        (
            "INSERT INTO incident VALUES ('i', 'r', 'p', 'late', 1, 1, x'007b7d', TRUE)",
            "incident i has no notice",
        ),
        (
            """INSERT INTO judged VALUES ('r', 'p', 1, 'late', 'note', 1, 1, x'007b7d');
            INSERT INTO event VALUES ('e', 'r', 1, 'pending', 'overdue', x'007b7d')""",
            "the verdict on r is late, its events lead to another",
        ),
        (
            (
                "INSERT INTO run VALUES ('t', 5, 'edge', 'absent', 4, 5, 5, 1, 0, 0, '', 404, NULL,"
                " '', NULL, 0, '', NULL, NULL)"
            ),
            "a run of t ends before it begins",
        ),
        (
            (
                "INSERT INTO run VALUES ('t', 5, 'e', 'absent', 5, 5, 5, 1, 0, 0, '', 404, NULL,"
                " 'e-1', NULL, 0, '', NULL, NULL)"
            ),
            "a run of t rests on evidence e-1, which is lost",
        ),
        (
            """INSERT INTO evidence VALUES ('edge', 2, 'calendar', 1, 'edge.warc.gz', 0, 1, x'00', x'00', NULL);
            INSERT INTO calendar_read VALUES ('govuk', 1, 2, 1, 3, '', '', 'edge-2 edge-3')""",
            "a read of govuk rests on evidence edge-3, which is lost",
        ),
        (
            "INSERT INTO event VALUES ('e', 'r', 1, 'pending', 'late', x'007b7d')",
            "the verdict on r is lost, its events are there",
        ),
        (
            "INSERT INTO judged VALUES ('r', 'p', 1, 'late', 'note', 1, 1, x'007b7d')",
            "release r is lost, its verdict is there",
        ),
        (
            "INSERT INTO judged VALUES ('r', 'p', 1, 'late', 'note', 1, 1, x'007b7d')",
            "every promise of r is lost, its verdict is there",
        ),
        (
            "INSERT INTO release VALUES ('r', 'p', x'0102', NULL, '', '')",
            "a row of r in release cannot be read",
        ),
        (
            "INSERT INTO release VALUES ('r', 'p', x'007b', NULL, '', '')",
            "a row of r in release cannot be read",
        ),
        (
            (
                "PRAGMA foreign_keys=OFF;INSERT INTO delivery VALUES ('n', 'mail', 'waiting', 1, 0,"
                " NULL, NULL, '', '')"
            ),
            "a delivery refers to a notice that is not there",
        ),
    ],
)
def test_check_of_a_store_reports_contradicting_rows(
    sqlite: Store, insert_statements: str, fault: str
) -> None:
    """A case has SQL statements that insert rows, and the fault that a check then reports. For
    example, a notice is inserted without its incident.
    """
    with closing(sqlite3.connect(str(sqlite._engine.url.database), isolation_level=None)) as other:
        other.executescript(insert_statements)
    faults = sqlite.check()
    faults.remove(fault)
    # Most verdicts are inserted without the release and promises that belong to them. Such faults
    # do not matter here.
    assert [other for other in faults if not is_about_missing_release_of_verdict(other)] == []


def is_about_missing_release_of_verdict(fault: str) -> bool:
    return "is lost, its verdict is there" in fault


def test_check_accepts_verdict_events_from_a_clock_set_back(sqlite: Store) -> None:
    """After the second change of the verdict, the clock is set back from an hour to 5 s after the
    slot. So the times of the events are not in order. The check still finds that they lead to the
    stored verdict, `pending`.
    """
    with sqlite.transaction() as tx:
        tx.add(an_event("e1", at=SLOT, before="", after="pending"))
        tx.add(an_event("e2", at=SLOT + HOUR, before="pending", after="unproven"))
        tx.add(an_event("e3", at=SLOT + 5 * SECOND, before="unproven", after="pending"))
        tx.add(an_event("e4", at=SLOT + 6 * SECOND, before="pending", after="pending"))
        tx.save(a_verdict_row(at=SLOT + 6 * SECOND, word="pending"))
    # The verdict has no release, which does not matter here.
    assert [
        fault for fault in sqlite.check() if not is_about_missing_release_of_verdict(fault)
    ] == []


@pytest.mark.parametrize(
    ("damage", "lacks"),
    [("DROP TABLE judged", ", it lacks judged"), ("DELETE FROM alembic_version", "")],
)
def test_store_without_a_table_or_its_version_is_called_damaged_and_not_old(
    tmp_path: Path, damage: str, lacks: str
) -> None:
    url = a_store_file(tmp_path / "store.db")
    with closing(sqlite3.connect(tmp_path / "store.db")) as connection:
        connection.execute(damage)
        connection.commit()
    for open_damaged in (Store.upgrade, Store.check_schema):
        with (
            closing(Store(url)) as store,
            pytest.raises(StoreDamaged, match=rf"the database is damaged{lacks}: stop, move it"),
        ):
            open_damaged(store)


def test_a_damaged_file_is_found(sqlite: Store) -> None:
    with sqlite.transaction() as tx:
        tx.save(*some_runs(500))
    file = Path(str(sqlite._engine.url.database))
    sqlite.close()
    data = bytearray(file.read_bytes())
    data[-3000:-2000] = bytes(1000)  # zeros in place of stored bytes
    file.write_bytes(data)
    # A closed store opens its file again at the next query.
    assert any("damaged" in line for line in sqlite.check())


def test_release_stored_with_unknown_or_default_fields_counts_as_unchanged(
    sqlite: Store, tmp_path: Path
) -> None:
    """`differing` returns the ids of releases that are not stored or differ from their stored rows.
    Of these two it returns only the one that is not stored.
    """
    release = Release("a", "Deaths", "ons", "https://x.example/a", ())
    with sqlite.transaction() as tx:
        tx.save(release)
    # In the store, give it a field with its default, `joined_by`, and a field that only a newer
    # version knows.
    with closing(sqlite3.connect(tmp_path / "store.db")) as connection, connection:
        ((body,),) = connection.execute("SELECT body FROM release").fetchall()
        with_more_fields = unpack(body).removesuffix("}") + ',"joined_by":"","unknown_field":1}'
        connection.execute("UPDATE release SET body = ?", (pack(with_more_fields),))
    not_stored = replace(release, id="b")
    assert sqlite.ledger.differing([release, not_stored]) == [not_stored.id]


def test_postgresql_without_its_driver_names_the_extra_to_install(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(
        '[store]\nurl = "postgresql+psycopg://ninethirty@127.0.0.1/ninethirty"\n', encoding="utf-8"
    )
    # The driver is installed here, so a process of its own hides it.
    code = (
        "import sys; sys.modules['psycopg'] = None; from monitor.cli.main import status_of;"
        f"sys.exit(status_of(['--config', {str(config)!r}, 'today']))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (
        1,
        "the store needs psycopg, which the extra `postgres` installs",
    )
