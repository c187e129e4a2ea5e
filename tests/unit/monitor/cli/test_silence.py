from __future__ import annotations

import pytest

from monitor.web.users import OPERATOR
from tests.unit.monitor.cli.conftest import INCIDENT, RunCli

WHY = ("--reason", "their site moves")
OF_ONS = ("--producer", "ons")


@pytest.mark.parametrize(
    ("scope", "name"),
    [
        ("incident", INCIDENT),
        ("release", "deaths-2029"),
        ("producer", "ons"),
        ("host", "www.gov.uk"),
    ],
)
def test_a_silence_can_be_added_and_listed(run_cli: RunCli, scope: str, name: str) -> None:
    """A case is what the silence is of: an incident, a release, a producer or a host."""
    added = run_cli("silence", "add", f"--{scope}", name, "--for", "2h", *WHY, "--json").json
    assert (added["of"], added["name"]) == (scope, name)
    assert (added["by"], added["reason"], added["ended"]) == (
        OPERATOR,
        "their site moves",
        None,
    )
    assert [silence["id"] for silence in run_cli("silence", "list", "--json").json] == [added["id"]]
    assert "their site moves" in run_cli("silence", "list").out
    assert "Active silences: 1\n" in run_cli("today").out


def test_an_ended_silence_is_listed_only_with_all(run_cli: RunCli) -> None:
    name = run_cli("silence", "add", *OF_ONS, "--for", "2h", *WHY, "--json").json["id"]
    assert run_cli("silence", "end", name).out == "ended\n"
    assert run_cli("silence", "list").out == "No silences.\n"
    (ended,) = run_cli("silence", "list", "--all", "--json").json
    assert ended["ended_by"] == OPERATOR
    assert "Active silences" not in run_cli("today").out


def test_a_silence_that_begins_later_is_listed_but_not_active(run_cli: RunCli) -> None:
    later = ("--from", "tomorrow 9.30am", "--for", "2h")
    added = run_cli("silence", "add", *OF_ONS, *later, *WHY, "--json").json
    assert [silence["id"] for silence in run_cli("silence", "list", "--json").json] == [added["id"]]
    assert "Active silences" not in run_cli("today").out


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        ((*OF_ONS, "--for", "2h", "--reason", " "), 1, "reason: must have a visible character"),
        ((*OF_ONS, "--for", "15d", *WHY), 1, "must be after now, and within 14 days"),
        ((*OF_ONS, "--until", "2018-01-05", *WHY), 1, "must be after now"),
        (
            (*OF_ONS, "--from", "1/1/2100 9.30am", "--for", "2h", *WHY),
            1,
            "from: must begin within 90 days",
        ),
        ((*OF_ONS, "--for", "2 hours", *WHY), 2, 'not a duration, write "7200s"'),
        ((*OF_ONS, *WHY), 2, "give its length or end"),
        (("--for", "2h", *WHY), 2, "one of --incident, --release, --producer and --host"),
        (("--producer", "onss", "--for", "2h", *WHY), 1, 'no producer "onss", did you mean "ons"?'),
        (("--release", "births-2017", "--for", "2h", *WHY), 1, 'did you mean "births-2016"?'),
        (("--incident", "births", "--for", "2h", *WHY), 1, "no incident"),
    ],
)
def test_a_refused_silence_is_explained(
    run_cli: RunCli, options: tuple[str, ...], status: int, message: str
) -> None:
    """A case is the options, the exit status and a part of the message. For example, `--for 15d` is
    refused, because the longest silence is of 14 days.
    """
    answer = run_cli("silence", "add", *options)
    assert (answer.status, answer.err.count("\n")) == (status, 1)
    assert message in answer.err


def test_ending_an_unknown_silence_is_refused(run_cli: RunCli) -> None:
    answer = run_cli("silence", "end", "nothing")
    assert (answer.status, answer.err) == (1, 'no active silence "nothing"\n')
