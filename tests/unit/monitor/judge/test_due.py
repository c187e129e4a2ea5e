"""Between its slot and its verdict a release is due: people see for how long, and what the last
look got.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from monitor.judge.as_json import release_json
from monitor.judge.as_text import count_by_status, listed_status, measure_text, slot_headline
from monitor.judge.verdict import Verdict
from monitor.look.sighting import State
from schedules.contract.verdict import VerdictKind
from tests.worlds.instants import SLOT, after_slot
from tests.worlds.looks import ABSENT, PRESENT, UNKNOWN, a_run
from tests.worlds.verdicts import judged


def verdict_at(now: float, *, came_at: float | None = None) -> Verdict:
    """Return the verdict on a release whose looks got 404 until its slot, and 503 since until it
    came.
    """
    absent = replace(a_run("page", ABSENT, -3600, -1), status=404)
    until = now if came_at is None else min(now, came_at)
    failed = (
        [replace(a_run("page", UNKNOWN, 0, until), status=503, looks=int(until))]
        if until > 0
        else []
    )
    seen = (
        [replace(a_run("page", PRESENT, came_at + 1, now), status=200)]
        if came_at is not None and now > came_at
        else []
    )
    return judged(now, {"page": [absent, *failed, *seen]})


def release_json_at(
    now: float, *, came_at: float | None = None, **fields: object
) -> dict[str, Any]:
    """Return the JSON at `now` of a release that came at `came_at` (None: never), with some fields
    replaced.
    """
    return release_json(verdict_at(now, came_at=came_at)) | fields


NOT_SEEN_YET = release_json_at(now=30)
OUT = release_json_at(now=30, came_at=12)
LATE = release_json_at(now=30, verdict="overdue", due=None)
MOVED = release_json_at(now=30, verdict="moved", due=None)


@pytest.mark.parametrize(
    ("now", "came_at"), [(-5, None), (30, 12)], ids=["before its slot", "seen"]
)
def test_release_is_due_only_from_slot_until_seen(now: float, came_at: float | None) -> None:
    assert release_json_at(now, came_at=came_at)["due"] is None


def test_due_release_shows_how_long_and_last_answer() -> None:
    """A page was still missing 12 s after its slot. Since the slot, one look a second got an error,
    503. So the release is pending, and people see it as due: for how long, what the last look got,
    and how many looks there were.
    """
    body = release_json_at(now=12)
    assert body["verdict"] == "pending"
    assert body["due"] == {"part": "page", "seconds": 12.0, "got": "503", "looks": 12}
    assert listed_status(body) == "due, not seen yet (12 s)"
    assert measure_text(body) == "503, 12 looks"


def test_release_with_a_verdict_is_no_longer_due() -> None:
    """A page is absent 90 s after its slot.

    Only 60 s are allowed. So it is overdue. Then it is not due any more.
    """
    absent_until_90_s = a_run("page", ABSENT, first=-3600, last=90)
    late = judged(now=90, seen={"page": [absent_until_90_s]})
    assert late.verdict is VerdictKind.OVERDUE
    assert late.due is None


@pytest.mark.parametrize(
    ("state", "status", "why", "got"),
    [
        (ABSENT, 404, "", "404"),
        (ABSENT, 200, "announced, not released", "200, announced, not released"),
        (UNKNOWN, None, "timeout", "timeout"),
    ],
)
def test_last_answer_is_its_status_or_why_it_failed(
    state: State, status: int | None, why: str, got: str
) -> None:
    """A release is due, and people see what the last look got.
    - An answer shows its status, `404`. If the page answered but is not the release, the text says
      why.
    - A failed look has no status (None). It shows why it failed: `timeout`.
    """
    last_run = replace(a_run("page", state, first=-10, last=5), status=status, why=why)
    due = judged(now=5, seen={"page": [last_run]}).due
    assert due.got == got


def test_headline_counts_releases_of_a_slot_by_status() -> None:
    """Nine releases were due at 09:30. Six are out, one is late, and one was not seen yet. One
    moved to another slot, so only eight count. The headline comes with the slot, because one of its
    releases is still awaited.
    """
    nine_releases = [*[OUT] * 6, LATE, NOT_SEEN_YET, MOVED]
    text, awaited_slot = slot_headline(nine_releases, now=after_slot(30))
    assert text == "8 releases due at 9.30am: 6 on time, 1 late, 1 not seen yet"
    assert awaited_slot == SLOT


def test_counts_by_status_include_releases_not_seen_yet() -> None:
    assert "1 not seen yet" in count_by_status([OUT, LATE, NOT_SEEN_YET])


def test_headline_is_about_the_slot_that_passed_last() -> None:
    """A release due at 09:30 is out, and one due at 10:00 was not seen yet. The headline is about
    the slot that passed last. It comes with that slot if one of its releases is still awaited, else
    with None.
    - A second before 09:30, no slot has passed. So the headline is empty.
    - At 30 s after 09:30, it is about 09:30. No release of that slot is awaited.
    - At 10:01, it is about 10:00. Its release is awaited.
    """
    due_at_ten = NOT_SEEN_YET | {
        "slot": {**NOT_SEEN_YET["slot"], "start": "2018-01-05T10:00:00.000Z"}
    }
    rows = [OUT, due_at_ten]
    half_past_nine, ten_o_clock = SLOT, SLOT + timedelta(minutes=30)
    assert slot_headline(rows, now=half_past_nine - timedelta(seconds=1)) == ("", None)
    assert slot_headline(rows, now=half_past_nine + timedelta(seconds=30)) == (
        "1 release due at 9.30am: 1 on time",
        None,
    )
    headline_at_10_01 = slot_headline(rows, now=ten_o_clock + timedelta(minutes=1))
    assert headline_at_10_01 == ("1 release due at 10am: 1 not seen yet", ten_o_clock)
