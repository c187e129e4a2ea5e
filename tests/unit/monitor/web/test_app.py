"""Requests to all kinds of addresses of the web application, some while a real daemon watches."""

from __future__ import annotations

import re
import subprocess
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import cast

import httpx
import pytest

from monitor.app.options import make_policies
from monitor.store.sql.read import VerdictStore
from monitor.watch.rejudge import StoredJudge
from schedules.times.interval import Bounds
from tests.unit.monitor.app.browsing import browse
from tests.unit.monitor.app.monitor_in_test import (
    HEAD,
    NEVER_PUBLISHED,
    MonitorInTest,
    published_at,
    run_monitor,
    with_daemon,
)
from tests.unit.monitor.web.board import Board, UnreadableVerdicts, a_board, ids_of
from tests.worlds.releases import a_release

PUBLISHED_AT_09_41 = published_at("09:41:00")
FIRST_CALENDAR_READ_IS_DONE = "09:28:30"
"""Half a minute after the start of the monitor."""
OUR_SCRIPTS = [f'<script src="/{name}.js" defer></script>' for name in ("live", "copy")]


def browse_at_the_machine(monitor: MonitorInTest) -> AbstractAsyncContextManager[httpx.AsyncClient]:
    """Open a client for a person at the machine, on a board that also shows releases not watched
    yet.
    """
    return browse(
        monitor,
        judge_promised=StoredJudge(
            monitor.daemon.core.store, make_policies(monitor.settings)
        ).body_of_unwatched,
    )


@pytest.mark.slow
@with_daemon(PUBLISHED_AT_09_41)
async def test_pages_and_api_answer_for_a_late_release(monitor: MonitorInTest) -> None:
    # The release was due at 09:30 and is published at 09:41, so at 09:45 it is late.
    await monitor.until("09:45:00")
    (incident,) = monitor.daemon.core.store.verdicts.incidents()
    async with browse_at_the_machine(monitor) as client:
        for page in (
            "/",
            "/releases/claims-q3",
            "/incidents",
            f"/incidents/{incident.id}",
            "/status",
        ):
            assert (page, (await client.get(page)).status_code) == (page, 200)
        (release,) = (await client.get("/api/v1/releases")).json()["releases"]
        assert (release["id"], release["verdict"], release["incident"]) == (
            "claims-q3",
            "late",
            incident.id,
        )
        assert (await client.get("/api/v1/releases/claims-q3")).json() == release
        # The status page has a check of each channel.
        assert "Channel" in (await client.get("/status")).text
        assert (await client.get(f"/api/v1/incidents/{incident.id}")).json()["id"] == incident.id
        assert (await client.get("/api/v1/calendars")).json()["reads"][0]["calendar"] == "govuk"
        assert (await client.get(f"/api/v1/incidents/{incident.id}/draft.md")).status_code == 200


FAR_OFF = """
[[release]]
id = "far-off"
title = "Far-off figures: November 2026"
producer = "department-for-example"
url = "https://www.gov.uk/government/statistics/far-off"
slot = 2027-01-07T09:30:00
known_from = 2026-10-29T09:30:00
"""


@with_daemon(NEVER_PUBLISHED, head=HEAD + FAR_OFF)
async def test_board_shows_promised_releases_that_are_not_watched_yet(
    monitor: MonitorInTest,
) -> None:
    # The release `far-off` is due on 7 January 2027, six weeks ahead, so no look has been made
    # at it.
    await monitor.until(FIRST_CALENDAR_READ_IS_DONE)
    async with browse_at_the_machine(monitor) as client:
        release = await client.get("/api/v1/releases/far-off")
        assert (release.status_code, release.json()["verdict"]) == (200, "pending")
        for more_query, ids in (("", ["far-off"]), ("&producer=others", [])):
            rows = (await client.get(f"/api/v1/releases?from=2027-01-07{more_query}")).json()[
                "releases"
            ]
            assert ids_of(rows) == ids
        assert "Far-off figures" in (await client.get("/?date=2027-01-07")).text
        assert (await client.get("/releases/far-off")).status_code == 200


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/releases/nothing", 404),
        ("/incidents/nothing", 404),
        ("/api/v1/releases/nothing", 404),
        ("/api/v1/incidents/nothing", 404),
        ("/api/v1/incidents/nothing/draft.md", 404),
        ("/nowhere", 404),
        ("/api/v1/events?after=nothing", 404),
        ("/api/v1/events?limit=0", 400),
        ("/api/v1/events?limit=1001", 400),
        ("/api/v1/events?limit=many", 400),
        ("/api/v1/nowhere", 404),
        ("/api/v1/releases?from=yesterday", 400),
        ("/api/v1/releases?from=9999-12-31", 400),
        ("/?date=9999-12-31", 400),
        ("/?date=0001-01-01", 400),
        ("/api/v1/releases?after=nothing", 404),
        ("/api/v1/incidents?after=nothing", 404),
        ("/calendar.xls", 404),
        ("/calendar?month=2018-02&producer=nobody", 404),
        ("/badges/nobody.svg", 404),
        ("/api/v1/report.pdf?from=2018-01-01&to=2018-01-31", 404),
        ("/history?producer=nobody", 404),
        ("/history?host=nowhere.example", 404),
        ("/history?day=x", 400),
    ],
)
async def test_unknown_names_and_invalid_queries_are_refused(
    board: Board, address: str, status: int
) -> None:
    # A name that is not known gets 404, for example a release `nothing`. An invalid value gets 400.
    # A date must be of the years 1900 to 2199.
    answer = await board.client.get(address)
    assert answer.status_code == status
    if address.startswith("/api/"):
        problem = answer.json()
        assert set(problem) == {"type", "title", "status", "detail"}
        assert (problem["status"], answer.headers["content-type"]) == (
            status,
            "application/problem+json",
        )


async def test_hostile_title_is_escaped_on_every_page() -> None:
    async with a_board(title="""<script>alert("x")</script> & 'claims'""") as board:
        draft = f"/api/v1/incidents/{board.incident}/draft.html"
        for path in ("/?date=2018-01-05", "/releases/r", "/incidents", board.incident_page, draft):
            page = await board.read_page(path)
            for script in OUR_SCRIPTS:
                page = page.replace(script, "")
            assert "<script" not in page.lower()
            assert "&lt;script&gt;" in page


@pytest.mark.parametrize(
    "path", ["/", "/releases/r", "/status", "/nowhere", "/healthz", "/metrics", "/api/v1/releases"]
)
async def test_every_response_has_security_headers(board: Board, path: str) -> None:
    """A case is a page, the API, the metrics, or an address that does not exist."""
    headers = (await board.client.get(path)).headers
    assert "default-src 'self'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert (headers["x-content-type-options"], headers["cache-control"]) == ("nosniff", "no-store")


@with_daemon(NEVER_PUBLISHED)
async def test_board_is_ready_although_a_calendar_was_not_read(monitor: MonitorInTest) -> None:
    """/readyz says that the monitor can work, and names doubts.

    A calendar that was not read yet is a doubt.
    """
    async with browse_at_the_machine(monitor) as client:
        before_read = await client.get("/readyz")
        assert (before_read.status_code, before_read.json()["ready"]) == (200, True)
        assert before_read.json()["reasons"] == []
        assert any("calendar govuk" in reason for reason in before_read.json()["doubts"])
        await monitor.until(FIRST_CALENDAR_READ_IS_DONE)
        after_read = await client.get("/readyz")
        assert (after_read.status_code, after_read.json()) == (
            200,
            {"ready": True, "reasons": [], "doubts": []},
        )


@with_daemon(NEVER_PUBLISHED)
async def test_board_without_sign_in_shows_strangers_only_health(monitor: MonitorInTest) -> None:
    # Requests of a client that is not `local` are not from this machine, so they are from a
    # stranger.
    async with browse(monitor, local=False) as client:
        paths = ("/", "/api/v1/releases", "/metrics", "/readyz")
        statuses = {path: (await client.get(path)).status_code for path in paths}
    assert statuses == {"/": 401, "/api/v1/releases": 401, "/metrics": 401, "/readyz": 200}


async def test_pages_are_a_503_while_the_store_cannot_be_read(board: Board) -> None:
    readable = board.store.verdicts
    board.store.verdicts = cast("VerdictStore", UnreadableVerdicts())
    answer = await board.client.get("/api/v1/releases/r")
    assert (answer.status_code, answer.json()["detail"]) == (503, "store: the disk is gone")
    assert await board.status_of("/releases/r") == 503
    board.store.verdicts = readable
    assert await board.status_of("/releases/r") == 200


@pytest.mark.needs("prometheus")
def test_metrics_are_valid_and_include_each_documented_one(tmp_path: Path) -> None:
    pages = []

    async def act(monitor: MonitorInTest) -> None:
        await monitor.until("09:45:00")
        async with browse_at_the_machine(monitor) as client:
            answer = await client.get("/metrics")
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
        pages.append(answer.content)

    run_monitor(tmp_path, PUBLISHED_AT_09_41, act)
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=pages[0], capture_output=True, check=False
    )
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, b"")
    # A line is `name{labels} value`, and a comment begins with #.
    names = set(re.findall(rb"^(\w+)[{ ]", pages[0], re.MULTILINE))
    assert {b"ninethirty_" + name for name in DOCUMENTED_METRICS} <= names


DOCUMENTED_METRICS = (
    *(b"release_overdue_seconds", b"release_delay_seconds", b"release_exposure_open", b"releases"),
    *(
        b"slots_passed_total",
        b"looks_total",
        b"look_duration_seconds_bucket",
        b"look_lateness_seconds_bucket",
    ),
    *(
        b"watch_stretch",
        b"calendar_last_read_timestamp_seconds",
        b"calendar_entries",
        b"blind_seconds_total",
    ),
    *(
        b"clock_offset_seconds",
        b"outbox_pending",
        b"notices_total",
        b"store_commit_seconds_bucket",
        b"build_info",
    ),
)


async def test_joined_release_is_not_listed_but_links_to_the_other(board: Board) -> None:
    # The entries of `r` and `early` in their calendars are the same release, which is now `early`.
    joined = replace(a_release(), joined_into="early")
    with board.store.transaction() as tx:
        tx.save(joined)
    listed = (await board.read_json("/api/v1/releases?from=2018-01-05"))["releases"]
    assert ids_of(listed) == ["early"]
    assert (await board.read_json("/api/v1/releases/r"))["joined_into"] == "early"
    assert 'href="/releases/early"' in await board.read_page("/releases/r")


async def test_events_are_read_page_by_page(board: Board) -> None:
    all_events = await board.read_json("/api/v1/events")
    first_page = await board.read_json("/api/v1/events?limit=1")
    second_page = await board.read_json(f"/api/v1/events?after={first_page['next']}")
    page_after_the_last = await board.read_json(f"/api/v1/events?after={all_events['next']}")
    assert first_page["events"] + second_page["events"] == all_events["events"]
    assert {event["release"] for event in all_events["events"]} == {"r", "early"}
    assert page_after_the_last == {"events": [], "next": None}


async def test_event_of_a_release_has_its_verdicts_before_and_after(board: Board) -> None:
    (event,) = (await board.read_json("/api/v1/events?release=r"))["events"]
    # This is the first verdict on the release, so there is none before it.
    assert (event["before"], event["after"], event["body"]["verdict"]) == (
        None,
        "overdue",
        "overdue",
    )


@with_daemon(NEVER_PUBLISHED)
async def test_monitor_with_a_wrong_clock_is_ready_with_a_doubt(monitor: MonitorInTest) -> None:
    """/readyz says that the monitor can work, and names doubts: here that its clock is wrong."""
    async with browse_at_the_machine(monitor) as client:
        await monitor.until(FIRST_CALENDAR_READ_IS_DONE)
        # Hosts answer with their own time. Compared with it, this clock is at least 90 s wrong.
        seconds_ahead = Bounds(90.0, 91.0)
        monitor.daemon.parts.calendar_reads.health.note_clock_offset(
            seconds_ahead, monitor.clock.now()
        )
        readiness = await client.get("/readyz")
        assert readiness.status_code == 200
        assert readiness.json()["doubts"] == [
            "this machine's clock disagrees with the hosts it watches"
        ]


@with_daemon(NEVER_PUBLISHED)
async def test_monitor_with_a_failing_store_is_alive_but_not_ready(monitor: MonitorInTest) -> None:
    async with browse_at_the_machine(monitor) as client:
        await monitor.until("09:28:30")
        # The limit is five seconds. This store has failed for eleven.
        monitor.daemon.parts.calendar_reads.health.note_store_failure(
            monitor.clock.now() - timedelta(seconds=11)
        )
        readiness = await client.get("/readyz")
        assert (readiness.status_code, readiness.json()["ready"]) == (503, False)
        assert len(readiness.json()["reasons"]) == 1
        assert (await client.get("/livez")).status_code == 200


async def test_livez_but_not_healthz_fails_if_the_monitor_stops_looking() -> None:
    async with a_board() as board:
        # The fake monitor returns this as the reason why it should be restarted.
        board.running.reasons = ["no look has begun"]
        result = await board.client.get("/livez")
        assert (result.status_code, result.text) == (503, "no look has begun\n")
        # This address only says that the process answers requests.
        assert await board.status_of("/healthz") == 200
