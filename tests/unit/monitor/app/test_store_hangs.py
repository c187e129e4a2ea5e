"""A store that neither answers nor fails: the watch goes on, says so, and tells what happened as soon as it can."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from monitor.look.sighting import State
from monitor.store.open import open_store
from tests.unit.monitor.app.hanging import EVERYTHING, PARTS, WRITING, HangingStore
from tests.unit.monitor.app.life import OUT_IN_TIME, Life, live

LATE = OUT_IN_TIME.replace("09:30:00", "09:33:00")
SECOND = timedelta(seconds=1)


def hanging(folder: Path) -> HangingStore:
    inner = open_store(f"sqlite:///{(folder / 'hung.db').as_posix()}", durable=False)
    inner.upgrade()
    return HangingStore(inner)


def notices(life: Life) -> list[str]:
    return [notice.kind for notice in life.daemon.store.outbox.notices()]


def test_the_store_is_never_called_where_looks_are_made(tmp_path: Path) -> None:
    store = hanging(tmp_path)

    async def act(life: Life) -> None:
        store.watching = True
        await life.until("10:10:00")
        life.app.status.status()
        assert b"".join(life.app.status.metrics())
        store.watching = False
        assert life.word() == "late"

    live(tmp_path, LATE, act, store_of=lambda: store.store)
    assert store.on_the_loop == []


@pytest.mark.parametrize("what", [EVERYTHING, *WRITING, *PARTS])
def test_a_store_that_never_answers_stops_neither_looks_nor_judging(tmp_path: Path, what: str) -> None:
    store = hanging(tmp_path)

    async def act(life: Life) -> None:
        await life.until("09:29:30")
        store.watching = True
        store.hang(what)
        for now, word in (("09:32:30", "pending"), ("09:33:20", "late")):
            await life.until(now)
            (told,) = map(life.app.status.body, life.app.status.pulses())
            assert told is not None
            assert told["verdict"] == word
        gaps = [run.largest_gap for run in life.runs() if run.state is State.ABSENT]
        assert max(gaps) < 16 * SECOND
        # A verdict is written with what the store knows of it already, and every commit is held against the heartbeat.
        is_writing = what in (EVERYTHING, *WRITING, "verdicts", "evidence", "leases")
        assert bool(life.app.status.unable()) is is_writing
        store.watching = False
        await store.free()
        await life.until("09:34:00")
        assert (life.word(), life.app.status.unable()) == ("late", [])
        assert "opened" in notices(life)

    live(tmp_path, LATE, act, store_of=lambda: store.store)
    assert store.on_the_loop == []


def test_a_commit_that_has_not_come_back_in_five_seconds_is_a_failure_of_the_store(tmp_path: Path) -> None:
    store = hanging(tmp_path)

    async def act(life: Life) -> None:
        await life.until("09:29:30")
        store.hang("commit")
        await life.until("09:29:34")
        assert (life.app.status.unable(), life.app.status.self_check.troubles()) == ([], [])
        await life.until("09:29:37")
        reason = "the store has not been writable since 09:29:30 UTC"
        assert (life.app.status.unable(), life.app.status.self_check.troubles()) == ([reason], [reason])
        assert life.daemon.counters.registry.get_sample_value("ninethirty_store_failures_total") == 1
        await store.free()
        await life.until("09:29:50")
        assert life.app.status.unready() == []
        (span,) = store.runs.blind(life.script.begins, life.clock.now())
        assert (span.cause, round((span.ends - span.begins).total_seconds())) == ("store", 7)

    live(tmp_path, LATE, act, store_of=lambda: store.store)


def test_a_signal_to_stop_ends_it_though_the_store_never_answers(tmp_path: Path) -> None:
    store = hanging(tmp_path)

    async def act(life: Life) -> None:
        await life.until("09:29:30")
        store.hang(EVERYTHING)
        await life.until("09:29:40")
        with pytest.raises(Exception, match="could not be stored"):
            await life.end()
        await store.free()

    live(tmp_path, LATE, act, store_of=lambda: store.store)
