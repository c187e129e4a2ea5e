"""The status names hosts that refuse every look, on the command line as on the page `/status`."""

from __future__ import annotations

from tests.unit.monitor.app.monitor_in_test import HEAD_OFF_GOVUK, MonitorInTest, with_daemon

OUT_OF_ORDER = """
[[fault]]
host = "stats.example"
from = 2026-11-26T09:28:00
until = 2026-11-26T09:35:00
kind = "503"
"""


@with_daemon(OUT_OF_ORDER, head=HEAD_OFF_GOVUK)
async def test_status_names_a_host_at_which_no_look_proves_anything(monitor: MonitorInTest) -> None:
    """From 09:28 on, the host answers each look with 503."""
    await monitor.until("09:29:30")
    status = monitor.app.status.as_json()["status"]
    assert (
        "no look proves anything since 26 Nov 2026 09:28"
        in status["Needs attention"]["Host stats.example"]
    )
