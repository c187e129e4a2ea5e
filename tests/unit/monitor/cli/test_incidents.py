from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import click
import pytest

from monitor.cli.incident import add
from monitor.cli.incident.show import incident_lines
from monitor.deliver.facts import Measurement
from monitor.deliver.rules import ReportingRules
from monitor.deliver.verdicts import VerdictRecorder
from monitor.judge.judge import judge
from monitor.judge.policy import Policy
from monitor.look.sighting import State
from monitor.store.open import open_store
from monitor.web.log_page import SORTS, Sort
from tests.unit.monitor.cli.conftest import Result, release, run
from tests.unit.monitor.web.board import a_board

Ask = Callable[..., Any]
INCIDENT = "births-2016-2018-01-05"
ROLE = ("--by", "duty statistician")
SIGN = ("--by", "head of profession", "--format", "md")
HAND = {
    "--title": "Marriages 2016",
    "--producer": "ons",
    "--what": "sent to the wrong list",
    "--when": "2018-01-04T16:20",
}


def options(given: dict[str, str]) -> list[str]:
    return [word for pair in given.items() for word in pair]


def test_incidents_are_listed_with_grade_status_and_draft(ask: Ask) -> None:
    (line,) = ask("incident", "list").out.splitlines()[1:]
    draft = ask("incident", "show", INCIDENT, "--json").json["drafts"][-1]
    drafted = f"{draft['form']} v{draft['version']}"
    told = f"5 Jan 2018 09:30 report late 20 min to 20 min 1 s report owed {drafted} {INCIDENT} Births 2016"
    assert " ".join(line.split()) == told
    assert [one["id"] for one in ask("incident", "list", "--open", "--json").json] == [INCIDENT]
    assert [one["id"] for one in ask("incident", "list", "--producer", "ons", "--json").json] == [INCIDENT]


def test_a_report_is_owed_until_it_is_signed(ask: Ask, folder: Path) -> None:
    assert INCIDENT in ask("today").out.split("Closed, report owed: 1")[1]
    refused = ask("incident", "sign", INCIDENT, *SIGN, "--output", str(folder))
    assert (refused.status, refused.out) == (1, "")
    assert "- 4. Corrective actions" in refused.err
    assert ask("incident", "show", INCIDENT, "--json").json["report_owed"]
    assert ask("incident", "sign", INCIDENT, *SIGN, "--output", str(folder / "none")).status == 1
    assert not (folder / "none").exists()
    told = ask("incident", "sign", INCIDENT, *SIGN, "--anyway", "the minister waits", "--output", str(folder))
    assert told.status == 0
    shown = ask("incident", "show", INCIDENT, "--json").json
    assert not shown["report_owed"]
    version = shown["drafts"][-1]["version"]
    reason = "although a check failed: the minister waits"
    assert shown["timeline"][-1]["text"] == f"report signed off as version {version} {reason}"
    evidence = (folder / INCIDENT / "evidence.md").read_text(encoding="utf-8")
    assert "because: the minister waits" in evidence
    assert "the minister waits" not in (folder / INCIDENT / "report.md").read_text(encoding="utf-8")
    assert ask("incident", "list", "--open", "--json").json == []
    assert "report owed" not in ask("today").out


def files_in(place: Path) -> list[str]:
    return sorted(str(each.relative_to(place)) for each in place.rglob("*") if each.is_file())


def sign_into(ask: Ask, place: Path, incident: str, *formats: str) -> Result:
    given = ("--by", "head of profession", "--anyway", "asked for", "--output", str(place))
    return ask("incident", "sign", incident, *given, *(word for each in formats for word in ("--format", each)))


def test_signing_writes_one_folder_of_files_named_by_what_they_are(ask: Ask, folder: Path) -> None:
    done = sign_into(ask, folder / "signed", INCIDENT, "docx")
    letters = ["letters/correction.docx", "letters/email.docx", "letters/lines.docx"]
    assert files_in(folder / "signed" / INCIDENT) == ["evidence.docx", *letters, "report.docx"]
    assert sorted(done.out.splitlines()[1:]) == sorted(str(each) for each in (folder / "signed").rglob("*.docx"))


def test_without_libreoffice_signing_writes_the_evidence_for_a_word_processor(folder: Path, root: Path) -> None:
    words = ("--config", str(folder / "config.toml"), "incident", "sign", INCIDENT, "--by", "head of profession")
    done = subprocess.run(
        [sys.executable, "-m", "monitor", *words, "--anyway", "asked for", "--output", str(folder)],
        env={"PYTHONPATH": str(root), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    letters = ["letters/correction.docx", "letters/email.docx", "letters/lines.docx"]
    assert (done.returncode, done.stderr) == (0, "no .pdf: LibreOffice (soffice) is not installed\n")
    assert files_in(folder / INCIDENT) == ["evidence.docx", *letters, "report.docx"]


@pytest.mark.slow
def test_with_libreoffice_signing_writes_the_report_as_docx_and_pdf_and_the_evidence_as_pdf(
    ask: Ask, folder: Path, soffice: str
) -> None:
    assert Path(soffice).is_file()
    assert sign_into(ask, folder, INCIDENT).status == 0
    letters = ["letters/correction.docx", "letters/email.docx", "letters/lines.docx"]
    assert files_in(folder / INCIDENT) == ["evidence.pdf", *letters, "report.docx", "report.pdf"]


def test_two_reports_signed_into_one_place_do_not_replace_each_other(ask: Ask, folder: Path) -> None:
    ask("incident", "add", *options(HAND), "--by", "duty statistician")
    (other,) = {one["id"] for one in ask("incident", "list", "--json").json} - {INCIDENT}
    assert sign_into(ask, folder, INCIDENT, "md").status == 0
    assert sign_into(ask, folder, other, "md").status == 0
    assert "Births 2016" in (folder / INCIDENT / "report.md").read_text(encoding="utf-8")
    assert "Marriages 2016" in (folder / other / "report.md").read_text(encoding="utf-8")


def test_a_refused_signature_leaves_no_folder_of_its_own_and_keeps_those_of_others(ask: Ask, folder: Path) -> None:
    (folder / "kept").mkdir()
    for place in (folder / "kept", folder / "new" / "place"):
        assert ask("incident", "sign", INCIDENT, *SIGN, "--output", str(place)).status == 1
    assert (folder / "kept").is_dir()
    assert not (folder / "new").exists()


def test_a_report_is_owed_until_it_is_waived_with_a_reason(ask: Ask) -> None:
    assert ask("incident", "waive", INCIDENT, *ROLE, "--reason", " ").status == 1
    assert "report owed" in ask("incident", "show", INCIDENT).out
    assert ask("incident", "waive", INCIDENT, *ROLE, "--reason", "sent by letter").status == 0
    shown = ask("incident", "show", INCIDENT).out
    assert "report owed" not in shown
    assert "duty statistician: report waived: sent by letter" in shown
    assert ask("incident", "list", "--open", "--json").json == []
    again = ask("incident", "waive", INCIDENT, *ROLE, "--reason", "twice")
    assert (again.status, again.err) == (1, f"no report is owed for {INCIDENT}\n")


def overdue_for(while_: timedelta, folder: Path) -> str:
    """Write down a release that is missing for so long, as it was six minutes after its slot; returns its incident."""
    slot, name, early = datetime.now(UTC) - while_, "marriages-2017", timedelta(minutes=6)
    known, promise = release(name, "Marriages 2017", slot)
    promise = replace(promise, learnt=slot - timedelta(days=9), confirmed_at=slot)
    absent = replace(run(State.ABSENT, 0, 1), target=f"{name}/page/edge", begin=slot - early, end=slot + early)
    verdict = judge(known, [promise], {absent.target: [absent]}, [], Policy(), slot + early)
    store = open_store(f"sqlite:///{folder}/store.db", durable=False)
    with store.transaction() as tx:
        tx.save_release(known)
        tx.add_promises([promise])
        tx.save_runs([replace(absent, end=slot + while_, last_received=slot + while_)])
        VerdictRecorder(store, ReportingRules()).record(tx, verdict, Measurement("edge"), verdict.at)
    (incident,) = store.verdicts.incidents_of(name)
    store.close()
    return incident.id


def test_exporting_evidence_makes_a_new_version_of_the_draft(ask: Ask, folder: Path) -> None:
    incident = overdue_for(timedelta(hours=32), folder)
    assert ask("incident", "export", incident, str(folder / "e.zip")).status == 0
    store = open_store(f"sqlite:///{folder}/store.db", durable=False)
    (*_, last) = store.verdicts.drafts(incident)
    store.close()
    assert datetime.now(UTC) - last.at < timedelta(minutes=5)


def test_an_opened_listed_or_signed_draft_has_the_current_delay(ask: Ask, folder: Path) -> None:
    incident = overdue_for(timedelta(hours=32), folder)
    (line,) = [line for line in ask("incident", "list").out.splitlines() if incident in line]
    assert "at least 1 d 8 h" in line
    assert "OVERDUE by at least 1 d 8 h" in ask("incident", "show", incident).out
    assert "delayed by at least 32 hours" in ask("incident", "draft", incident).out
    assert "still overdue" in ask("incident", "sign", incident, *SIGN, "--output", str(folder)).err
    assert ask("incident", "sign", incident, *SIGN, "--output", str(folder), "--anyway", "asked for").status == 0
    signed = ask("incident", "draft", incident).out
    assert "delayed by at least 32 hours" in signed
    assert "Amended" not in signed


def test_a_closed_incident_shows_what_happened_and_what_remains(ask: Ask) -> None:
    lines = ask("incident", "show", INCIDENT).out.splitlines()
    assert lines[0].startswith("LATE, grade report, closed 5 Jan 2018")
    assert "Timeline" in lines
    assert "What to do now:" not in lines
    assert any(line.startswith("To complete in the draft") for line in lines)
    assert ask("incident", "show", INCIDENT, "--json").json["id"] == INCIDENT


async def test_an_open_incident_shows_what_to_do() -> None:
    async with a_board() as board:
        incident = board.store.verdicts.incident(board.incident)
        assert incident is not None
        assert "What to do now:" in incident_lines(incident, board.store.verdicts.drafts(board.incident), None)


@pytest.mark.parametrize("verb", ["show", "draft", "sign --by x", "close --by x", "export x.zip"])
def test_an_unknown_incident_is_answered_with_the_nearest_id(ask: Ask, verb: str) -> None:
    name, *rest = verb.split()
    told = ask("incident", name, "births-2016-2018", *rest)
    assert (told.status, told.err) == (1, f'no incident "births-2016-2018", did you mean "{INCIDENT}"?\n')


def test_a_note_is_added_in_a_role_and_acknowledges_the_incident(ask: Ask) -> None:
    told = ask("incident", "note", INCIDENT, "web team called", *ROLE, "--json").json
    assert (told["timeline"][-1]["by"], told["timeline"][-1]["text"]) == ("duty statistician", "web team called")
    assert told["acknowledged"]["by"] == "duty statistician"


def test_assigning_an_incident_to_another_role_does_not_acknowledge_it(ask: Ask) -> None:
    assigned = ask("incident", "note", INCIDENT, "--assign", "web team", *ROLE, "--json").json
    assert (assigned["timeline"][-1]["by"], assigned["acknowledged"]) == ("duty statistician", None)


@pytest.mark.parametrize("verb", [("note", INCIDENT, "called"), ("close", INCIDENT), ("sign", INCIDENT)])
def test_every_act_needs_a_role(ask: Ask, verb: tuple[str, ...]) -> None:
    told = ask("incident", *verb)
    usage = f"ninethirty incident {verb[0]}"
    assert (told.status, told.err) == (
        2,
        f'{usage}: give your role: --by "duty statistician" (see {usage} --help)\n',
    )


def test_the_command_in_a_notice_acknowledges_the_incident(ask: Ask) -> None:
    told = ask("incident", "note", INCIDENT, *ROLE)
    assert (told.status, told.out) == (0, f"{INCIDENT}: acknowledged\n")
    shown = ask("incident", "show", INCIDENT, "--json").json
    assert (shown["acknowledged"]["by"], shown["timeline"][-1]["text"]) == ("duty statistician", "acknowledged")
    assert ask("incident", "note", INCIDENT, *ROLE, "--cause", "expired certificate").out == f"{INCIDENT}: noted\n"
    texts = [one["text"] for one in ask("incident", "show", INCIDENT, "--json").json["timeline"]]
    assert texts[-2:] == ["acknowledged", "cause: expired certificate"]


def test_a_note_about_a_call_has_its_time_and_is_in_the_account(ask: Ask) -> None:
    assert ask("incident", "note", INCIDENT, "rang the web team", "--at", "2018-01-05T09:41", *ROLE).status == 0
    ask("incident", "draft", INCIDENT, "--field", "step.tell-head", "--text", "09:35", *ROLE)
    account = ask("incident", "draft", INCIDENT).out
    assert "41am: rang the web team (duty statistician)" in account
    assert account.index("35am on Friday 5 January 2018: ") < account.index("41am: rang the web team")
    told = ask("incident", "note", INCIDENT, "--at", "soon", *ROLE)
    assert (told.status, told.err.count("\n")) == (1, 2)


def test_an_empty_note_is_refused(ask: Ask) -> None:
    told = ask("incident", "note", INCIDENT, " ", *ROLE)
    assert (told.status, told.err) == (1, "write the text of the note\n")


def test_a_hand_logged_incident_can_be_closed(ask: Ask) -> None:
    name = ask("incident", "add", *options(HAND), "--json").json["id"]
    assert ask("incident", "show", name, "--json").json["closed"] is None
    told = ask("today").out
    assert "Open incidents: 1\n" in told
    (line,) = [line for line in told.splitlines() if line.endswith(f"  {name}")]
    assert line.startswith("  report  hand      ")
    assert told.index(line) < told.index("1. Tell the Head of Profession") < told.index("Complete the draft")
    assert ask("incident", "close", name, "--text", "recalled", *ROLE).status == 0
    shown = ask("incident", "show", name, "--json").json
    assert (shown["closed"] is not None, shown["timeline"][-1]["text"]) == (True, "closed: recalled")


def test_a_hand_logged_incident_has_end_and_addresses_and_is_in_history_and_reports(ask: Ask) -> None:
    urls = ("--url", "https://www.gov.uk/a", "--url", "https://x.example/b")
    more = ("--when", "2018-01-04T16:20", "--until", "2018-01-04T17:40", *urls)
    words = {name: text for name, text in HAND.items() if name != "--when"} | {"--producer": "forest-research"}
    logged = ask("incident", "add", *options(words), *more, "--json").json
    assert (logged["ended"], logged["urls"]) == (
        "2018-01-04T17:40:00.000Z",
        ["https://www.gov.uk/a", "https://x.example/b"],
    )
    draft = ask("incident", "draft", logged["id"]).out
    assert "It ended at 5.40pm, after about 1 hour 20 minutes." in draft
    assert draft.count("https://x.example/b") == 1
    assert "Url       https://www.gov.uk/a https://x.example/b" in ask("incident", "show", logged["id"]).out
    span = ("report", "period", "--from", "2018-01-01", "--to", "2018-01-31")
    for chosen in ((), ("--producer", "forest-research"), ("--host", "www.gov.uk", "--producer", "forest-research")):
        told = ask(*span, *chosen, "--json").json["logged"]
        assert [(one["incident"], one["title"]) for one in told] == [(logged["id"], "Marriages 2016")]
    assert ask(*span, "--producer", "ons", "--json").json["logged"] == []
    text = ask(*span).out
    assert "1 incident logged by hand" in text
    assert "17:40 GMT on 4 January 2018" in text
    assert f"{logged['id']}" in ask(*span, "--format", "csv").out
    about = ask("incident", "add", "--release", "births-2016", "--what", "a leak", "--when", "2017-01-05, 2018-01-05")
    assert "check date: 5 January 2018 is 365 days after the incident" in about.err
    assert about.out.partition(":")[0] in ask("calendar", "history", "births-2016").out


def test_without_a_terminal_logging_names_all_absent_options_at_once(ask: Ask) -> None:
    told = ask("incident", "add", "--when", "one day")
    assert told.status == 1
    assert told.err.splitlines() == [
        "title: is missing",
        "producer: is missing",
        "what: is missing",
        'when: not dates, write "2016-10-01" or "2017-03-20T17:00", several with commas (got "one day")',
    ]


def test_logging_about_a_watched_release_needs_only_what_and_when(ask: Ask) -> None:
    told = ask("incident", "add", "--release", "births-2016", "--what", "leaked", "--when", "2018-01-04", "--json").json
    assert (told["title"], told["producer"], told["kind"]) == ("Births 2016", "ons", "hand")
    assert told["drafts"][0]["form"] == "B"
    assert ask("incident", "add", "--release", "births", "--what", "x", "--when", "2018-01-04").status == 1


def test_logging_the_same_twice_gives_one_incident(ask: Ask) -> None:
    first, again = (ask("incident", "add", *options(HAND)) for _ in range(2))
    assert again.out == first.out.replace("logged", "was logged already")
    assert len(ask("incident", "list", "--json").json) == 2


def test_a_draft_is_printed_and_saved_in_every_format(ask: Ask, folder: Path) -> None:
    assert ask("incident", "draft", INCIDENT).out.startswith("# ")
    assert ask("incident", "draft", INCIDENT, "--format", "html").out.startswith("<!doctype html>")
    for kind in ("docx", "odt"):
        assert ask("incident", "draft", INCIDENT, "--output", str(folder / f"a.{kind}")).status == 0
        assert zipfile.is_zipfile(folder / f"a.{kind}")


def test_typed_text_is_kept_word_for_word_in_a_new_version(ask: Ask, folder: Path) -> None:
    before = ask("incident", "show", INCIDENT, "--json").json["drafts"][-1]["version"]
    words = "A link was mistyped.\n\n  Twice, at 09:29."
    (folder / "words.txt").write_text(words, encoding="utf-8")
    told = ask("incident", "draft", INCIDENT, "--field", "B.4.corrective", "--file", str(folder / "words.txt"), *ROLE)
    assert told.status == 0
    draft = ask("incident", "draft", INCIDENT, "--json").json
    assert (draft["version"], draft["by"]) == (before + 1, "duty statistician")
    assert draft["words"] == {"B.4.corrective": words}
    assert ask("incident", "draft", INCIDENT, "--version", str(before), "--json").json["words"] == {}


def test_fields_are_listed_with_their_source(ask: Ask) -> None:
    ask("incident", "draft", INCIDENT, "--field", "B.4.corrective", "--text", "checked", *ROLE)
    rows = {row["field"]: row for row in ask("incident", "draft", INCIDENT, "--fields", "--json").json}
    assert (rows["B.4.corrective"]["standing"], rows["B.3.impact"]["standing"]) == ("said", "to complete")
    assert rows["B.2.date"] == {
        "field": "B.2.date",
        "filled_by": "measured",
        "standing": "filled",
        "label": "Date of occurrence of breach",
    }


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("--field", "B.4.corective", "--text", "x"), 'no field "B.4.corective", did you mean "B.4.corrective"?'),
        (("--field", "B.4.corrective"), "give the text of B.4.corrective: --text or --file"),
        (("--field", "B.4.corrective", "--file", "none.txt"), "none.txt: cannot be read: No such file or directory"),
        (("--version", "99"), f"incident {INCIDENT} has no version 99 of its draft, the last is "),
    ],
)
def test_a_refused_change_of_a_draft_gives_the_reason(ask: Ask, arguments: tuple[str, ...], line: str) -> None:
    told = ask("incident", "draft", INCIDENT, *arguments, *ROLE)
    assert (told.status, told.out) == (1, "")
    assert told.err.startswith(line)


def test_signing_fixes_a_version_and_writes_the_documents(ask: Ask, folder: Path) -> None:
    given = ("--output", str(folder / "sent"), "--anyway", "asked for", "--json")
    told = ask("incident", "sign", INCIDENT, "--by", "head of profession", "--format", "docx", *given)
    assert told.json["signed"] is not None
    assert sorted(told.json["files"]) == sorted(str(file) for file in (folder / "sent").rglob("*.docx"))
    assert len(told.json["files"]) == 5
    ask("incident", "draft", INCIDENT, "--field", "B.4.corrective", "--text", "later", *ROLE)
    assert "Amended after sign-off" in ask("incident", "draft", INCIDENT).out


def test_exporting_evidence_does_not_overwrite_a_file(ask: Ask, folder: Path) -> None:
    file = folder / "evidence.zip"
    assert ask("incident", "export", INCIDENT, str(file), "--json").json["records"] == 0
    assert zipfile.ZipFile(file).namelist() == ["manifest.json", "SHA256SUMS"]
    assert ask("incident", "export", INCIDENT, str(file)).status == 1


def test_command_page_and_api_accept_the_same_kinds_of_breach() -> None:
    (sort,) = (one for one in add.add.params if one.name == "sort")
    assert isinstance(sort.type, click.Choice)
    assert set(sort.type.choices) == set(SORTS) == set(get_args(Sort))
