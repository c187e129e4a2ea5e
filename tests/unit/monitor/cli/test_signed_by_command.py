"""The measure of reports that people touched, by the command line: logged, ticked, noted, signed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from alerts.draft.report import report_from_json
from alerts.incident import Decision, Incident
from monitor.deliver.rules import ReportingRules
from monitor.deliver.verdicts import VerdictRecorder
from tests.unit.monitor.cli.conftest import HEAD, RunCli, opened_store, write_store
from tests.worlds.signed import (
    NOTE,
    check_logged_text,
    check_signed_text,
    list_cases,
)


def sign(run_cli: RunCli, folder: Path, incident: str) -> str:
    """Tick every step of an incident, note something and sign it, and return what was signed."""
    for step in run_cli("incident", "step", incident, "--json").json:
        ticked = run_cli("incident", "step", incident, step["step"], "ticket 1234")
        assert ticked.status == 0, ticked.err
    assert run_cli("incident", "note", incident, NOTE).status == 0
    place = ("--output", str(folder / "signed"), "--format", "html")
    signed = run_cli("incident", "sign", incident, "--anyway", "boxes are empty", *place)
    assert signed.status == 0, signed.err
    with opened_store(folder) as store:
        report = report_from_json(store.verdicts.drafts(incident)[-1].facts)
    written = (folder / "signed" / incident / "report.html").read_text(encoding="utf-8")
    assert NOTE in written
    return check_signed_text(report)


@pytest.mark.usefixtures("as_head")
@pytest.mark.parametrize("case", list(list_cases()))
def test_logged_incident_is_signed_with_true_sentences_only(
    run_cli: RunCli, folder: Path, case: Mapping[str, str]
) -> None:
    words = {"title": "Prices", "producer": "Example Office", "when": case["occurred"], **case}
    options = [
        option
        for name in ("title", "producer", "sort", "what", "when", "until", "due")
        if words.get(name)
        for option in (f"--{name}", words[name])
    ]
    logged = run_cli("incident", "add", *options, "--json")
    assert logged.status == 0, logged.err
    check_logged_text(case, sign(run_cli, folder, logged.json["id"]))


@pytest.mark.usefixtures("as_head")
def test_published_incidents_are_signed_with_true_sentences_only(
    run_cli: RunCli,
    folder: Path,
    incidents: Mapping[str, Incident],
) -> None:
    recorder = VerdictRecorder(ReportingRules())
    for incident in incidents.values():
        with write_store(folder) as tx:
            decision = Decision(incident, (), draft=True)
            recorder.save_decision(tx, decision, incident.opened)
    for name in incidents:
        assert f"{NOTE} ({HEAD})" in sign(run_cli, folder, name)
