"""No text of any length, with any character, costs a document."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from alerts.by_hand import make_storable
from alerts.draft.report import Answer, Report, Signature
from alerts.draft.write.outline import Document
from alerts.draft.write.registry import WRITERS
from alerts.incident import Entry, Incident
from alerts.one_line import one_line
from tests.unit.alerts.draft.conftest import draft_of, facts_of

CLASSES = {
    "letters": "Apples, pears & plums ",
    "markup": "</w:t><b>&amp;]]> {{ x }} {% x %} | # * _ ` [a](b) ",
    "controls": "a\x00\x01\x08\x0b\x0c\x1b\x1f\x7f\x85\x9f ",
    "lines": "a\r\nb\rc\n\n\u2028d\u2029e\t",
    "directions": "a\u202eb\u2066c\u2069d\u200fe\u061cf ",
    "zero width": "a\u200bb\u200dc\u2060d\ufeffe\u00adf ",
    "surrogates": "a\ud800b\udfffc ",
    "noncharacters": "a\ufffeb\uffffc\U0001ffffd ",
    "wide": "統計\U0001f600\U00020000é\u0301 ",
    "one word": "x",
    "address": "https://stats.example/" + "a" * 40,
    "formula": '=HYPERLINK("x") ',
}
LENGTHS = (1, 193, 194, 255, 256, 1000, 5000)


def report_full_of(text: str, incident: Incident, settings: Mapping[str, str]) -> Report:
    """Return a draft with this text as its title, its producer, in its timeline and in each box."""
    facts = facts_of(incident)
    parts = tuple(replace(part, url=f"{part.url}/{text}") for part in facts.parts)
    full = replace(
        incident,
        title=text,
        facts=replace(facts, title=text, names=(text,), parts=parts),
        timeline=(Entry(incident.opened, "desk", text),),
    )
    report = draft_of(full, "B", now=facts.at, configured=dict.fromkeys(settings, text))
    answer = Answer(text, by=text)
    sections = tuple(
        replace(section, fields=tuple(replace(field, answer=answer) for field in section.fields))
        for section in report.sections
    )
    signed = Signature(text, "13:00 GMT", "5 January 2018", 2)
    return replace(report, sections=sections, amendments=(text,), signed=signed)


def read_document(ending: str, content: bytes) -> str:
    """Return what a program reads from a document. Fails if it is not well formed."""
    if ending in ("md", "html"):
        return content.decode()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        main = "word/document.xml" if ending == "docx" else "content.xml"
        for name in archive.namelist():
            if name.endswith(".xml") and archive.read(name).strip():
                ET.fromstring(archive.read(name))  # noqa: S314 # our own document
        return archive.read(main).decode()


@pytest.mark.parametrize("ending", WRITERS)
@pytest.mark.parametrize("name", CLASSES)
def test_every_text_is_written_by_every_writer(
    ofsted_early: Incident, settings: Mapping[str, str], name: str, ending: str
) -> None:
    for length in LENGTHS:
        text = (CLASSES[name] * length)[:length]
        report = report_full_of(text, ofsted_early, settings)
        for document in (Document.REPORT, Document.EVIDENCE):
            written = read_document(ending, WRITERS[ending](report, document))
            assert not {"\u202e", "\u2066", "\u200b", "\ufeff"} & {*written}


def test_direction_and_zero_width_marks_are_removed_from_typed_text() -> None:
    typed = "1\u202e2\u200b3\u20664\u20695\ufeff6\u200e7\u061c8"
    assert make_storable(typed) == "12345678"
    assert one_line(typed) == "12345678"
