from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

import click
import pytest

from monitor.cli.client import OFFLINE
from monitor.cli.incident import acts
from monitor.cli.incident.show import incident_lines
from monitor.deliver.assessment import assess
from monitor.deliver.facts import Measurement
from monitor.deliver.rules import ReportingRules
from monitor.deliver.verdicts import VerdictRecorder
from monitor.judge.policy import Policy
from monitor.web.log_page import SORTS as KINDS_OF_BREACH_ON_PAGE
from monitor.web.log_page import Sort as KindOfBreachInApi
from tests.unit.monitor.cli.conftest import (
    INCIDENT,
    Result,
    RunCli,
    opened_store,
    release_with_promise,
    write_store,
)
from tests.unit.monitor.web.board import WITH_TOKEN, a_board
from tests.worlds.instants import SLOT
from tests.worlds.looks import ABSENT, a_run
from tests.worlds.verdicts import judge

SIGN = ("--format", "md")
LETTERS = ("letters/correction.docx", "letters/email.docx", "letters/lines.docx")


def files_in(place: Path) -> list[str]:
    return sorted(str(file.relative_to(place)) for file in place.rglob("*") if file.is_file())


def sign_anyway(run_cli: RunCli, place: Path, incident: str, *formats: str) -> Result:
    """Sign a report off although it is incomplete, and write its files in these formats into a
    folder.
    """
    options = ("--anyway", "asked for", "--output", str(place))
    return run_cli(
        "incident",
        "sign",
        incident,
        *options,
        *(word for name in formats for word in ("--format", name)),
    )


@pytest.mark.usefixtures("as_head")
def test_id_that_a_calendar_gave_leads_to_no_other_folder(run_cli: RunCli, folder: Path) -> None:
    release, promise = release_with_promise("../away", "Births 2016", SLOT)
    with write_store(folder) as tx:
        tx.save(release)
        tx.add_promises([promise])
    what = ("--what", "sent to the wrong list", "--when", "2018-01-04")
    logged = run_cli("incident", "add", "--release", "../away", *what, "--json")
    assert logged.json["id"].startswith("../away-hand-")
    signed = sign_anyway(run_cli, folder / "signed", logged.json["id"], "md")
    assert signed.status == 0, signed.err
    (written,) = folder.rglob("report.md")
    assert written.parent.parent == folder / "signed"


@pytest.mark.usefixtures("as_head")
def test_without_libreoffice_signing_writes_only_docx_files(folder: Path, root: Path) -> None:
    program = [sys.executable, "-m", "monitor", "--config", str(folder / "config.toml")]
    sign = ("incident", "sign", INCIDENT, "--anyway", "asked for")
    without_soffice = {"PYTHONPATH": str(root), "PATH": ""}
    command = [*program, *sign, "--output", str(folder)]
    ended = subprocess.run(
        command, env=without_soffice, capture_output=True, text=True, check=False, timeout=120
    )
    assert (ended.returncode, ended.stderr) == (
        0,
        f"{OFFLINE}\nno .pdf: LibreOffice (soffice) is not installed\n",
    )
    assert files_in(folder / INCIDENT) == ["evidence.docx", *LETTERS, "report.docx"]


@pytest.mark.usefixtures("as_head")
@pytest.mark.slow
def test_signing_with_libreoffice_also_writes_pdf_files(
    run_cli: RunCli, folder: Path, soffice: str
) -> None:
    assert Path(soffice).is_file()
    assert sign_anyway(run_cli, folder, INCIDENT).status == 0
    assert files_in(folder / INCIDENT) == ["evidence.pdf", *LETTERS, "report.docx", "report.pdf"]


@pytest.mark.usefixtures("as_head")
def test_a_refused_signature_creates_and_deletes_no_folder(run_cli: RunCli, folder: Path) -> None:
    (folder / "existing").mkdir()
    # The signature is refused because boxes of the report are empty.
    for place in (folder / "existing", folder / "new" / "place"):
        assert run_cli("incident", "sign", INCIDENT, *SIGN, "--output", str(place)).status == 1
    assert (folder / "existing").is_dir()
    assert not (folder / "new").exists()


def save_overdue_release(folder: Path, *, hours: int) -> str:
    """Store a release whose slot was so many hours ago and which is still absent.

    Return the id of its incident.

    The last draft is of six minutes after the slot.
    """
    overdue = timedelta(hours=hours)
    slot, name, early = datetime.now(UTC) - overdue, "marriages-2017", timedelta(minutes=6)
    known, promise = release_with_promise(name, "Marriages 2017", slot)
    promise = replace(promise, learnt=slot - timedelta(days=9), confirmed_at=slot)
    absent = a_run(f"{name}/page/edge", ABSENT, slot - early, slot + early)
    verdict = judge(known, [promise], {absent.target: [absent]}, [], Policy(), slot + early)
    with write_store(folder) as tx:
        tx.save(known)
        tx.add_promises([promise])
        tx.save(replace(absent, end=slot + overdue, last_received=slot + overdue))
        VerdictRecorder(ReportingRules()).record(
            tx, assess(verdict, Measurement("edge")), verdict.at
        )
    with opened_store(folder) as store:
        (incident,) = store.verdicts.incidents_of(name)
    return incident.id


def test_exporting_evidence_makes_a_new_version_of_the_draft(run_cli: RunCli, folder: Path) -> None:
    # Its draft was stored about 32 hours ago.
    incident = save_overdue_release(folder, hours=32)
    assert run_cli("incident", "export", incident, str(folder / "e.zip")).status == 0
    with opened_store(folder) as store:
        *_, last_version = store.verdicts.drafts(incident)
    # The last version was made by the export, with the delay until now.
    assert datetime.now(UTC) - last_version.at < timedelta(minutes=5)


def test_overdue_incident_is_shown_with_its_delay_until_now(run_cli: RunCli, folder: Path) -> None:
    incident = save_overdue_release(folder, hours=32)  # 1 day and 8 hours
    (line,) = [line for line in run_cli("incident", "list").out.splitlines() if incident in line]
    assert "at least 1 d 8 h" in line
    assert "OVERDUE by at least 1 d 8 h" in run_cli("incident", "show", incident).out
    assert "delayed by at least 32 hours" in run_cli("incident", "draft", incident).out


@pytest.mark.usefixtures("as_head")
def test_report_of_overdue_release_is_signed_with_current_delay(
    run_cli: RunCli, folder: Path
) -> None:
    """The release is overdue for 32 hours.

    So signing is refused at first, and needs a reason after `--anyway`.
    """
    incident = save_overdue_release(folder, hours=32)
    sign = ("incident", "sign", incident, *SIGN, "--output", str(folder))
    assert "still overdue" in run_cli(*sign).err
    assert run_cli(*sign, "--anyway", "asked for").status == 0
    signed = run_cli("incident", "draft", incident).out
    assert "delayed by at least 32 hours" in signed
    assert "Amended" not in signed


async def test_an_open_incident_shows_what_to_do() -> None:
    async with a_board() as board:
        address = f"/api/v1/incidents/{board.incident}"
        open_incident = (await board.client.get(address, headers=WITH_TOKEN)).json()
        # Without `body`, the last verdict, the lines on the release are left out. The steps do not
        # need them.
        lines = list(incident_lines(open_incident, body=None, producer="ONS"))
        assert "What to do now:" in lines


def test_command_page_and_api_accept_the_same_kinds_of_breach() -> None:
    # `incident add --sort KIND` says what kind of breach a person logs, such as a leak.
    (kind_option,) = (option for option in acts.add.params if option.name == "sort")
    assert isinstance(kind_option.type, click.Choice)
    kinds_of_command = set(kind_option.type.choices)
    assert kinds_of_command == set(KINDS_OF_BREACH_ON_PAGE)
    assert kinds_of_command == set(get_args(KindOfBreachInApi))
