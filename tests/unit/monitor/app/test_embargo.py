"""No surface shows any content that was public before its slot.

Only its addresses and times are shown.
"""

from __future__ import annotations

import json
import logging
from collections.abc import MutableMapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from monitor.deliver.drafts import ENDINGS, render_draft
from monitor.judge.as_json import release_json
from tests.unit.monitor.app.browsing import browse
from tests.unit.monitor.app.monitor_in_test import MonitorInTest, run_monitor

MARK = "unemployment fell to 3.97 per cent"
WORDS_OF_CONTENT = (MARK, MARK.replace(" ", "-"), "3.97", "unemployment")
TITLE = "Example claims: July to September 2026"
EARLY = f"""
[[answer]]
url = "https://www.gov.uk/government/statistics/claims"
at = 2026-11-26T09:28:20
body = '''<html lang="en"><head><title>{TITLE} - {MARK} - GOV.UK</title>
<meta name="description" content="{MARK}"></head><body><h1>{TITLE}</h1><p>{MARK}</p>
<a href="/government/statistics/claims/{MARK.replace(" ", "-")}">{MARK}</a>
<p>Published 26 November 2026</p></body></html>'''
headers = {{ ETag = '"{MARK}"', X-Cache = "HIT {MARK}", Cache-Control = "public, {MARK}=1", Last-Modified = "{MARK}" }}

[[answer]]
url = "https://www.gov.uk/government/statistics/claims"
at = 2026-11-26T09:29:05
status = 302
headers = {{ Location = "/government/statistics/claims/{MARK.replace(" ", "-")}" }}

[[answer]]
url = "https://www.gov.uk/government/statistics/claims"
at = 2026-11-26T09:29:20
status = 410
body = "{MARK}"

[[answer]]
url = "https://www.gov.uk/government/statistics/claims"
at = 2026-11-26T09:30:00
"""


async def everything_shown(monitor: MonitorInTest) -> str:
    """Return all that pages, the API, metrics, notices and drafts show, in one text."""
    store, texts = monitor.store, list[str]()
    (incident,) = store.verdicts.incidents()
    pages = (
        "/",
        "/calendar",
        "/releases/claims-q3",
        "/incidents",
        f"/incidents/{incident.id}",
        "/status",
    )
    of_api = (
        "releases",
        "releases/claims-q3",
        "incidents",
        f"incidents/{incident.id}",
        "calendars",
    )
    draft = f"/api/v1/incidents/{incident.id}/draft.html"
    async with browse(monitor) as client:
        for path in (*pages, "/metrics", "/readyz", *(f"/api/v1/{name}" for name in of_api), draft):
            texts.append((await client.get(path)).text)
    drafts = store.verdicts.drafts(incident.id)
    texts += [json.dumps(draft.facts) for draft in drafts]
    texts += [render_draft(drafts[-1], ending)[0].decode("utf-8", "replace") for ending in ENDINGS]
    texts += [repr(asdict(notice)) for notice in store.outbox.notices()] + [
        repr(store.verdicts.incidents())
    ]
    texts += [repr(event.body) for event in store.verdicts.events()] + [
        repr(row) for row in store.outbox.deliveries()
    ]
    assert monitor.received()
    for message in monitor.received():
        texts += [message.subject, message.text, message.html, repr(message.data)]
        texts += [one.content.decode("utf-8", "replace") for one in message.attachments]
    watched = monitor.daemon.parts.watch.releases["claims-q3"]
    assert watched.verdict is not None
    return "\n".join([*texts, json.dumps(release_json(watched.verdict))])


@pytest.mark.parametrize("moment", ["09:29:00", "09:29:50", "09:40:00"])
def test_content_public_before_its_slot_is_not_shown_or_logged(
    tmp_path: Path, moment: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    async def act(monitor: MonitorInTest) -> None:
        # The page shows the content from 09:28:20, redirects from 09:29:05, is removed at 09:29:20,
        # and is back at its slot, 09:30. Each answer has words of the content in its text, headers
        # or addresses.
        await monitor.until(moment)
        assert monitor.stored_verdict() == "early"
        texts = (await everything_shown(monitor)).casefold()
        assert {word for word in WORDS_OF_CONTENT if word in texts} == set()
        # The address itself may be shown.
        assert "https://www.gov.uk/government/statistics/claims" in texts

    with capture_logs() as lines:
        run_monitor(tmp_path, EARLY, act)
    logged = "\n".join(
        [*map(repr, lines), *(record.getMessage() for record in caplog.records)]
    ).casefold()
    assert "'event': 'verdict'" in logged  # so the log was recorded
    assert {word for word in WORDS_OF_CONTENT if word in logged} == set()


def test_log_has_only_ids_until_the_slot_of_a_release_that_is_out(tmp_path: Path) -> None:
    async def act(monitor: MonitorInTest) -> None:
        await monitor.until("09:29:50")
        assert monitor.stored_verdict() == "early"
        lines[:] = logs
        await monitor.until("09:40:00")

    lines = list[MutableMapping[str, Any]]()
    with capture_logs() as logs:
        run_monitor(tmp_path, EARLY, act)
    before = [line for line in lines if line["event"] in {"turned", "verdict"}]
    assert {line["event"] for line in before} == {"turned", "verdict"}
    words = ("present", "absent", "early", "pending", "https://www.gov.uk/government/statistics")
    assert {word for word in words for line in lines if word in repr([*line.values()])} == set()
    after = logs[len(lines) :]
    assert any(line.get("state") == "present" for line in after if line["event"] == "turned")
    assert any(line.get("verdict") == "early" for line in after if line["event"] == "verdict")


def test_stored_content_is_readable_only_by_the_service_account(tmp_path: Path) -> None:
    async def act(monitor: MonitorInTest) -> None:
        # The page has been public since 09:28:20, so evidence of it is stored.
        await monitor.until("09:29:00")

    run_monitor(tmp_path, EARLY, act)
    kept = [tmp_path / "evidence", *(tmp_path / "evidence").rglob("*")]
    assert len(kept) > 1
    # Mode bits of the group and of others.
    assert {file.stat().st_mode & 0o077 for file in kept} == {0}
