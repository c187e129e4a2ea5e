from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from tests.deploy.conftest import CLOCK, PING, Chain, lines, until
from tests.deploy.test_grafana import BOARDS, targets

FILLED = {"$__rate_interval": "1m", "$__range": "1h", "$producer": ".*", "$release": ".*", "$instance": ".*"}


def queries() -> dict[str, list[str]]:
    """Return every query of every board, with the variables filled in as Grafana would."""
    found = {}
    for board in BOARDS:
        filled = [re.sub(r"\$\w+", lambda one: FILLED[one[0]], target["expr"]) for target in targets(board)]
        found[board.stem] = filled
    return found


@pytest.mark.needs("prometheus")
@pytest.mark.needs("alertmanager")
async def test_what_befalls_a_release_rings_once_and_resolves_and_every_panel_has_something_to_show(
    chain: Chain,
) -> None:
    await until("Prometheus scrapes the daemon", lambda: chain.ask('up{job="ninethirty"} == 1'))
    slot = (CLOCK.now() + timedelta(seconds=4)).replace(microsecond=0)
    chain.pages["/unseen"] = 503
    chain.promise(late=slot, punctual=slot, taken=slot, unseen=slot, early=slot + timedelta(hours=1))
    await _both_ring(chain)
    await _what_is_taken_away_and_what_nobody_saw_come_ring(chain)
    await _a_kill_resolves_nothing(chain)
    await _both_resolve(chain)
    await _every_panel_shows_something(chain)
    await _it_stops_in_good_order(chain)
    _its_log_is_json_and_keeps_the_secret(chain.folder, chain)


async def _both_ring(chain: Chain) -> None:
    async def absent_was_seen() -> bool:
        return chain.asked("/early") >= 2 and chain.asked("/punctual") >= 2

    await until("a look at each page", absent_was_seen)
    chain.pages |= {"/early": 200, "/punctual": 200}

    async def rings() -> bool:
        late, early = chain.states("NinethirtyReleaseOverdue", "late"), chain.states("NinethirtyExposureOpen", "early")
        return "firing" in late and "firing" in early

    await until("both alerts reach the receiver", rings)
    told = [one for one in chain.hooked if "release" in one["labels"]]
    links = {one["annotations"][name] for one in told for name in ("runbook_url", "board_url")}
    async with httpx.AsyncClient() as client:
        assert [link for link in links if (await client.get(link)).status_code != 200] == []
    assert [one["labels"]["board"] for one in told if "board" in one["labels"]] == []


async def _what_is_taken_away_and_what_nobody_saw_come_ring(chain: Chain) -> None:
    chain.pages |= {"/taken": 200, "/unseen": 200}
    looked = chain.asked("/taken")

    async def was_seen() -> bool:
        return chain.asked("/taken") > looked + 2

    await until("it is seen out", was_seen)
    chain.pages["/taken"] = 410

    async def rings() -> bool:
        taken = chain.states("NinethirtyReleaseAltered", "taken")
        return "firing" in taken and "firing" in chain.states("NinethirtyReleaseUnproven", "unseen")

    await until("both alerts reach the receiver", rings)
    told = [one["labels"] for one in chain.hooked if one["labels"].get("release") in {"taken", "unseen"}]
    named = {(one["release"], one["alertname"], one["severity"]) for one in told}
    assert named >= {
        ("taken", "NinethirtyReleaseAltered", "warning"),
        ("unseen", "NinethirtyReleaseUnproven", "warning"),
    }


async def _a_kill_resolves_nothing(chain: Chain) -> None:
    assert chain.daemon is not None
    assert chain.start is not None
    chain.daemon.kill()
    await chain.daemon.wait()
    await until("many scrapes in vain", lambda: chain.ask('count_over_time((up{job="ninethirty"} == 0)[10m:1s]) >= 12'))
    chain.daemon = await chain.start()
    looked = chain.asked("/late")
    told = 'ninethirty_release_overdue_seconds{release="late"} > 0 and on () up{job="ninethirty"} == 1'

    async def is_told_again() -> object:
        return chain.asked("/late") > looked + 3 and await chain.ask(told)

    await until("it is told of again", is_told_again)
    for alert, release in (("NinethirtyReleaseOverdue", "late"), ("NinethirtyExposureOpen", "early")):
        assert set(chain.states(alert, release)) == {"firing"}


async def _both_resolve(chain: Chain) -> None:
    chain.pages |= {"/early": 404, "/late": 200}

    async def over() -> bool:
        late, early = chain.states("NinethirtyReleaseOverdue", "late"), chain.states("NinethirtyExposureOpen", "early")
        return late[-1] == early[-1] == "resolved"

    await until("both alerts resolve", over)
    for alert, release in (("NinethirtyReleaseOverdue", "late"), ("NinethirtyExposureOpen", "early")):
        assert chain.states(alert, release).count("resolved") == 1


async def _every_panel_shows_something(chain: Chain) -> None:
    for board, asked in queries().items():
        for query in asked:
            await until(f"{board}: {query}", lambda query=query: chain.ask(query))


async def _it_stops_in_good_order(chain: Chain) -> None:
    assert chain.daemon is not None
    assert chain.asked(f"/{PING}") >= 1
    assert chain.asked("/notices") >= 2
    chain.daemon.terminate()
    assert await chain.daemon.wait() == 0
    assert chain.told[0] == b"READY=1"
    assert b"WATCHDOG=1" in chain.told
    assert chain.told[-1] == b"STOPPING=1"


def _its_log_is_json_and_keeps_the_secret(folder: Path, chain: Chain) -> None:
    events = {line["msg"] for line in lines(chain)}
    assert {"calendar_read", "turned", "verdict", "delivery", "request"} <= events
    assert "figures" not in json.dumps(lines(chain))
    assert PING not in (folder / "log").read_text(encoding="utf-8")
