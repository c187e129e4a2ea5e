"""Several producers late together on one platform: told of each, stored the same, and replayed the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.app.options import make_policies
from monitor.store.rows import DeliveryState
from monitor.watch.rejudge import current_body, replay
from tests.unit.monitor.app.life import HEAD, Life, live, reopened

OTHER = """
[[release]]
id = "visas"
title = "Example visas: October 2026"
producer = "example-office"
url = "https://www.gov.uk/government/statistics/visas"
slot = 2026-11-26T09:30:00
known_from = 2026-10-29T09:30:00
"""


def answers(claims: str, visas: str) -> str:
    return (
        f'[[answer]]\nurl = "https://www.gov.uk/government/statistics/claims"\nat = 2026-11-26T{claims}\n'
        f'[[answer]]\nurl = "https://www.gov.uk/government/statistics/visas"\nat = 2026-11-26T{visas}\n'
    )


def findings(life: Life, release: str) -> list[str]:
    row = life.daemon.store.verdicts.judged_one(release)
    return [] if row is None else [found["kind"] for found in row.body["findings"]]


@pytest.mark.slow
def test_releases_late_together_are_told_so_each_and_replay_finds_no_difference(tmp_path: Path) -> None:
    async def act(life: Life) -> None:
        await life.until("09:34:00")
        assert "platform" in findings(life, "claims-q3")
        assert "platform" in findings(life, "visas")
        await life.until("09:50:00")

    settings = live(tmp_path, answers("09:36:00", "09:44:00"), act, head=HEAD + OTHER)
    store = reopened(settings)
    told = dict(replay(store, make_policies(settings), None, None))
    assert told == {"claims-q3": [], "visas": []}
    rows = store.verdicts.judged()
    assert [row.word for row in rows] == ["late", "late"]
    again = [current_body(store, make_policies(settings), row, row.at) for row in rows]
    assert [[found["kind"] for found in body["findings"]].count("platform") for body in again] == [1, 1]
    store.close()


@pytest.mark.slow
def test_one_release_late_alone_is_no_matter_of_the_platform(tmp_path: Path) -> None:
    async def act(life: Life) -> None:
        await life.until("09:34:00")
        assert "late" in findings(life, "claims-q3")
        assert "platform" not in findings(life, "claims-q3")
        assert findings(life, "visas") == []

    live(tmp_path, answers("09:36:00", "09:30:00"), act, head=HEAD + OTHER)


@pytest.mark.slow
def test_the_board_tells_of_the_platform_while_it_lasts(tmp_path: Path) -> None:
    async def act(life: Life) -> None:
        await life.until("09:34:30")
        store = life.daemon.store
        row = store.verdicts.judged_one("visas")
        assert row is not None
        body = current_body(store, make_policies(life.settings), row, life.clock.now())
        assert "platform" in [found["kind"] for found in body["findings"]]
        whole = store.verdicts.incident("platform-www.gov.uk-2026-11-26T0930Z")
        assert whole is not None
        assert [one.release for one in whole.linked] == ["claims-q3", "visas"]
        assert {row.standing for row in store.outbox.deliveries()} == {DeliveryState.SENT}

    live(tmp_path, answers("09:36:00", "09:44:00"), act, head=HEAD + OTHER)
