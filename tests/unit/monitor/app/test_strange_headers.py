"""A host with absurd headers does not change the verdict of a release at another host."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.store.evidence.chain import verify_evidence
from tests.unit.monitor.app.monitor_in_test import HOST, MonitorInTest, reopened, run_monitor
from tests.unit.monitor.app.replaying import differences_in_replay

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
PLAIN = """
[[answer]]
url = "https://www.gov.uk/government/statistics/claims"
at = 2026-11-26T09:00:00
status = 404
headers = {{ {headers} }}

[[answer]]
url = "https://www.gov.uk/government/statistics/claims"
at = 2026-11-26T09:30:00
headers = {{ {headers} }}
"""
RIGHT_DATE, NO_DATE = '"X-Note" = "its date is right"', '"Date" = ""'
CASES = [
    (NO_DATE, '"Date" = "Fri, 31 Dec 9999 23:59:59 GMT"'),
    (NO_DATE, '"Date" = "Fri, 31 Dec 9999 23:59:59 -1200"'),
    (NO_DATE, '"Date" = "Thu, 01 Jan 1970 00:00:00 GMT", "Age" = "1000000000000"'),
    (RIGHT_DATE, '"Date" = "Fri, 31 Dec 9999 23:59:59 GMT"'),
    # It stands still, about two hours ahead.
    (RIGHT_DATE, '"Date" = "Thu, 26 Nov 2026 11:30:00 GMT"'),
    (RIGHT_DATE, '"Last-Modified" = "Fri, 31 Dec 9999 23:59:59 -1200", "Expires" = "-1"'),
    (
        RIGHT_DATE,
        '"Cache-Control" = "max-age=99999999999999999999", "Retry-After" = "1000000000000"',
    ),
    (RIGHT_DATE, '"ETag" = ";\\u00e9=0; \\u00fc", "X-Note" = ";\\u00e9=0; \\u00fc"'),
]


@pytest.mark.slow
@pytest.mark.parametrize(("own_headers", "strange_headers"), CASES)
def test_strange_headers_of_another_host_change_no_verdict(
    tmp_path: Path, own_headers: str, strange_headers: str
) -> None:
    """A second release, on strange.example, is answered with headers such as a Date in the year
    9999. Both pages are published at their slot, 09:30. By `own_headers` the first host sends a
    right Date or none.
    """

    async def act(monitor: MonitorInTest) -> None:
        await monitor.until("09:32:00")
        assert monitor.stored_verdict() == "on_time"
        looks_that_raised = [
            monitor.count_looks("monitor_fault", host) for host in (HOST, "strange.example")
        ]
        assert looks_that_raised == [0, 0]
        assert monitor.metric("faults_total", task="stray") is None
        assert monitor.notice_kinds() == []

    tables = PLAIN.format(headers=own_headers) + STRANGE.format(headers=strange_headers)
    store = reopened(run_monitor(tmp_path, tables, act))
    # A replay judges the stored looks again. It gives the stored verdicts.
    assert not any(differences_in_replay(store).values())
    assert verify_evidence(store.evidence, tmp_path / "evidence") == []
    store.close()
