"""A store in which two monitors of 1.0.0rc1 looked at the same time: see `fill_first_store`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from itertools import product
from pathlib import Path

import pytest
from sqlalchemy import inspect

from monitor.cli.main import status_of
from monitor.judge.runs import Run
from monitor.store.open import open_store
from monitor.store.sql.engine import Store
from tests.unit.monitor.app.replaying import differences_in_replay
from tests.worlds.first_store import fill_first_store, make_first_store

VERDICTS = {"arrears-q3": "late", "claims-q3": "on_time", "permits-q3": "early"}


@pytest.fixture(
    params=["sqlite", pytest.param("postgresql", marks=pytest.mark.needs("postgresql"))]
)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give the address of a store of 1.0.0rc1 with rows of two monitors."""
    if request.param == "postgresql":
        url = request.getfixturevalue("database")
    else:
        url = f"sqlite:///{tmp_path}/rc1.db"
    with closing(open_store(url)) as store, store._engine.begin() as connection:
        make_first_store(connection)
        assert "leader" not in inspect(connection).get_table_names()
        fill_first_store(connection)
    return url


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    """Give that store, upgraded."""
    with closing(Store.open_upgraded(url)) as upgraded:
        yield upgraded


def runs_by_monitor(store: Store) -> dict[str, list[Run]]:
    found: dict[str, list[Run]] = defaultdict(list)
    for run in store.runs.of_releases(list(VERDICTS)):
        found[run.monitor].append(run)
    return found


def test_runs_keep_their_monitors(store: Store) -> None:
    by_monitor = runs_by_monitor(store)
    looks = {name: sum(run.looks for run in runs) for name, runs in by_monitor.items()}
    assert looks == {"north": 932, "south": 749}
    overlapping = [
        (run, other)
        for run, other in product(by_monitor["north"], by_monitor["south"])
        if run.target == other.target
        and run.first_sent < other.last_received
        and other.first_sent < run.last_received
    ]
    assert len(overlapping) > 5


def test_replay_gives_the_stored_verdicts(store: Store) -> None:
    assert {row.release: row.word for row in store.verdicts.judged()} == VERDICTS
    assert differences_in_replay(store) == {name: [] for name in VERDICTS}


@pytest.mark.parametrize("monitor", ["north", "south"])
def test_stored_verdicts_need_the_looks_of_both_monitors(store: Store, monitor: str) -> None:
    with store.transaction() as tx:
        tx._connection.exec_driver_sql(f"DELETE FROM run WHERE monitor = '{monitor}'")  # noqa: S608 # our own name
    assert any(differences_in_replay(store).values())


def test_command_replay_finds_no_difference(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "config.toml"
    config.write_text(f'[store]\nurl = "{url}"\n')
    status = status_of(["--config", str(config), "store", "upgrade"])
    assert status == 0
    assert status_of(["--config", str(config), "replay"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "3 releases judged again, 0 differ"
