"""A restored or copied store has the same content, on either database."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, select, text

from alerts.silence import Scope, Silence
from monitor.app.options import make_policies
from monitor.cli.main import status_of
from monitor.config.settings import Settings
from monitor.errors import StoreFault, UserFault
from monitor.judge.runs import Blind
from monitor.store.move import copy_store, restore_store
from monitor.store.open import open_store
from monitor.store.rows import Actor, Heartbeat, RotaRead
from monitor.store.sql.engine import Store
from monitor.store.sql.tables import METADATA
from monitor.watch.rejudge import replay
from tests.unit.monitor.cli.conftest import fill
from tests.worlds.first_store import make_first_store
from tests.worlds.instants import DAY, SECOND, SLOT
from tests.worlds.looks import a_run
from tests.worlds.sessions import a_session
from tests.worlds.stores import a_claim, a_read, a_record, a_sent_delivery, an_entry


@pytest.fixture
def source(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path}/source.db"
    store = open_store(url)
    fill(store)
    store.close()
    return url


@pytest.fixture(
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.needs("postgresql"))]
)
def target(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return (
        request.getfixturevalue("database")
        if request.param == "postgresql"
        else f"sqlite:///{tmp_path}/new/target.db"
    )


def replayed(url: str) -> list[tuple[str, list[str]]]:
    store = open_store(url)
    try:
        assert store.check() == []
        return [
            (release, list(found))
            for release, found in replay(store, make_policies(Settings()), None, None)
        ]
    finally:
        store.close()


def test_a_store_goes_to_another_database_and_back_whole(
    source: str, target: str, tmp_path: Path
) -> None:
    rows = copy_store(source, target)
    assert (rows["release"], rows["run"], rows["incident"]) == (2, 2, 1)
    assert replayed(target) == replayed(source) == [("births-2016", [])]
    assert copy_store(target, f"sqlite:///{tmp_path}/back.db") == rows
    assert replayed(f"sqlite:///{tmp_path}/back.db") == replayed(source)


def rows_of(url: str) -> dict[str, list[Any]]:
    """Return every row of every table, in an order of its own."""
    with closing(Store(url)) as store, store._engine.connect() as connection:
        return {
            table.name: sorted(map(repr, connection.execute(select(table))))
            for table in METADATA.sorted_tables
        }


def fill_the_rest(url: str) -> None:
    """Add rows that no verdict writes: calendar entries, silences, claims, leases and duties."""
    with closing(Store(url)) as store, store.transaction() as tx:
        tx.save(an_entry("births-2016"), an_entry("deaths-2029", "ons", gone=SLOT + DAY))
        tx.save(a_read(usable=False, entries=3, fault="“503”", evidence="m-1"))
        tx.add_blind(Blind(SLOT - DAY, SLOT - DAY + SECOND, "store", host="www.gov.uk"))
        tx.save(
            Silence("s", Scope.PRODUCER, "ofqual", SLOT, SLOT + DAY, "duty", "ihre Seite zieht um")
        )
        tx.save(Actor("user:anne", "duty").act("silenced", "s", SLOT))
        tx.save(a_session(SLOT, "user:anne"))
        tx.save(RotaRead("on-call", SLOT, '[["duty A","…","…"]]'))
        tx.add(a_claim())
        tx.save(Heartbeat("m", SLOT, stopped=True))
        tx.add_evidence([a_record(1), a_record(2, offset=2**40, expired=SLOT)])
        tx.save(
            a_run("births-2016/page/edge", first=SLOT - DAY, address="https://x/ä", failed=2**20)
        )
        assert tx.take_lease("monitor m", "m 1", SLOT, SLOT + DAY)
        assert tx.take_leader("m 1", "m", SLOT, SLOT + DAY)
        notice = store.outbox.notices()[0].id
        tx.save(a_sent_delivery("desk", notice=notice, reference="Ä-1"))


def test_every_row_of_every_table_arrives_as_it_was(
    source: str, target: str, tmp_path: Path
) -> None:
    fill_the_rest(source)
    whole = rows_of(source)
    assert [name for name, rows in whole.items() if not rows] == []
    for begin, end in ((source, target), (target, f"sqlite:///{tmp_path}/back.db")):
        counted = copy_store(begin, end)
        assert counted == {name: len(rows) for name, rows in whole.items()}
        assert rows_of(end) == whole
        assert replayed(end) == replayed(source)
    with closing(Store(target)) as store:
        store.backup(tmp_path / "backup.db")
    assert restore_store(tmp_path / "backup.db", f"sqlite:///{tmp_path}/again.db") == counted
    assert rows_of(f"sqlite:///{tmp_path}/again.db") == whole


def test_a_backup_is_restored_whole_and_stays_as_it_was(
    source: str, target: str, tmp_path: Path
) -> None:
    store = open_store(source)
    store.backup(tmp_path / "backup.db")
    store.close()
    before = (tmp_path / "backup.db").read_bytes()
    assert sum(restore_store(tmp_path / "backup.db", target).values()) > 10
    assert replayed(target) == [("births-2016", [])]
    assert (tmp_path / "backup.db").read_bytes() == before


def test_nothing_that_is_there_is_overwritten(source: str, target: str) -> None:
    rows = copy_store(source, target)
    with pytest.raises(UserFault, match="is not empty, it has rows in draft, event, incident"):
        copy_store(source, target)
    with pytest.raises(UserFault, match="not empty"):
        restore_store(Path(source.removeprefix("sqlite:///")), target)
    assert replayed(target) == [("births-2016", [])]
    assert rows["notice"] == 3


@pytest.mark.parametrize(
    ("standing", "message"),
    [("waiting", "refused"), ("lost", "no row was copied, because one is invalid")],
)
def test_interrupted_copy_leaves_no_rows(
    source: str, target: str, standing: str, message: str
) -> None:
    with closing(sqlite3.connect(source.removeprefix("sqlite:///"))) as connection, connection:
        # About a notice that is not there: the last table of all refuses it.
        row = (standing,)
        connection.execute(
            "INSERT INTO delivery VALUES ('no such', 'desk', ?, 0, 0, NULL, NULL, '', '')", row
        )
        connection.commit()
        with pytest.raises(UserFault, match=message):
            copy_store(source, target)
        connection.execute("DELETE FROM delivery")
    assert copy_store(source, target)["release"] == 2


@pytest.mark.parametrize("revision", ["0011", "9999"])
def test_a_backup_of_a_version_that_is_too_old_or_too_new_is_refused_by_its_own_name(
    revision: str, tmp_path: Path, target: str
) -> None:
    backup = tmp_path / "old.db"
    engine = create_engine(f"sqlite:///{backup}")
    with engine.begin() as connection:
        make_first_store(connection)
        change = text("UPDATE alembic_version SET version_num = :revision")
        connection.execute(change, {"revision": revision})
    engine.dispose()
    with pytest.raises(StoreFault, match=revision):
        copy_store(f"sqlite:///{backup}", target)
    with pytest.raises(StoreFault, match=f"^store {backup}: .*{revision}"):
        restore_store(backup, target)


def test_a_backup_of_the_first_release_candidate_is_restored(tmp_path: Path, target: str) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/old.db")
    with engine.begin() as connection:
        make_first_store(connection)
    engine.dispose()
    assert set(restore_store(tmp_path / "old.db", target).values()) == {0}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no database at all " * 400, "is not whole, take another: file is not a database"),
        (b"", "is not a store of ninethirty"),
    ],
)
def test_file_that_is_no_backup_is_refused_in_one_line(
    content: bytes, message: str, tmp_path: Path
) -> None:
    (tmp_path / "backup.db").write_bytes(content)
    with pytest.raises(UserFault, match=message):
        restore_store(tmp_path / "backup.db", f"sqlite:///{tmp_path}/target.db")
    with pytest.raises(UserFault, match="no such file"):
        copy_store(f"sqlite:///{tmp_path}/none.db", f"sqlite:///{tmp_path}/target.db")
    assert not (tmp_path / "none.db").exists()
    assert not (tmp_path / "target.db").exists()


@pytest.mark.skipif(
    not Path("/proc/self/mem").is_file(), reason="needs a file that cannot be read, even by root"
)
def test_backup_with_an_unreadable_write_ahead_log_is_refused(source: str, tmp_path: Path) -> None:
    (tmp_path / "source.db-wal").symlink_to("/proc/self/mem")
    with pytest.raises(UserFault, match="cannot be read"):
        restore_store(tmp_path / "source.db", f"sqlite:///{tmp_path}/target.db")


def test_a_copy_of_what_is_damaged_is_refused_with_what_to_do(source: str, tmp_path: Path) -> None:
    file = Path(source.removeprefix("sqlite:///"))
    pages = bytearray(file.read_bytes())
    with closing(Store(source)) as store:
        # The map of pages, which is not used for copied rows.
        pages[4096:8192] = b"\xa5" * 4096
        file.write_bytes(pages)
        with pytest.raises(
            StoreFault, match=r"the database is damaged: stop, .*`ninethirty store restore BACKUP`$"
        ):
            store.backup(tmp_path / "b.db")
    assert not (tmp_path / "b.db").exists()


def test_a_damaged_store_says_in_one_line_what_to_do_and_is_replaced(
    source: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, config = Path(source.removeprefix("sqlite:///")), tmp_path / "config.toml"
    config.write_text(f'[store]\nurl = "{source}"\n[evidence]\nfolder = "{tmp_path}/evidence"\n')
    say = ("--config", str(config))
    assert status_of([*say, "store", "backup", str(tmp_path / "b.db")]) == 0
    pages = bytearray(file.read_bytes())
    pages[4096 * 3 : 4096 * 9] = b"\xa5" * (4096 * 6)
    file.write_bytes(pages)
    capsys.readouterr()
    assert status_of([*say, "store", "check"]) == 1
    [line] = capsys.readouterr().out.splitlines()
    assert line.startswith("the database is damaged (")
    assert line.endswith(
        "stop, move it and its -wal and -shm away, `ninethirty store restore BACKUP`"
    )
    for beside in tmp_path.glob("source.db*"):
        beside.rename(beside.with_name(f"damaged-{beside.name}"))
    assert status_of([*say, "store", "restore", str(tmp_path / "b.db")]) == 0
    assert "release 2" in capsys.readouterr().out
    assert status_of([*say, "store", "check"]) == 0


def test_a_database_of_somebody_else_is_not_copied(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/other.db")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE cats (name TEXT)"))
    engine.dispose()
    with pytest.raises(UserFault, match="is not a store of ninethirty"):
        copy_store(f"sqlite:///{tmp_path}/other.db", f"sqlite:///{tmp_path}/target.db")
