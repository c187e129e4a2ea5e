"""The status names hosts that refuse every look, on the command line as on the page `/status`."""

from __future__ import annotations

from pathlib import Path

from tests.unit.monitor.app.monitor_in_test import HEAD_OFF_GOVUK, MonitorInTest, run_monitor

OUT_OF_ORDER = """
[[fault]]
host = "stats.example"
from = 2026-11-26T09:28:00
until = 2026-11-26T09:35:00
kind = "503"
"""


def test_status_names_a_host_at_which_no_look_proves_anything(tmp_path: Path) -> None:
    """From 09:28 on, the host answers each look with 503."""

    async def act(monitor: MonitorInTest) -> None:
        await monitor.until("09:29:30")
        status = monitor.app.status.as_json()["status"]
        assert (
            "no look proves anything since 26 Nov 2026 09:28"
            in status["Needs attention"]["Host stats.example"]
        )

    run_monitor(tmp_path, OUT_OF_ORDER, act, head=HEAD_OFF_GOVUK)
