from __future__ import annotations

from pathlib import Path

from tests.unit.monitor.cli.test_incidents import INCIDENT, ROLE, SIGN, Ask

ADD = ("incident", "action", "add", INCIDENT, "--text", "Renew the certificate", "--owner", "web team")


def test_actions_are_added_listed_done_and_exported(ask: Ask) -> None:
    assert ask("incident", "action", "list").out == "No actions.\n"
    ask(*ADD, "--due", "2018-01-20", *ROLE)
    told = ask(
        "incident", "action", "add", INCIDENT, "--text", "Watch it", "--owner", "desk", "--due", "2100-01-01", *ROLE
    )
    assert told.out == f"{INCIDENT}: 2 actions, 2 to do\n"
    listed = ask("incident", "action", "list", "--json").json
    assert [(one["number"], one["due"]) for one in listed] == [(1, "2018-01-20"), (2, "2100-01-01")]
    assert "2018-01-20" in ask("incident", "action", "list").out.splitlines()[1]
    assert "Renew the certificate: web team, by 20 January 2018." in ask("incident", "show", INCIDENT).out
    assert "> Renew the certificate: web team, by 20 January 2018." in ask("incident", "draft", INCIDENT).out
    assert ask("incident", "action", "done", INCIDENT, "1", "--at", "2018-01-05T12:00", *ROLE).status == 0
    shown = ask("incident", "show", INCIDENT, "--json").json["actions"]
    assert shown[0] == {
        "text": "Renew the certificate",
        "owner": "web team",
        "due": "2018-01-20",
        "done": "2018-01-05T12:00:00.000Z",
        "done_by": "duty statistician",
    }
    assert "done on 5 January 2018." in ask("incident", "draft", INCIDENT).out
    assert [one["number"] for one in ask("incident", "action", "list", "--json").json] == [2]
    assert [one["overdue"] for one in ask("incident", "action", "list", INCIDENT, "--json").json] == [False, False]


def test_an_action_that_cannot_be_added_is_refused_with_a_reason(ask: Ask) -> None:
    refused = ask(*ADD, "--due", "2017-01-20", *ROLE)
    assert (refused.status, refused.err) == (1, 'due: give a day after the incident (got "2017-01-20")\n')
    assert ask("incident", "action", "done", INCIDENT, "1", *ROLE).err.endswith(f"{INCIDENT}, there are 0\n")
    assert 'no incident "births"' in ask("incident", "action", "list", "births").err


def test_an_action_does_not_amend_a_signed_report(ask: Ask, folder: Path) -> None:
    ask("incident", "sign", INCIDENT, *SIGN, "--anyway", "the minister waits", "--output", str(folder))
    before = ask("incident", "draft", INCIDENT, "--versions", "--json").json
    assert ask(*ADD, "--due", "2018-01-20", *ROLE).status == 0
    assert ask("incident", "draft", INCIDENT, "--versions", "--json").json == before
    assert len(ask("incident", "action", "list", "--json").json) == 1
