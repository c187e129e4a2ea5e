"""Two monitors on one store, brought to the next version one after the other, and one of them back."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from monitor.app.options import make_policies
from monitor.config.settings import Settings
from monitor.store.sql.engine import Store
from monitor.store.sql.shape import OURS, Shape
from monitor.store.writer import DELAY
from monitor.watch.rejudge import replay
from tests.contracts.later import NEXT
from tests.unit.monitor.app.life import PUBLISHED_AT_SLOT, Life
from tests.unit.monitor.app.test_two_monitors import HOUR, NO_FAULTS, PUBLISHED_AT_09_40, SLOT, run_two_monitors


def set_store_version(life: Life, folder: Path, shape: Shape) -> None:
    """Make a monitor open its store as this version does, from its next start on."""
    life.store_of = lambda: Store(f"sqlite:///{(folder / 'ninethirty.db').as_posix()}", shape=shape)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("north_stops_and_starts", "south_stops_and_starts", "tables", "verdict"),
    [
        # On both sides of the slot, and of the moment at which it comes late.
        (("09:29:40.2", "09:29:52.6"), ("09:30:09.4", "09:30:21.2"), PUBLISHED_AT_SLOT, "on_time"),
        (("09:39:50.2", "09:39:57.6"), ("09:40:06.4", "09:40:21.2"), PUBLISHED_AT_09_40, "late"),
    ],
)
def test_monitors_upgraded_in_turn_and_one_downgraded_again_lose_no_second_and_send_nothing_twice(
    tmp_path: Path,
    north_stops_and_starts: tuple[str, str],
    south_stops_and_starts: tuple[str, str],
    tables: str,
    verdict: str,
) -> None:
    sent_ids = list[str]()

    async def act(north: Life, south: Life) -> None:
        for life, (stops, starts) in ((north, north_stops_and_starts), (south, south_stops_and_starts)):
            await life.until(stops)
            await life.end()
            set_store_version(life, tmp_path, NEXT)
            await life.until(starts)
            await life.start()
            await life.clock.sleep(2.0)
            # `newer`: the version of another monitor that upgraded the store. South sees North's until its own upgrade.
            assert north.daemon.core.store.newer == ""
            assert south.daemon.core.store.newer == (NEXT.head if life is north else "")
        await north.until("09:42:00")
        await north.end()
        # North goes back to the old version, which still works with the new store and asks for an upgrade.
        set_store_version(north, tmp_path, OURS)
        await north.start()
        await north.until("09:45:00")
        check = north.app.status.as_json()["status"]["Needs attention"]["Store"]
        assert f"{NEXT.head}, of a newer version" in check
        sent_ids.extend(message.id for life in (north, south) for message in life.received())

    store = run_two_monitors(tmp_path, tables, act, south_faults=NO_FAULTS, delay=DELAY)
    assert [row.word for row in store.verdicts.judged()] == [verdict]
    assert dict(replay(store, make_policies(Settings()), begin=None, end=None)) == {"claims-q3": []}
    published = SLOT + timedelta(minutes=10 if verdict == "late" else 0)
    incidents, notices = store.verdicts.incidents(), store.outbox.notices()
    assert len(incidents) == (1 if verdict == "late" else 0)
    assert len([notice.id for notice in notices if notice.kind == "opened"]) == len(incidents)
    assert all(delivery.attempts == 1 for delivery in store.outbox.deliveries())
    # No message was sent by both monitors.
    assert sorted(sent_ids) == sorted(notice.id for notice in notices)
    # One of them always looked, once a second. So the time of publication is known to a second, here with a margin.
    (page,) = store.verdicts.judged()[0].body["parts"]
    after, by = (datetime.fromisoformat(page["released"][end]) for end in ("after", "by"))
    assert after <= published <= by
    assert by - after < timedelta(seconds=1.5)
    assert {span.cause for span in store.runs.blind(SLOT - HOUR, SLOT + HOUR)} == {"stopped"}
    store.close()
