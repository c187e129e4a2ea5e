"""One read of a calendar: what is asked, what is made of the answers, and what is told when there are none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from monitor.clock import VirtualClock
from monitor.ledger.reader import CalendarReader, Outcome
from monitor.look.fake import Reply, ScriptedFetcher
from monitor.look.fetch import Answer, Failure, Reason, Request
from monitor.rehearse.virtual_loop import run_virtually
from schedules.sources.options import SourceOptions
from schedules.sources.registry import KINDS

URL = "https://calendar.example/releases.toml"
ENTRY = """[[release]]
id = "claims"
title = "Example claims"
producer = "example"
url = "https://stats.example/claims"
slot = 2018-01-05T09:30:00
"""


def read(
    script: Mapping[str, Reply], times: int = 1, file: Path | None = None, between: Callable[[], None] = lambda: None
) -> tuple[list[Outcome], ScriptedFetcher, list[str]]:
    """Read a TOML calendar some times; returns the outcomes, whom it asked, and whose turns it took."""
    turns: list[str] = []

    async def story(clock: VirtualClock) -> tuple[list[Outcome], ScriptedFetcher, list[str]]:
        fetcher = ScriptedFetcher(clock, script)
        source = KINDS["toml"](SourceOptions(name="own", url=URL, timezone="Europe/London"))

        async def ask(request: Request) -> Answer | Failure:
            turns.append(request.url)
            return await fetcher.fetch(request)

        reader = CalendarReader("own", source, ask, clock, file)
        outcomes = []
        for _ in range(times):
            outcomes.append(await reader.read())
            between()
        return outcomes, fetcher, turns

    return run_virtually(story)


def test_a_read_tells_its_entries_and_takes_its_turn_within_the_budget() -> None:
    (outcome,), fetcher, turns = read({URL: Reply(200, ENTRY.encode())})
    assert (outcome.read.usable, outcome.read.entries, outcome.read.fault) == (True, 1, "")
    assert outcome.reading is not None
    assert [one.title for one in outcome.reading.announcements] == ["Example claims"]
    assert (turns, [request.url for request in fetcher.asked]) == ([URL], [URL])


def test_bytes_that_did_not_change_are_read_once() -> None:
    outcomes, fetcher, _ = read({URL: Reply(200, ENTRY.encode(), etag='"a"')}, times=3)
    assert [outcome.unchanged for outcome in outcomes] == [False, True, True]
    assert {outcome.read.digest for outcome in outcomes} == {outcomes[0].read.digest}
    assert [request.etag for request in fetcher.asked] == [None, '"a"', '"a"']


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (Reply(fails=Reason.TIMEOUT), "timeout"),
        (Reply(fails=Reason.RESET), "reset"),
        (Reply(503), "answered 503"),
        (Reply(429), "answered 429"),
        (Reply(404), URL),
        (Reply(200, b"<html>We are sorry</html>"), URL.rpartition("/")[2]),
        (Reply(200, b"\x00\x01\xfe"), ""),
    ],
    ids=["timeout", "reset", "503", "429", "404", "html", "bytes"],
)
def test_a_read_that_fails_says_why_in_one_line_and_holds_no_reading(reply: Reply, why: str) -> None:
    (outcome,), _, _ = read({URL: reply})
    assert (outcome.read.usable, outcome.reading) == (False, None)
    assert why in outcome.read.fault
    assert outcome.read.fault
    assert "\n" not in outcome.read.fault


def test_a_calendar_kept_in_a_file_is_read_from_there_alone(tmp_path: Path) -> None:
    file = tmp_path / "releases.toml"
    file.write_text(ENTRY)
    outcomes, fetcher, turns = read({}, times=2, file=file, between=lambda: file.unlink(missing_ok=True))
    assert [outcome.read.usable for outcome in outcomes] == [True, False]
    assert outcomes[1].read.fault == "releases.toml: cannot be read: No such file or directory"
    assert (fetcher.asked, turns) == ([], [])
