"""A host with absurd headers beside one that publishes on time, through the real daemon: the other is on time."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.judge.policy import Policies
from monitor.store.evidence.chain import verify
from monitor.watch.rejudge import replay
from tests.unit.monitor.app.life import OUT_IN_TIME, Life, live, reopened

STRANGE = """
[[release]]
id = "strange-q3"
title = "Example strangeness: July to September 2026"
producer = "department-for-example"
url = "https://strange.example/q3"
slot = 2026-11-26T09:30:00

[[answer]]
url = "https://strange.example/q3"
at = 2026-11-26T09:00:00
status = 404
headers = {{ {headers} }}

[[answer]]
url = "https://strange.example/q3"
at = 2026-11-26T09:30:00
headers = {{ {headers} }}
"""
HEADERS = [
    '"Date" = "Fri, 31 Dec 9999 23:59:59 GMT"',
    '"Date" = "Fri, 31 Dec 9999 23:59:59 -1200"',
    '"Date" = "Thu, 26 Nov 2026 11:30:00 GMT"',
    '"Date" = "Thu, 01 Jan 1970 00:00:00 GMT", "Age" = "1000000000000"',
    '"Last-Modified" = "Fri, 31 Dec 9999 23:59:59 -1200", "Expires" = "-1"',
    '"Cache-Control" = "max-age=99999999999999999999", "Retry-After" = "1000000000000"',
    '"ETag" = ";\\u00e9=0; \\u00fc", "X-Note" = ";\\u00e9=0; \\u00fc"',
]


@pytest.mark.parametrize("headers", HEADERS)
def test_a_host_that_publishes_on_time_is_on_time_whatever_another_sends(tmp_path: Path, headers: str) -> None:
    async def act(life: Life) -> None:
        await life.until("09:32:00")
        assert (life.word(), life.looks("monitor_fault", "strange.example")) == ("on_time", 0)
        assert life.daemon.store.outbox.notices() == []

    store = reopened(live(tmp_path, OUT_IN_TIME + STRANGE.format(headers=headers), act))
    assert [told for told in replay(store, Policies(), None, None) if told[1]] == []
    assert verify(store.evidence, tmp_path / "evidence") == []
    store.close()
