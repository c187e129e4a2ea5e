from __future__ import annotations

import pytest

from tests.unit.monitor.cli.conftest import INCIDENT, RunCli

BY = ("--by", "duty statistician")
WHY = ("--reason", "their site moves")


@pytest.mark.parametrize(
    "of",
    [("--incident", INCIDENT), ("--release", "deaths-2029"), ("--producer", "ons"), ("--host", "www.gov.uk")],
    ids=lambda of: of[0],
)
def test_a_silence_can_be_added_listed_and_ended(run_cli: RunCli, of: tuple[str, str]) -> None:
    made = run_cli("silence", "add", *of, "--for", "2h", *WHY, *BY, "--json").json
    assert (made["of"], made["name"]) == (of[0].removeprefix("--"), of[1])
    assert (made["by"], made["reason"], made["ended"]) == ("duty statistician", "their site moves", None)
    assert [one["id"] for one in run_cli("silence", "list", "--json").json] == [made["id"]]
    assert "their site moves" in run_cli("silence", "list").out
    assert "Active silences: 1\n" in run_cli("today").out
    assert run_cli("silence", "end", made["id"], "--by", "head of profession").out == "ended\n"
    assert run_cli("silence", "list").out == "No silences.\n"
    (ended,) = run_cli("silence", "list", "--all", "--json").json
    assert ended["ended_by"] == "head of profession"
    assert "Active silences" not in run_cli("today").out


def test_a_silence_can_begin_later_and_is_listed_before_it_begins(run_cli: RunCli) -> None:
    of = ("--producer", "ons", *WHY, *BY)
    made = run_cli("silence", "add", *of, "--from", "tomorrow 9.30am", "--for", "2h", "--json").json
    assert [one["id"] for one in run_cli("silence", "list", "--json").json] == [made["id"]]
    assert "Active silences" not in run_cli("today").out
    late = run_cli("silence", "add", *of, "--from", "1 January 2100 9.30am", "--for", "2h")
    assert (late.status, late.err) == (1, "from: must begin within 90 days\n")


@pytest.mark.parametrize(
    ("options", "status", "message"),
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
def test_a_refused_silence_is_explained(run_cli: RunCli, options: tuple[str, ...], status: int, message: str) -> None:
    answer = run_cli("silence", "add", *options, *BY)
    assert (answer.status, answer.err.count("\n")) == (status, 1)
    assert message in answer.err


def test_ending_an_unknown_silence_is_refused(run_cli: RunCli) -> None:
    answer = run_cli("silence", "end", "nothing", *BY)
    assert (answer.status, answer.err) == (1, 'no active silence "nothing"\n')
