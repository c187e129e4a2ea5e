"""A word processor opens each draft and prints it as a tagged A4 document."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from alerts.draft.versions import append_edit, append_measurement, append_signature
from alerts.draft.write.registry import WRITERS
from alerts.incident import Incident
from monitor.deliver.drafts import convert_to_pdf
from schedules.times.interval import Bounds
from tests.unit.alerts.draft.conftest import draft_of, facts_of

CAUSE = (
    "The page was scheduled for 09:33 by hand, and nobody looked at it again before its time had"
    " come"
)


def read_pdf(program: str, folder: Path, document: bytes, ending: str, soffice: str) -> str:
    """Print a document as PDF and return what a program (`pdfinfo` or `pdftotext`) says of it, in
    one line.
    """
    if shutil.which(program) is None:
        pytest.skip(f"{program} is missing")
    pdf = folder / "printed.pdf"
    pdf.write_bytes(convert_to_pdf(document, ending, soffice))
    target = ["-"] if program == "pdftotext" else []
    output = subprocess.run(
        [program, str(pdf), *target], check=True, capture_output=True, timeout=60, text=True
    ).stdout
    return " ".join(output.split())


@pytest.mark.needs("libreoffice")
@pytest.mark.parametrize("ending", ["docx", "odt"])
def test_draft_printed_by_libreoffice_is_complete_tagged_a4_pdf(
    soffice: str, tmp_path: Path, ofqual_late: Incident, settings: Mapping[str, str], ending: str
) -> None:
    report = draft_of(ofqual_late, configured=settings)
    document = WRITERS[ending](report)
    described = read_pdf("pdfinfo", tmp_path, document, ending, soffice)
    assert "Malpractice for GCSE and A level" in described
    assert "Tagged: yes" in described
    assert "A4" in described
    text = read_pdf("pdftotext", tmp_path, document, ending, soffice)
    assert "was not on its landing page until 12.19pm." in text
    prompts = "".join(field.placeholder for field in report.fields())
    assert text.count("[to be completed:") == prompts.count("[to be completed:") == 5
    assert "Page 1 of 2" in text


@pytest.mark.needs("libreoffice")
@pytest.mark.parametrize("ending", ["docx", "odt"])
def test_signed_note_of_a_three_minute_delay_fits_one_page(
    soffice: str, tmp_path: Path, ofqual_late: Incident, settings: Mapping[str, str], ending: str
) -> None:
    facts = facts_of(ofqual_late)
    three_minutes_late = replace(facts.parts[0], delay=Bounds(180.0, 181.0))
    facts = replace(facts, parts=(three_minutes_late,), grade="note")
    incident = replace(ofqual_late, facts=facts, grade="note")
    report = draft_of(incident, "note", configured=settings)
    answers = {each.id: f"{CAUSE}." for each in report.fields() if each.placeholder}
    versions = append_edit(append_measurement((), report), answers, "statistician", incident.opened)
    signed = append_signature(versions, "head of profession", incident.opened)[-1].report
    assert "Page 1 of 1" in read_pdf(
        "pdftotext", tmp_path, WRITERS[ending](signed), ending, soffice
    )
