"""A word processor opens what is written, and prints it as a tagged A4 document."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from alerts.draft.fill import fill_form
from alerts.draft.form import get_form
from alerts.draft.versions import append_edit, append_measurement, append_signature
from alerts.draft.write.registry import WRITERS
from alerts.incident import Incident
from schedules.times.interval import Bounds
from tests.unit.alerts.draft.conftest import facts_of

CAUSE = "The page was scheduled for 09:33 by hand, and nobody looked at it again before its time had come"
TAGGED = 'pdf:writer_pdf_Export:{"UseTaggedPDF":{"type":"boolean","value":"true"}}'


def print_as_pdf(soffice: str, folder: Path, document: Path) -> Path:
    """Print a document as PDF with a profile of its own. A missing source is no error to the program."""
    profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
    command = [soffice, "--headless", profile, "--convert-to", TAGGED, "--outdir", str(folder), str(document)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return folder / f"{document.stem}.pdf"


def output_of(program: str, *arguments: str) -> str:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is missing")
    return subprocess.run([program, *arguments], check=True, capture_output=True, timeout=60, text=True).stdout


@pytest.mark.needs("libreoffice")
@pytest.mark.parametrize("ending", ["docx", "odt"])
def test_a_draft_printed_by_libreoffice_is_a_complete_tagged_a4_pdf(
    soffice: str, tmp_path: Path, ofqual_late: Incident, settings: Mapping[str, str], ending: str
) -> None:
    report = fill_form(ofqual_late, get_form("B"), settings, [], ofqual_late.opened)
    document = tmp_path / f"draft.{ending}"
    document.write_bytes(WRITERS[ending](report))
    page = print_as_pdf(soffice, tmp_path, document)
    assert page.exists()
    described = output_of("pdfinfo", str(page))
    assert "Malpractice for GCSE and A level" in described
    assert "Tagged:          yes" in described
    assert "A4" in described
    read = " ".join(output_of("pdftotext", str(page), "-").split())
    assert "was not available until 12.19pm." in read
    assert read.count("[to be completed:") == 4
    assert "Page 1 of 3" in read


@pytest.mark.needs("libreoffice")
@pytest.mark.parametrize("ending", ["docx", "odt"])
def test_the_signed_note_of_a_three_minute_delay_fits_one_page(
    soffice: str, tmp_path: Path, ofqual_late: Incident, settings: Mapping[str, str], ending: str
) -> None:
    facts = facts_of(ofqual_late)
    page = replace(facts.parts[0], delay=Bounds(180.0, 181.0))
    facts = replace(facts, parts=(page,), grade="note")
    incident = replace(ofqual_late, facts=facts, grade="note")
    report = fill_form(incident, get_form("note"), settings, [], incident.opened)
    answered = {each.id: f"{CAUSE}." for each in report.fields() if each.placeholder}
    versions = append_edit(append_measurement((), report), answered, "statistician", incident.opened)
    document = tmp_path / f"note.{ending}"
    document.write_bytes(WRITERS[ending](append_signature(versions, "head of profession", incident.opened)[-1].report))
    read = output_of("pdftotext", str(print_as_pdf(soffice, tmp_path, document)), "-")
    assert "Page 1 of 1" in " ".join(read.split())
