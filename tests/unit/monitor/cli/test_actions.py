from __future__ import annotations

from pathlib import Path

import pytest

from monitor.web.users import OPERATOR
from tests.unit.monitor.cli.conftest import INCIDENT, Result, RunCli
from tests.unit.monitor.cli.test_incidents import SIGN

ADD = (
    "incident",
    "action",
    "add",
    INCIDENT,
    "--text",
    "Renew the certificate",
    "--owner",
    "web team",
)


@pytest.fixture
def with_two_actions(run_cli: RunCli) -> Result:
    """Add one action that is due on 20 January 2018 and one due in 2100.

    Return what the second command printed.
    """
    run_cli(*ADD, "--due", "2018-01-20")
    watch = ("--text", "Watch it", "--owner", "desk", "--due", "2100-01-01")
    return run_cli("incident", "action", "add", INCIDENT, *watch)


def test_added_actions_are_in_list_incident_and_draft(
    run_cli: RunCli, with_two_actions: Result
) -> None:
    # One action is due on 20 January 2018, and so overdue, and one in 2100.
    assert with_two_actions.out == f"{INCIDENT}: 2 actions, 2 to do\n"
    listed = run_cli("incident", "action", "list", "--json").json
    assert [(action["number"], action["due"]) for action in listed] == [
        (1, "2018-01-20"),
        (2, "2100-01-01"),
    ]
    assert "2018-01-20" in run_cli("incident", "action", "list").out.splitlines()[1]
    action = "Renew the certificate: web team, by 20 January 2018."
    assert action in run_cli("incident", "show", INCIDENT).out
    assert f"> {action}" in run_cli("incident", "draft", INCIDENT).out


@pytest.mark.usefixtures("with_two_actions")
def test_done_action_is_in_incident_and_draft_but_not_open(run_cli: RunCli) -> None:
    # The incident has two actions: no. 1, due in 2018, and no. 2, due in 2100.
    assert (
        run_cli("incident", "action", "done", INCIDENT, "1", "--at", "2018-01-05T12:00").status == 0
    )
    assert run_cli("incident", "show", INCIDENT, "--json").json["actions"][0] == {
        "text": "Renew the certificate",
        "owner": "web team",
        "due": "2018-01-20",
        "done": "2018-01-05T12:00:00.000Z",
        "done_by": OPERATOR,
    }
    assert "done on 5 January 2018." in run_cli("incident", "draft", INCIDENT).out
    assert [
        action["number"] for action in run_cli("incident", "action", "list", "--json").json
    ] == [2]
    # Both actions are listed for the incident. The done one was due in 2018, but is not overdue.
    done, due_in_2100 = run_cli("incident", "action", "list", INCIDENT, "--json").json
    assert (done["overdue"], due_in_2100["overdue"]) == (False, False)


def test_an_empty_list_of_actions_says_so(run_cli: RunCli) -> None:
    assert run_cli("incident", "action", "list").out == "No actions.\n"


def test_an_action_due_before_the_incident_is_refused(run_cli: RunCli) -> None:
    refused = run_cli(*ADD, "--due", "2017-01-20")
    assert (refused.status, refused.err) == (
        1,
        'due: give a day after the incident (got "2017-01-20")\n',
    )


def test_an_unknown_action_or_incident_is_refused(run_cli: RunCli) -> None:
    assert run_cli("incident", "action", "done", INCIDENT, "1").err.endswith(
        f"{INCIDENT}, there are 0\n"
    )
    assert 'no incident "births"' in run_cli("incident", "action", "list", "births").err


@pytest.mark.usefixtures("as_head")
def test_an_action_does_not_amend_a_signed_report(run_cli: RunCli, folder: Path) -> None:
    run_cli(
        "incident",
        "sign",
        INCIDENT,
        *SIGN,
        "--anyway",
        "the minister waits",
        "--output",
        str(folder),
    )
    signed = run_cli("incident", "draft", INCIDENT, "--versions", "--json").json
    # An amended report would have a new version after the signed one.
    assert run_cli(*ADD, "--due", "2018-01-20").status == 0
    assert run_cli("incident", "draft", INCIDENT, "--versions", "--json").json == signed
    assert len(run_cli("incident", "action", "list", "--json").json) == 1
