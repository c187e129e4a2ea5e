from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

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
from monitor.store.open import open_store
from monitor.web.local_socket import own_name
from monitor.web.log_page import SORTS as KINDS_OF_BREACH_ON_PAGE
from monitor.web.log_page import Sort as KindOfBreachInApi
from monitor.web.users import OPERATOR
from tests.unit.monitor.cli.conftest import (
    HEAD,
    INCIDENT,
    Result,
    RunCli,
    list_as,
    release_with_promise,
)
from tests.unit.monitor.web.board import WITH_TOKEN, a_board
from tests.worlds.instants import SLOT
from tests.worlds.looks import ABSENT, a_run
from tests.worlds.verdicts import judge

SIGN = ("--format", "md")
LETTERS = ("letters/correction.docx", "letters/email.docx", "letters/lines.docx")
PERIOD = ("report", "period", "--from", "2018-01-01", "--to", "2018-01-31")
ABOUT_BIRTHS = ("--release", "births-2016", "--what", "leaked", "--when", "2018-01-04")
HAND_LOGGED = (
    *("--title", "Marriages 2016"),
    *("--producer", "ons"),
    *("--what", "sent to the wrong list"),
    *("--when", "2018-01-04T16:20"),
)


def test_incidents_are_listed_with_grade_status_and_draft(run_cli: RunCli) -> None:
    (row,) = run_cli("incident", "list").out.splitlines()[1:]
    draft = run_cli("incident", "show", INCIDENT, "--json").json["drafts"][-1]
    form_and_version = f"{draft['form']} v{draft['version']}"
    assert (
        " ".join(row.split())
        == f"5 Jan 2018 09:30 report late 20 min to 20 min 1 s report owed {form_and_version}"
        f" {INCIDENT} Births 2016"
    )
    # An incident with a report that is owed counts as open.
    for filters in (("--open",), ("--producer", "ons")):
        assert [
            listed["id"] for listed in run_cli("incident", "list", *filters, "--json").json
        ] == [INCIDENT]


@pytest.mark.usefixtures("as_head")
def test_incomplete_report_is_not_signed_and_still_owed(run_cli: RunCli, folder: Path) -> None:
    assert INCIDENT in run_cli("today").out.split("Closed, report owed: 1")[1]
    refused = run_cli("incident", "sign", INCIDENT, *SIGN, "--output", str(folder))
    assert (refused.status, refused.out) == (1, "")
    # The box of corrective actions is empty.
    assert "- 4. Corrective actions" in refused.err
    assert run_cli("incident", "show", INCIDENT, "--json").json["report_owed"]


@pytest.mark.usefixtures("as_head")
def test_incomplete_report_is_signed_with_a_reason_in_the_evidence(
    run_cli: RunCli, folder: Path
) -> None:
    # `--anyway REASON` signs a report although boxes in it are empty.
    signed = run_cli(
        "incident",
        "sign",
        INCIDENT,
        *SIGN,
        "--anyway",
        "the minister waits",
        "--output",
        str(folder),
    )
    assert signed.status == 0
    incident = run_cli("incident", "show", INCIDENT, "--json").json
    assert not incident["report_owed"]
    version = incident["drafts"][-1]["version"]
    reason = "although a check failed: the minister waits"
    assert incident["timeline"][-1]["text"] == f"report signed off as version {version} {reason}"
    evidence = (folder / INCIDENT / "evidence.md").read_text(encoding="utf-8")
    assert "because: the minister waits" in evidence
    assert "the minister waits" not in (folder / INCIDENT / "report.md").read_text(encoding="utf-8")
    assert run_cli("incident", "list", "--open", "--json").json == []
    assert "report owed" not in run_cli("today").out


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
    stored = open_store(f"sqlite:///{folder}/store.db", durable=False)
    with closing(stored) as store, store.transaction() as tx:
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
def test_signing_writes_report_evidence_and_letters_into_a_folder(
    run_cli: RunCli, folder: Path
) -> None:
    signed = sign_anyway(run_cli, folder / "signed", INCIDENT, "docx")
    assert files_in(folder / "signed" / INCIDENT) == ["evidence.docx", *LETTERS, "report.docx"]
    _, *printed_files = signed.out.splitlines()
    assert sorted(printed_files) == sorted(map(str, (folder / "signed").rglob("*.docx")))


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
def test_reports_signed_into_one_place_do_not_replace_each_other(
    run_cli: RunCli, folder: Path
) -> None:
    other = run_cli("incident", "add", *HAND_LOGGED, "--json").json["id"]
    assert sign_anyway(run_cli, folder, INCIDENT, "md").status == 0
    assert sign_anyway(run_cli, folder, other, "md").status == 0
    assert "Births 2016" in (folder / INCIDENT / "report.md").read_text(encoding="utf-8")
    assert "Marriages 2016" in (folder / other / "report.md").read_text(encoding="utf-8")


@pytest.mark.usefixtures("as_head")
def test_a_refused_signature_creates_and_deletes_no_folder(run_cli: RunCli, folder: Path) -> None:
    (folder / "existing").mkdir()
    # The signature is refused because boxes of the report are empty.
    for place in (folder / "existing", folder / "new" / "place"):
        assert run_cli("incident", "sign", INCIDENT, *SIGN, "--output", str(place)).status == 1
    assert (folder / "existing").is_dir()
    assert not (folder / "new").exists()


@pytest.mark.usefixtures("as_head")
def test_report_is_owed_until_waived_with_a_reason(run_cli: RunCli) -> None:
    """A blank reason is refused.

    With a reason no report is owed any more, so a second waiver is refused.
    """
    assert run_cli("incident", "waive", INCIDENT, "--reason", " ").status == 1
    assert "report owed" in run_cli("incident", "show", INCIDENT).out
    assert run_cli("incident", "waive", INCIDENT, "--reason", "sent by letter").status == 0
    screen = run_cli("incident", "show", INCIDENT).out
    assert "report owed" not in screen
    assert f"{HEAD}: report waived: sent by letter" in screen
    assert run_cli("incident", "list", "--open", "--json").json == []
    again = run_cli("incident", "waive", INCIDENT, "--reason", "twice")
    assert (again.status, again.err) == (1, f"no report is owed for {INCIDENT}\n")


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
    store = open_store(f"sqlite:///{folder}/store.db", durable=False)
    with store.transaction() as tx:
        tx.save(known)
        tx.add_promises([promise])
        tx.save(replace(absent, end=slot + overdue, last_received=slot + overdue))
        VerdictRecorder(ReportingRules()).record(
            tx, assess(verdict, Measurement("edge")), verdict.at
        )
    (incident,) = store.verdicts.incidents_of(name)
    store.close()
    return incident.id


def test_exporting_evidence_makes_a_new_version_of_the_draft(run_cli: RunCli, folder: Path) -> None:
    # Its draft was stored about 32 hours ago.
    incident = save_overdue_release(folder, hours=32)
    assert run_cli("incident", "export", incident, str(folder / "e.zip")).status == 0
    with closing(open_store(f"sqlite:///{folder}/store.db", durable=False)) as store:
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


def test_a_closed_incident_shows_what_happened_and_what_remains(run_cli: RunCli) -> None:
    lines = run_cli("incident", "show", INCIDENT).out.splitlines()
    assert lines[0].startswith("LATE, grade report, closed 5 Jan 2018")
    assert "Timeline" in lines
    assert "What to do now:" not in lines
    assert any(line.startswith("To complete in the draft") for line in lines)
    assert run_cli("incident", "show", INCIDENT, "--json").json["id"] == INCIDENT


async def test_an_open_incident_shows_what_to_do() -> None:
    async with a_board() as board:
        address = f"/api/v1/incidents/{board.incident}"
        open_incident = (await board.client.get(address, headers=WITH_TOKEN)).json()
        # Without `body`, the last verdict, the lines on the release are left out. The steps do not
        # need them.
        lines = list(incident_lines(open_incident, body=None, producer="ONS"))
        assert "What to do now:" in lines


def test_note_has_a_role_and_acknowledges_the_incident(run_cli: RunCli) -> None:
    incident = run_cli("incident", "note", INCIDENT, "web team called", "--json").json
    note = incident["timeline"][-1]
    assert (note["by"], note["text"]) == (OPERATOR, "web team called")
    assert incident["acknowledged"]["by"] == OPERATOR


@pytest.mark.parametrize("verb", ["note", "close", "sign"])
def test_role_cannot_be_typed(run_cli: RunCli, verb: str) -> None:
    """A case is a command with the option `--by`, such as `incident note`."""
    result = run_cli("incident", verb, INCIDENT, "--by", "head of profession")
    assert result.status == 2
    assert "'--by'. Leave it out: your account decides your role" in result.err


def accounts_of(folder: Path, incident: str) -> list[tuple[str, str, str]]:
    with closing(open_store(f"sqlite:///{folder}/store.db", durable=False)) as store:
        acts = store.verdicts.acts(incident)
    return [(act.account, act.role, act.what) for act in acts]


def test_line_of_the_users_file_decides_role_and_right(run_cli: RunCli, folder: Path) -> None:
    list_as(folder, 'anne:system = "{user}":duty statistician')
    noted = run_cli("incident", "note", INCIDENT, "web team called", "--json").json
    assert noted["acknowledged"]["by"] == "duty statistician"
    for verb in (("sign", "--anyway", "x"), ("waive", "--reason", "x")):
        refused = run_cli("incident", verb[0], INCIDENT, *verb[1:])
        assert (refused.status, refused.out) == (1, "")
        assert "user:anne" in refused.err
    acts = accounts_of(folder, INCIDENT)
    assert acts == [("user:anne", "duty statistician", "written_by_hand")]


@pytest.mark.parametrize("verb", [("sign", "--anyway", "x"), ("waive", "--reason", "x")])
def test_user_without_a_line_acts_but_does_not_sign(
    run_cli: RunCli, folder: Path, verb: tuple[str, ...]
) -> None:
    list_as(folder, 'eve:system = "eve"')
    assert run_cli("incident", "note", INCIDENT, "web team called").status == 0
    refused = run_cli("incident", verb[0], INCIDENT, *verb[1:])
    assert (refused.status, refused.out) == (1, "")
    assert refused.err == (
        f"system:{own_name()} may not sign or waive a report: `ninethirty user NAME --system"
        f" {own_name()} --head` makes the line that allows it\n"
    )
    assert accounts_of(folder, INCIDENT) == [(f"system:{own_name()}", OPERATOR, "written_by_hand")]


def test_who_is_at_the_machine_signs_if_no_one_can_sign_in(run_cli: RunCli, folder: Path) -> None:
    assert run_cli("incident", "waive", INCIDENT, "--reason", "told by phone").status == 0
    assert accounts_of(folder, INCIDENT) == [(f"system:{own_name()}", OPERATOR, "report_waived")]


def test_viewer_changes_nothing_at_the_command_line(run_cli: RunCli, folder: Path) -> None:
    list_as(folder, 'vic:system = "{user}":reader:viewer')
    changes = [
        ("incident", "note", INCIDENT, "called"),
        ("incident", "close", INCIDENT),
        ("incident", "add", *ABOUT_BIRTHS),
        ("silence", "add", "--producer", "ons", "--for", "2h", "--reason", "x"),
    ]
    for change in changes:
        assert run_cli(*change).status == 1, change
    assert run_cli("incident", "list").status == 0
    assert accounts_of(folder, INCIDENT) == []


def test_a_note_without_text_acknowledges_the_incident(run_cli: RunCli) -> None:
    # docs/notices.md gives this command to people who acknowledge at a terminal.
    result = run_cli("incident", "note", INCIDENT)
    assert (result.status, result.out) == (0, f"{INCIDENT}: acknowledged\n")
    incident = run_cli("incident", "show", INCIDENT, "--json").json
    assert incident["acknowledged"]["by"] == OPERATOR
    assert incident["timeline"][-1]["text"] == "acknowledged"


def test_note_with_only_a_cause_is_in_the_timeline(run_cli: RunCli) -> None:
    assert (
        run_cli("incident", "note", INCIDENT, "--cause", "expired certificate").out
        == f"{INCIDENT}: noted\n"
    )
    timeline = run_cli("incident", "show", INCIDENT, "--json").json["timeline"]
    assert timeline[-1]["text"] == "cause: expired certificate"


def test_timed_note_is_in_the_account_in_order(run_cli: RunCli) -> None:
    assert (
        run_cli(
            "incident", "note", INCIDENT, "rang the web team", "--at", "2018-01-05T09:41"
        ).status
        == 0
    )
    ticked = ("ask-platform", "ticket 1234", "--at", "2018-01-05T09:35")
    assert run_cli("incident", "step", INCIDENT, *ticked).status == 0
    assert run_cli("incident", "step", INCIDENT, *ticked[:2], "--at", "9999-01-05").status
    account = run_cli("incident", "draft", INCIDENT).out
    done_step = "The people who publish it were called at 9.35am on Friday 5 January 2018 (ticket"
    # Markdown escapes the full stop, because "9." would begin a list.
    note = rf"9\.41am: rang the web team ({OPERATOR})"
    assert account.index(done_step) < account.index(note)


def test_a_note_with_an_unreadable_time_is_refused(run_cli: RunCli) -> None:
    result = run_cli("incident", "note", INCIDENT, "--at", "soon")
    assert result.status == 1
    assert "at: " in result.err


@pytest.mark.parametrize(
    "other_options", [(), ("--assign", "web team"), ("--cause", "expired certificate")]
)
def test_note_timed_a_year_before_its_incident_gets_a_warning(
    run_cli: RunCli, other_options: tuple[str, ...]
) -> None:
    """With --assign or --cause the note has more entries in the timeline.

    The warning is given all the same.
    """
    result = run_cli(
        "incident", "note", INCIDENT, "rang", "--at", "2017-01-05T09:41", *other_options
    )
    timeline = run_cli("incident", "show", INCIDENT, "--json").json["timeline"]
    # The incident is of 5 January 2018.
    (warning,) = [
        entry["text"] for entry in timeline if entry["by"] == "monitor" and "2017" in entry["text"]
    ]
    assert (result.status, result.err) == (0, f"{warning}\n")
    notes = [(entry["at"], entry["by"]) for entry in timeline]
    assert ("2017-01-05T09:41:00.000Z", OPERATOR) in notes


def test_note_from_an_email_always_has_the_time_of_sending(run_cli: RunCli, tmp_path: Path) -> None:
    mail = tmp_path / "alert.eml"
    mail.write_text("Date: Fri, 5 Jan 2018 09:35:00 +0000\n\nPublished\n")
    result = run_cli("incident", "note", INCIDENT, "--mail", str(mail), "--at", "2018-01-05T09:41")
    assert result.status == 2
    assert "leave out --at: an e-mail is noted at the time it was sent" in result.err
    incident = run_cli("incident", "note", INCIDENT, "--mail", str(mail), "--json").json
    assert "2018-01-05T09:35:00.000Z" in [entry["at"] for entry in incident["timeline"]]


def test_an_empty_note_is_refused(run_cli: RunCli) -> None:
    result = run_cli("incident", "note", INCIDENT, " ")
    assert (result.status, result.err.count("\n")) == (1, 1)
    assert "note: must have a visible character" in result.err


def test_hand_logged_incident_is_on_the_board_with_its_steps(run_cli: RunCli) -> None:
    name = run_cli("incident", "add", *HAND_LOGGED, "--json").json["id"]
    today = run_cli("today").out
    assert "Open incidents: 1\n" in today
    (row,) = [line for line in today.splitlines() if line.endswith(f"  {name}")]
    grade, kind, *_ = row.split()
    assert (grade, kind) == ("report", "hand")
    assert (
        today.index(row)
        < today.index("1. Tell the Head of Profession")
        < today.index("Complete the draft")
    )


def test_incident_logged_with_a_day_has_no_time(run_cli: RunCli) -> None:
    name = run_cli("incident", "add", *ABOUT_BIRTHS, "--json").json["id"]
    assert "  Occurred  4 Jan 2018, opened" in run_cli("incident", "show", name).out
    assert "00:00" not in run_cli("incident", "list").out


def test_a_hand_logged_incident_can_be_closed(run_cli: RunCli) -> None:
    name = run_cli("incident", "add", *HAND_LOGGED, "--json").json["id"]
    assert run_cli("incident", "show", name, "--json").json["closed"] is None
    assert run_cli("incident", "close", name, "--text", "recalled").status == 0
    closed = run_cli("incident", "show", name, "--json").json
    assert closed["closed"] is not None
    assert closed["timeline"][-1]["text"] == "closed: recalled"


def log_marriages_with_end_and_addresses(run_cli: RunCli) -> dict[str, Any]:
    """Log an incident of forest-research that lasted 80 minutes at two addresses."""
    what = (
        "--title",
        "Marriages 2016",
        "--producer",
        "forest-research",
        "--what",
        "sent to the wrong list",
    )
    when = ("--when", "2018-01-04T16:20", "--until", "2018-01-04T17:40")
    urls = ("--url", "https://www.gov.uk/a", "--url", "https://x.example/b")
    logged: dict[str, Any] = run_cli("incident", "add", *what, *when, *urls, "--json").json
    return logged


def test_hand_logged_incident_and_draft_have_end_and_addresses(run_cli: RunCli) -> None:
    logged = log_marriages_with_end_and_addresses(run_cli)
    assert logged["ended"] == "2018-01-04T17:40:00.000Z"
    assert logged["urls"] == ["https://www.gov.uk/a", "https://x.example/b"]
    draft = run_cli("incident", "draft", logged["id"]).out
    # It began at 4.20pm.
    assert "for about 1 hour 20 minutes, until 5.40pm." in draft
    # They are where it was seen, and never the link to the statistics.
    assert "It could be seen at <https://www.gov.uk/a> and <https://x.example/b>" in draft
    assert (
        "Url       https://www.gov.uk/a https://x.example/b"
        in run_cli("incident", "show", logged["id"]).out
    )


def test_hand_logged_incident_is_in_reports_of_producer_and_host(run_cli: RunCli) -> None:
    logged = log_marriages_with_end_and_addresses(run_cli)
    of_producer, of_host = ("--producer", "forest-research"), ("--host", "www.gov.uk")
    for filters in ((), of_producer, of_host, (*of_host, *of_producer)):
        (listed,) = run_cli(*PERIOD, *filters, "--json").json["logged"]
        assert (listed["incident"], listed["title"]) == (logged["id"], "Marriages 2016")
    assert run_cli(*PERIOD, "--producer", "ons", "--json").json["logged"] == []


def test_period_report_counts_hand_logged_incidents_with_their_end(run_cli: RunCli) -> None:
    logged = log_marriages_with_end_and_addresses(run_cli)
    text = run_cli(*PERIOD).out
    assert "1 incident logged by hand" in text
    # It was logged with this end.
    assert "17:40 GMT on 4 January 2018" in text
    assert logged["id"] in run_cli(*PERIOD, "--format", "csv").out


def test_hand_logged_dates_a_year_apart_get_a_warning(run_cli: RunCli) -> None:
    a_year_apart = "5/1/2017, 5 Jan 2018 9.41am"
    logged = run_cli(
        "incident", "add", "--release", "births-2016", "--what", "a leak", "--when", a_year_apart
    )
    assert "check date: 5 January 2018 is 365 days after the incident" in logged.err


def test_hand_logged_incident_is_in_the_history_of_its_release(run_cli: RunCli) -> None:
    logged = run_cli("incident", "add", *ABOUT_BIRTHS, "--json").json
    assert logged["id"] in run_cli("calendar", "history", "births-2016").out


def test_without_a_terminal_logging_names_all_absent_options_at_once(run_cli: RunCli) -> None:
    result = run_cli("incident", "add", "--when", "one day")
    assert result.status == 1
    assert result.err.splitlines() == [
        "title: is missing",
        "producer: is missing",
        "what: is missing",
    ]
    unreadable = run_cli("incident", "add", *HAND_LOGGED[:-1], "one day")
    assert (unreadable.status, unreadable.err.count("\n")) == (1, 1)
    assert 'when: not dates, write "2016-10-01"' in unreadable.err


def test_logging_about_a_watched_release_needs_only_what_and_when(run_cli: RunCli) -> None:
    logged = run_cli("incident", "add", *ABOUT_BIRTHS, "--json").json
    assert (logged["title"], logged["producer"], logged["kind"]) == ("Births 2016", "ons", "hand")
    # Form B is for incidents from October 2016 to February 2018. ABOUT_BIRTHS says "--when
    # 2018-01-04".
    assert logged["drafts"][0]["form"] == "B"


def test_logging_about_an_unknown_release_is_refused(run_cli: RunCli) -> None:
    assert (
        run_cli(
            "incident", "add", "--release", "births", "--what", "x", "--when", "2018-01-04"
        ).status
        == 1
    )


def test_logging_the_same_twice_gives_one_incident(run_cli: RunCli) -> None:
    first = run_cli("incident", "add", *HAND_LOGGED)
    again = run_cli("incident", "add", *HAND_LOGGED)
    assert again.out == first.out.replace("logged", "was logged already")
    logged = [one for one in run_cli("incident", "list", "--json").json if one["kind"] == "hand"]
    assert len(logged) == 1


def test_a_draft_is_printed_and_saved_in_every_format(run_cli: RunCli, folder: Path) -> None:
    assert run_cli("incident", "draft", INCIDENT).out.startswith("# ")
    assert run_cli("incident", "draft", INCIDENT, "--format", "html").out.startswith(
        "<!doctype html>"
    )
    for kind in ("docx", "odt"):
        assert (
            run_cli("incident", "draft", INCIDENT, "--output", str(folder / f"a.{kind}")).status
            == 0
        )
        assert zipfile.is_zipfile(folder / f"a.{kind}")


def test_typed_text_is_kept_exactly_in_a_new_version(run_cli: RunCli, folder: Path) -> None:
    before = run_cli("incident", "show", INCIDENT, "--json").json["drafts"][-1]["version"]
    words = "A link was mistyped.\n\n  Twice, at 09:29."
    file = folder / "words.txt"
    file.write_text(words, encoding="utf-8")
    field = ("--field", "B.4.corrective")
    assert run_cli("incident", "draft", INCIDENT, *field, "--file", str(file)).status == 0
    draft = run_cli("incident", "draft", INCIDENT, "--json").json
    assert (draft["version"], draft["by"]) == (before + 1, OPERATOR)
    assert draft["words"] == {"B.4.corrective": words}
    assert (
        run_cli("incident", "draft", INCIDENT, "--version", str(before), "--json").json["words"]
        == {}
    )


def test_fields_are_listed_with_their_source(run_cli: RunCli) -> None:
    run_cli("incident", "draft", INCIDENT, "--field", "B.4.corrective", "--text", "checked")
    rows = {
        row["field"]: row
        for row in run_cli("incident", "draft", INCIDENT, "--fields", "--json").json
    }
    # A person wrote one box, no one has filled the other, and the date is measured.
    assert (rows["B.4.corrective"]["standing"], rows["B.3.impact"]["standing"]) == (
        "said",
        "to complete",
    )
    assert rows["B.2.date"] == {
        "field": "B.2.date",
        "filled_by": "measured",
        "standing": "filled",
        "label": "Date of occurrence of breach",
    }


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ("--field", "B.4.corective", "--text", "x"),
            'no field "B.4.corective", did you mean "B.4.corrective"?',
        ),
        (("--field", "B.4.corrective"), "give the text of B.4.corrective: --text or --file"),
        (
            ("--field", "B.4.corrective", "--file", "none.txt"),
            "none.txt: cannot be read: No such file or directory",
        ),
        (("--version", "99"), f"incident {INCIDENT} has no version 99 of its draft, the last is "),
    ],
)
def test_a_refused_change_of_a_draft_gives_the_reason(
    run_cli: RunCli, arguments: tuple[str, ...], line: str
) -> None:
    """A case is a change that cannot be made, for example of a misspelt field, and the begin of the
    message.
    """
    result = run_cli("incident", "draft", INCIDENT, *arguments)
    assert (result.status, result.out) == (1, "")
    assert result.err.startswith(line)


@pytest.mark.usefixtures("as_head")
def test_signing_with_json_gives_the_time_and_the_written_files(
    run_cli: RunCli, folder: Path
) -> None:
    options = ("--output", str(folder / "sent"), "--anyway", "asked for", "--json")
    result = run_cli("incident", "sign", INCIDENT, "--format", "docx", *options)
    assert result.json["signed"] is not None
    assert sorted(result.json["files"]) == sorted(map(str, (folder / "sent").rglob("*.docx")))
    assert len(result.json["files"]) == len(["report", "evidence", *LETTERS])


@pytest.mark.usefixtures("as_head")
def test_text_written_after_signing_amends_the_signed_report(run_cli: RunCli, folder: Path) -> None:
    sign_anyway(run_cli, folder / "sent", INCIDENT, "docx")
    amend = ("incident", "draft", INCIDENT, "--field", "B.4.corrective", "--text", "later")
    assert "say why you amend it" in run_cli(*amend).err
    assert run_cli(*amend, "--reason", "the cause is known").status == 0
    assert "Amended after sign-off" in run_cli("incident", "draft", INCIDENT).out


def test_exporting_evidence_does_not_overwrite_a_file(run_cli: RunCli, folder: Path) -> None:
    export = ("incident", "export", INCIDENT, str(folder / "evidence.zip"))
    # The store of the tests has no record of evidence.
    assert run_cli(*export, "--json").json["records"] == 0
    assert zipfile.ZipFile(folder / "evidence.zip").namelist() == ["manifest.json", "SHA256SUMS"]
    assert run_cli(*export).status == 1


def test_command_page_and_api_accept_the_same_kinds_of_breach() -> None:
    # `incident add --sort KIND` says what kind of breach a person logs, such as a leak.
    (kind_option,) = (option for option in acts.add.params if option.name == "sort")
    assert isinstance(kind_option.type, click.Choice)
    kinds_of_command = set(kind_option.type.choices)
    assert kinds_of_command == set(KINDS_OF_BREACH_ON_PAGE)
    assert kinds_of_command == set(get_args(KindOfBreachInApi))


def test_attached_file_is_in_the_export_with_its_hash(run_cli: RunCli, tmp_path: Path) -> None:
    sent = tmp_path / "sent.pdf"
    sent.write_bytes(b"what was sent")
    digest = hashlib.sha256(b"what was sent").hexdigest()
    attached = run_cli("incident", "attach", INCIDENT, str(sent), "--json").json
    assert [one["sha256"] for one in attached["attachments"]] == [digest]
    file = tmp_path / "evidence.zip"
    assert run_cli("incident", "export", INCIDENT, str(file)).status == 0
    with zipfile.ZipFile(file) as archive:
        assert archive.read("attachments/1-sent.pdf") == b"what was sent"
    assert run_cli("incident", "attach", "nothing", str(sent)).status == 1


def test_grade_is_lowered_with_a_reason(run_cli: RunCli) -> None:
    graded = ("incident", "grade", INCIDENT, "note")
    assert run_cli(*graded).status == 2
    body = run_cli(*graded, "--form", "D", "--reason", "agreed", "--json").json
    assert (body["grade"], body["drafts"][-1]["form"]) == ("note", "D")
