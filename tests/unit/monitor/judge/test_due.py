"""Between its slot and its verdict a release is due: people see for how long, and what the last look got."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from monitor.judge.as_json import release_json
from monitor.judge.as_text import count_by_status, listed_status, measure_text, slot_headline
from monitor.judge.verdict import Verdict
from monitor.look.sighting import State
from tests.worlds.instants import SLOT, after_slot
from tests.worlds.looks import ABSENT, PRESENT, UNKNOWN, a_run
from tests.worlds.verdicts import judged


def verdict_at(now: float, came_at: float | None = None) -> Verdict:
    """Return the verdict on a release whose looks got 404 until its slot, and 503 since until it came."""
    absent = replace(a_run("page", ABSENT, -3600, -1), status=404)
    until = now if came_at is None else min(now, came_at)
    failed = [replace(a_run("page", UNKNOWN, 0, until), status=503, looks=int(until))] if until > 0 else []
    seen = (
        [replace(a_run("page", PRESENT, came_at + 1, now), status=200)] if came_at is not None and now > came_at else []
    )
    return judged(now, {"page": [absent, *failed, *seen]})


def release_json_at(now: float, came_at: float | None = None, **fields: object) -> dict[str, Any]:
    """Return the JSON at `now` of a release that came at `came_at` (None: never), with some fields replaced."""
    return release_json(verdict_at(now, came_at)) | fields


@pytest.mark.parametrize(("now", "came_at"), [(-5, None), (30, 12)], ids=["before its slot", "seen"])
def test_a_release_is_not_due_before_its_slot_nor_once_it_was_seen(now: float, came_at: float | None) -> None:
    assert release_json_at(now, came_at)["due"] is None


def test_a_due_release_shows_for_how_long_it_is_due_and_what_the_last_of_its_looks_got() -> None:
    # Each second since the slot a look got 503.
    body = release_json_at(12)
    assert body["verdict"] == "pending"
    assert body["due"] == {"part": "page", "seconds": 12.0, "got": "503", "looks": 12}
    assert (listed_status(body), measure_text(body)) == ("due, not seen yet (12 s)", "503, 12 looks")


def test_a_release_with_a_verdict_is_no_longer_due() -> None:
    late = judged(90, {"page": [a_run("page", ABSENT, -3600, 90)]})
    assert (late.verdict.value, late.due) == ("overdue", None)


@pytest.mark.parametrize(
    ("state", "status", "why", "got"),
    [
        (ABSENT, 404, "", "404"),
        (ABSENT, 200, "announced, not released", "200, announced, not released"),
        (UNKNOWN, None, "timeout", "timeout"),
    ],
)
def test_the_last_answer_is_its_status_or_the_reason_for_the_failure(
    state: State, status: int | None, why: str, got: str
) -> None:
    run = replace(a_run("page", state, -10, 5), status=status, why=why)
    due = judged(5, {"page": [run]}).due
    assert due.got == got


def test_a_headline_says_how_many_releases_of_a_slot_are_out_late_or_not_seen_yet() -> None:
    six_out = [release_json_at(now=30, came_at=12) for _ in range(6)]
    late = release_json_at(now=30, verdict="overdue", due=None)
    not_seen_yet = release_json_at(now=30, came_at=None)
    moved = release_json_at(now=30, verdict="moved", due=None)
    text, awaited_slot = slot_headline([*six_out, late, not_seen_yet, moved], now=after_slot(30))
    # The moved release is not counted.
    assert text == "8 releases due at 9.30am: 6 out, 1 late, 1 not seen yet"
    # A slot is awaited while one of its releases is not seen yet.
    assert awaited_slot == SLOT


def test_counts_by_status_say_how_many_releases_are_not_seen_yet() -> None:
    out, not_seen_yet = release_json_at(now=30, came_at=12), release_json_at(now=30, came_at=None)
    late = release_json_at(now=30, verdict="overdue", due=None)
    assert "1 not seen yet" in count_by_status([out, late, not_seen_yet])


def test_the_headline_is_about_the_slot_that_passed_last() -> None:
    def at_ten(row: Mapping[str, Any]) -> dict[str, Any]:
        return {**row, "slot": {**row["slot"], "start": "2018-01-05T10:00:00.000Z"}}

    # The second value is the slot if a release of it was not seen yet.
    rows = [release_json_at(30, came_at=12), at_ten(release_json_at(30))]
    assert slot_headline(rows, after_slot(-1)) == ("", None)
    assert slot_headline(rows, after_slot(30)) == ("1 release due at 9.30am: 1 out", None)
    ten_o_clock = after_slot(1800)
    headline = slot_headline(rows, ten_o_clock + timedelta(minutes=1))
    assert headline == ("1 release due at 10am: 1 not seen yet", ten_o_clock)
