from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest

from tests.deploy.conftest import CLOCK, PING, Chain, lines, until
from tests.deploy.test_grafana import BOARDS, targets

FILLED = {
    "$__rate_interval": "1m",
    "$__range": "1h",
    "$producer": ".*",
    "$release": ".*",
    "$instance": ".*",
}


def queries() -> dict[str, list[str]]:
    """Return every query of every board, with the variables filled in as Grafana would."""
    found = {}
    for board in BOARDS:
        filled = [
            re.sub(r"\$\w+", lambda one: FILLED[one[0]], target["expr"])
            for target in targets(board)
        ]
        found[board.stem] = filled
    return found


FIRING = (
    ("NinethirtyReleaseOverdue", {"release": "late"}),
    ("NinethirtyExposureOpen", {"release": "early"}),
)
"""Two alerts about releases that go on while parts of the chain are killed."""
TOLERANCE = timedelta(seconds=1)
"""`on_time_within` of the daemon of the chain."""
DOWN = ("NinethirtyDown", {"job": "ninethirty"})


@pytest.mark.needs("prometheus")
@pytest.mark.needs("alertmanager")
async def test_alerts_fire_and_no_killed_part_of_the_chain_makes_alertmanager_report_them_over(
    chain: Chain,
) -> None:
    await until("Prometheus scrapes the daemon", lambda: chain.ask('up{job="ninethirty"} == 1'))
    slot = (CLOCK.now() + timedelta(seconds=4)).replace(microsecond=0)
    chain.pages["/unseen"] = 503
    chain.promise(
        late=slot, punctual=slot, taken=slot, unseen=slot, early=slot + timedelta(hours=1)
    )
    await _late_and_early_fire(chain)
    await _withdrawn_and_unproven_fire(chain)
    await _daemon_and_prometheus_are_killed(chain)
    await _prometheus_is_killed(chain, *FIRING)
    await _alertmanager_is_killed(chain)
    _nothing_was_reported_over(chain)
    await _all_is_over(chain)
    _nothing_was_reported_over(chain)
    await _every_panel_shows_something(chain)
    await _it_stops_in_good_order(chain)
    _its_log_is_json_and_keeps_the_secret(chain.folder, chain)


@pytest.mark.needs("prometheus")
@pytest.mark.needs("alertmanager")
@pytest.mark.parametrize("chain", [pytest.param(False, id="intervals as shipped")], indirect=True)
async def test_a_missed_slot_reaches_the_receiver_and_its_publication_ends_the_alert(
    chain: Chain,
    record_testsuite_property: Callable[[str, object], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    await until("Prometheus scrapes the daemon", lambda: chain.ask('up{job="ninethirty"} == 1'))
    slot = (CLOCK.now() + timedelta(seconds=4)).replace(microsecond=0)
    chain.promise(late=slot)
    (alert, labels), *_ = FIRING

    async def is_notified() -> bool:
        return bool(chain.states(alert, **labels))

    await until("the alert reaches the receiver", is_notified)
    notified = next(one for one in chain.hooked if one["labels"].get("release") == "late")
    firing, published = datetime.fromisoformat(notified["startsAt"]), CLOCK.now()
    chain.pages["/late"] = 200

    async def is_final() -> bool:
        return bool(chain.notices("final", "late"))

    async def has_ended() -> bool:
        return await chain.is_active(alert, **labels) is False

    await until("the monitor itself notifies that it is over", is_final)
    final = CLOCK.now()
    await until("the alert ends", has_ended)
    due = slot + TOLERANCE
    instants = [due, firing, notified["received"], published, final]
    assert instants == sorted(instants)
    _nothing_was_reported_over(chain)
    figures = {
        "missed slot to alert firing": firing - due,
        "missed slot to webhook": notified["received"] - due,
        "publication to final notice": final - published,
        "publication to end of alert": CLOCK.now() - published,
    }
    with capsys.disabled():
        for name, length in figures.items():
            record_testsuite_property(name, length.total_seconds())
            sys.stdout.write(f"\n{name}: {length.total_seconds():.1f} s")


def _nothing_was_reported_over(chain: Chain) -> None:
    assert {one["status"] for one in chain.hooked} == {"firing"}
    assert chain.subjects()
    assert [
        subject for subject in chain.subjects() if "resolved" in subject.lower() or not subject
    ] == []


async def _late_and_early_fire(chain: Chain) -> None:
    async def absent_was_seen() -> bool:
        return chain.asked("/early") >= 2 and chain.asked("/punctual") >= 2

    await until("a look at each page", absent_was_seen)
    chain.pages |= {"/early": 200, "/punctual": 200}

    async def fires() -> bool:
        return all(chain.states(alert, **labels) for alert, labels in FIRING)

    await until("both alerts reach the receiver", fires)
    received = [one for one in chain.hooked if "release" in one["labels"]]
    links = {one["annotations"][name] for one in received for name in ("runbook_url", "board_url")}
    async with httpx.AsyncClient() as client:
        assert [link for link in links if (await client.get(link)).status_code != 200] == []
    assert [one["labels"]["board"] for one in received if "board" in one["labels"]] == []


async def _withdrawn_and_unproven_fire(chain: Chain) -> None:
    chain.pages |= {"/taken": 200, "/unseen": 200}
    looked = chain.asked("/taken")

    async def was_seen() -> bool:
        return chain.asked("/taken") > looked + 2

    await until("the page is seen", was_seen)
    chain.pages["/taken"] = 410

    async def fires() -> bool:
        taken = chain.states("NinethirtyReleaseAltered", release="taken", severity="warning")
        return bool(
            taken
            and chain.states("NinethirtyReleaseUnproven", release="unseen", severity="warning")
        )

    await until("both alerts reach the receiver", fires)


async def _daemon_and_prometheus_are_killed(chain: Chain) -> None:
    await chain.parts["daemon"].kill()
    await until(
        "many scrapes fail",
        lambda: chain.ask('count_over_time((up{job="ninethirty"} == 0)[10m:1s]) >= 12'),
    )

    async def down_fires() -> bool:
        return bool(chain.states(DOWN[0]))

    await until("Alertmanager notifies that the monitor is down", down_fires)
    assert [await chain.is_active(alert, **labels) for alert, labels in FIRING] == [True, True]
    await _prometheus_is_killed(chain, *FIRING, DOWN)
    await chain.parts["daemon"].start()
    looked = chain.asked("/late")
    reported = (
        'ninethirty_release_overdue_seconds{release="late"} > 0 and on () up{job="ninethirty"} == 1'
    )

    async def is_reported_again() -> object:
        return chain.asked("/late") > looked + 3 and await chain.ask(reported)

    await until("the new daemon reports the release", is_reported_again)


async def _prometheus_is_killed(chain: Chain, *alerts: tuple[str, dict[str, str]]) -> None:
    """Kill Prometheus, wait until Alertmanager has handled the end of these alerts, and start
    Prometheus again.
    """
    await chain.parts["prometheus"].kill()
    kill = f"kill-{len(chain.hooked)}"
    for alert, labels in alerts:

        async def has_ended(alert: str = alert, labels: dict[str, str] = labels) -> bool:
            return await chain.is_active(alert, **labels) is False

        await until(f"Alertmanager ends {alert}", has_ended)
        # Alertmanager notifies a group in order. Once it has sent a later alert of the group, it
        # has handled this end.
        group = {"producer": "dft"} if "release" in labels else {}
        await chain.push(alert, **group, instance=kill, severity="critical")

        async def has_passed(alert: str = alert) -> bool:
            return bool(chain.states(alert, instance=kill))

        await until(f"Alertmanager notifies the group of {alert}", has_passed)
    await chain.parts["prometheus"].start()
    for alert, labels in alerts:
        await until(
            f"{alert} fires again",
            lambda alert=alert, labels=labels: chain.is_active(alert, **labels),
        )


async def _alertmanager_is_killed(chain: Chain) -> None:
    counts = [len(chain.states(alert, **labels)) for alert, labels in FIRING]
    await chain.parts["alertmanager"].kill()
    await chain.parts["alertmanager"].start()

    async def are_notified_again() -> bool:
        now = [len(chain.states(alert, **labels)) for alert, labels in FIRING]
        return all(more > before for more, before in zip(now, counts, strict=True))

    await until("Alertmanager notifies both alerts again", are_notified_again)


async def _all_is_over(chain: Chain) -> None:
    chain.pages |= {"/early": 404, "/late": 200}

    async def is_over() -> bool:
        active = [await chain.is_active(alert, **labels) for alert, labels in FIRING]
        return bool(
            chain.notices("final", "late")
            and chain.notices("exposure_closed", "early")
            and not any(active)
        )

    await until("the monitor notifies that both are over, and the alerts end", is_over)


async def _every_panel_shows_something(chain: Chain) -> None:
    for board, asked in queries().items():
        for query in asked:
            await until(f"{board}: {query}", lambda query=query: chain.ask(query))


async def _it_stops_in_good_order(chain: Chain) -> None:
    daemon = chain.parts["daemon"].process
    assert daemon is not None
    assert chain.asked(f"/{PING}") >= 1
    daemon.terminate()
    assert await daemon.wait() == 0
    assert chain.systemd_messages[0] == b"READY=1"
    assert b"WATCHDOG=1" in chain.systemd_messages
    assert chain.systemd_messages[-1] == b"STOPPING=1"


def _its_log_is_json_and_keeps_the_secret(folder: Path, chain: Chain) -> None:
    events = {line["msg"] for line in lines(chain)}
    assert {"calendar_read", "turned", "verdict", "delivery", "request"} <= events
    assert "figures" not in json.dumps(lines(chain))
    assert PING not in (folder / "log").read_text(encoding="utf-8")
