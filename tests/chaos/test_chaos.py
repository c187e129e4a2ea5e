"""A bounded run of chaos with one seed; `make chaos` goes on for as long as it is let."""

from __future__ import annotations

import time
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest

from bench.postgres import running
from monitor.app.options import policies_of
from monitor.config.read import read_settings
from monitor.store.rows import Judged
from monitor.store.sql.engine import SqlStore
from monitor.watch.rejudge import replay
from tests.chaos.play import NEAR, play
from tests.chaos.world import NAMES, Truth, world


@pytest.mark.needs("postgresql")
def test_whatever_is_hurt_nothing_is_lost_told_wrongly_or_asked_too_often(tmp_path: Path) -> None:
    with running() as database:
        assert play(3, tmp_path, database, seconds=20) == []


@pytest.mark.needs("postgresql")
def test_monitors_upgraded_one_after_the_other_and_one_back_lose_and_repeat_nothing(tmp_path: Path) -> None:
    begins = float(round(time.time() + 20.0))
    lates = (0.2, 7.0, 0.7, 7.0, 0.2)
    truths = {f"r{n}": Truth(begins + 4.0 * n, begins + 4.0 * n + late) for n, late in enumerate(lates)}
    with running() as database, world(tmp_path, database, "redundant", truths) as made:
        up = time.time()
        made.until(begins + 1, begins + 1 - up)
        for name, version in ((NAMES[0], "tests.chaos.next_version"), (NAMES[1], "tests.chaos.next_version")):
            made.upgrade(name, version)
        made.upgrade(NAMES[0], "monitor")
        last = max(truth.out for truth in truths.values()) + 15.0
        made.until(last, last - time.time())
        made.end()
        with closing(SqlStore(database)) as store:
            rows = {row.release: row for row in store.verdicts.judged()}
            twice = [each for each in store.outbox.deliveries() if each.attempts > 1]
            differ = [
                found for _, found in replay(store, policies_of(read_settings(made.config(NAMES[0]))), None, None)
            ]
            assert (store.check(), twice, [one for one in differ if one]) == ([], [], [])
            assert store.newer == ""
            store.accept()
            assert store.newer == "9001"
        # On a slow machine the first slots are past before anybody looks.
        watched = {name: truth for name, truth in truths.items() if truth.slot > up + 2}
        said = {name: (rows[name].word, rows[name].body["first_seen"]) for name in watched}
        wrong = [(name, truth, said[name]) for name, truth in watched.items() if not _holds(rows[name], truth)]
        assert len(watched) >= 3
        assert wrong == []
        sent = [path.stem for path in tmp_path.glob("*/outbox/*/*.json")]
        assert len(sent) == len(set(sent)) > 0
        assert "store_newer" in (tmp_path / NAMES[1] / "log").read_text(encoding="utf-8")


def _holds(row: Judged, truth: Truth) -> bool:
    ends = (row.body["first_seen"][end] for end in ("after", "by"))
    after, by = (None if end is None else datetime.fromisoformat(end).timestamp() for end in ends)
    word = "late" if truth.out - truth.slot > 5 else "on_time"
    holds = after is not None and by is not None and after - NEAR <= truth.out <= by + NEAR
    return holds and row.word == word
