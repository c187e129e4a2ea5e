from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Ask = Callable[..., Any]
INCIDENT = "births-2016-2018-01-05"
BY = ("--by", "duty statistician")
WHY = ("--reason", "their site moves")


@pytest.mark.parametrize(
    "of",
    [("--incident", INCIDENT), ("--release", "deaths-2029"), ("--producer", "ons"), ("--host", "www.gov.uk")],
    ids=lambda of: of[0],
)
def test_a_silence_can_be_added_listed_and_ended(ask: Ask, of: tuple[str, str]) -> None:
    made = ask("silence", "add", *of, "--for", "2h", *WHY, *BY, "--json").json
    assert (made["of"], made["name"]) == (of[0].removeprefix("--"), of[1])
    assert (made["by"], made["reason"], made["ended"]) == ("duty statistician", "their site moves", None)
    assert [one["id"] for one in ask("silence", "list", "--json").json] == [made["id"]]
    assert "their site moves" in ask("silence", "list").out
    assert "Active silences: 1\n" in ask("today").out
    assert ask("silence", "end", made["id"], "--by", "head of profession").out == "ended\n"
    assert ask("silence", "list").out == "No silences.\n"
    (ended,) = ask("silence", "list", "--all", "--json").json
    assert ended["ended_by"] == "head of profession"
    assert "Active silences" not in ask("today").out


def test_a_silence_can_begin_later_and_is_listed_before_it_begins(ask: Ask) -> None:
    of = ("--producer", "ons", *WHY, *BY)
    made = ask("silence", "add", *of, "--from", "tomorrow 9.30am", "--for", "2h", "--json").json
    assert [one["id"] for one in ask("silence", "list", "--json").json] == [made["id"]]
    assert "Active silences" not in ask("today").out
    late = ask("silence", "add", *of, "--from", "1 January 2100 9.30am", "--for", "2h")
    assert (late.status, late.err) == (1, "from: must begin within 90 days\n")


@pytest.mark.parametrize(
    ("wrong", "status", "told"),
    [
        (("--producer", "ons", "--for", "2h", "--reason", " "), 1, "say why"),
        (("--producer", "ons", "--for", "15d", *WHY), 1, "must be after now, and within 14 days"),
        (("--producer", "ons", "--until", "2018-01-05", *WHY), 1, "must be after now"),
        (("--producer", "ons", "--for", "2 hours", *WHY), 2, 'not a duration, write "1s"'),
        (("--producer", "ons", *WHY), 2, "give its length or end"),
        (("--for", "2h", *WHY), 2, "one of --incident, --release, --producer and --host"),
        (("--producer", "onss", "--for", "2h", *WHY), 1, 'no producer "onss", did you mean "ons"?'),
        (("--release", "births-2017", "--for", "2h", *WHY), 1, 'did you mean "births-2016"?'),
        (("--incident", "births", "--for", "2h", *WHY), 1, "no incident"),
    ],
)
def test_a_refused_silence_is_explained_in_one_line(ask: Ask, wrong: tuple[str, ...], status: int, told: str) -> None:
    answer = ask("silence", "add", *wrong, *BY)
    assert (answer.status, answer.err.count("\n")) == (status, 1)
    assert told in answer.err


def test_ending_an_unknown_silence_is_refused(ask: Ask) -> None:
    answer = ask("silence", "end", "nothing", *BY)
    assert (answer.status, answer.err) == (1, 'no active silence "nothing"\n')
