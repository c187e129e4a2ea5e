"""Several producers late together on one platform: notices, stored findings and replay agree."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.app.options import make_policies
from monitor.store.rows import DeliveryState
from monitor.watch.rejudge import StoredJudge, replay
from tests.unit.monitor.app.monitor_in_test import (
    HEAD,
    MonitorInTest,
    reopened,
    run_monitor,
    with_daemon,
)
from tests.unit.monitor.watch.release_table import release_table
from tests.worlds.scripts import an_answer

STATISTICS = "https://www.gov.uk/government/statistics"
OTHER = release_table(
    "visas", "Example visas: October 2026", f"{STATISTICS}/visas", producer="example-office"
)


def both_published(claims_at: str, visas_at: str) -> str:
    return an_answer(f"{STATISTICS}/claims", claims_at) + an_answer(f"{STATISTICS}/visas", visas_at)


@pytest.mark.slow
def test_two_late_releases_of_one_host_share_a_finding(tmp_path: Path) -> None:
    """Two producers publish on one host. Their releases have the slot 09:30, but come at 09:36 and
    09:44. At 09:34, each release has the finding `platform`, which says that they are late
    together. At the end, both are late, each has the finding once, and a replay from the store
    gives the same.
    """

    async def read_findings(monitor: MonitorInTest) -> None:
        await monitor.until("09:34:00")
        assert "platform" in monitor.finding_kinds("claims-q3")
        assert "platform" in monitor.finding_kinds("visas")
        await monitor.until("09:50:00")

    settings = run_monitor(
        tmp_path,
        both_published(claims_at="09:36:00", visas_at="09:44:00"),
        read_findings,
        head=HEAD + OTHER,
    )
    store = reopened(settings)
    # A replay judges both releases again from the store, and finds no difference from the verdicts.
    differences = dict(replay(store, make_policies(settings), begin=None, end=None))
    assert differences == {"claims-q3": [], "visas": []}
    rows = store.verdicts.judged()
    assert [row.word for row in rows] == ["late", "late"]
    # If the JSON is made again from the store, each release still has the finding, and only once.
    for row in rows:
        body = StoredJudge(store, make_policies(settings)).body_of(row, row.at)
        assert [finding["kind"] for finding in body["findings"]].count("platform") == 1
    store.close()


@pytest.mark.slow
@with_daemon(both_published(claims_at="09:36:00", visas_at="09:30:00"), head=HEAD + OTHER)
async def test_one_late_release_has_no_platform_finding(monitor: MonitorInTest) -> None:
    """Two releases on one host have the slot 09:30. Visas comes then, and claims only at 09:36. The
    finding `platform` would say that releases of several producers are late together. But only
    claims is late, so there is none.
    """
    await monitor.until("09:34:00")
    assert "late" in monitor.finding_kinds("claims-q3")
    assert "platform" not in monitor.finding_kinds("claims-q3")
    assert monitor.finding_kinds("visas") == set()


@pytest.mark.slow
@with_daemon(both_published(claims_at="09:36:00", visas_at="09:44:00"), head=HEAD + OTHER)
async def test_two_late_releases_of_one_host_share_an_incident(monitor: MonitorInTest) -> None:
    """Two producers publish on www.gov.uk, and both releases have the slot 09:30. At 09:34:30,
    neither is published yet. The finding `platform` says that they are late together. One incident
    names both.
    """
    await monitor.until("09:34:30")
    store = monitor.daemon.core.store
    row = store.verdicts.judged_one("visas")
    judge = StoredJudge(store, make_policies(monitor.settings))
    json_of_visas = judge.body_of(row, monitor.clock.now())
    assert "platform" in [finding["kind"] for finding in json_of_visas["findings"]]
    # The id of the incident is made of the host and the slot.
    incident = store.verdicts.incident("platform-www.gov.uk-2026-11-26T0930Z")
    assert [link.release for link in incident.linked] == ["claims-q3", "visas"]
    # All notices were sent.
    assert {row.standing for row in store.outbox.deliveries()} == {DeliveryState.SENT}
