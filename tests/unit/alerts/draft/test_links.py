"""Links and lists of a signed report are real links and lists in every format, in a current Word
file.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping

import docx
import pytest
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.oxml.ns import qn

from alerts.draft.report import Report
from alerts.draft.versions import Versions, append_edit, append_measurement, append_signature
from alerts.draft.write.outline import WEB_ADDRESS, Document
from alerts.draft.write.registry import WRITERS
from alerts.incident import Incident
from monitor.deliver.drafts import convert_to_pdf
from tests.unit.alerts.draft.conftest import draft_of
from tests.unit.alerts.draft.plain import odt_part

TEXT_WITH_LINKS = (
    "So (https://example.org/a_b?x=1&y=2#c), as <https://example.org/told> says:"
    " https://example.org/*. Not ftp://x."
)
ADDRESSES_TYPED_IN_BOXES = {
    "https://example.org/a_b?x=1&y=2#c",
    "https://example.org/told",
    "https://example.org/*",
}


@pytest.fixture
def versions(ofqual_late: Incident, settings: Mapping[str, str]) -> Versions:
    return append_measurement((), draft_of(ofqual_late, configured=settings))


@pytest.fixture
def signed_report(versions: Versions) -> Report:
    """Return a signed report in which every box that a person fills contains three addresses."""
    draft = versions[-1].report
    words = {field.id: TEXT_WITH_LINKS for field in draft.fields() if field.placeholder}
    answered = append_edit(versions, words, "statistician", draft.at)
    return append_signature(answered, "head of profession", draft.at)[-1].report


def find_links(ending: str, body: bytes) -> set[str]:
    """Return where a document leads, by what each format calls a link."""
    if ending == "md":
        return set(re.findall(r"(?<!\\)<(https?://[^>]+)>", body.decode()))
    if ending == "html":
        return {
            one.replace("&amp;", "&") for one in re.findall(r'<a href="([^"]+)">', body.decode())
        }
    if ending == "odt":
        return {
            each.get("{http://www.w3.org/1999/xlink}href", "")
            for each in odt_part(body).iter("{*}a")
        }
    document = docx.Document(io.BytesIO(body))
    rels = document.part.rels
    used = [rels[each.get(qn("r:id"))] for each in document.element.iter(qn("w:hyperlink"))]
    assert all(each.reltype == RELATIONSHIP_TYPE.HYPERLINK and each.is_external for each in used)
    return {each.target_ref for each in used}


def find_addresses_in_text(report: Report) -> set[str]:
    """Return the web addresses in the measured and typed texts of a report."""
    addresses: set[str] = set()
    for field in report.fields():
        for text in (*field.paragraphs, field.answer.text if field.answer else ""):
            addresses.update(WEB_ADDRESS.findall(text))
    return addresses


@pytest.mark.parametrize("file_format", WRITERS)
def test_signed_report_links_exactly_to_addresses_in_its_text(
    signed_report: Report, file_format: str
) -> None:
    addresses = find_addresses_in_text(signed_report)
    assert addresses >= ADDRESSES_TYPED_IN_BOXES
    file = WRITERS[file_format](signed_report)
    assert find_links(file_format, file) == addresses


@pytest.mark.parametrize("file_format", WRITERS)
def test_correction_notice_links_only_to_addresses_of_its_report(
    signed_report: Report, file_format: str
) -> None:
    correction_notice = WRITERS[file_format](signed_report, Document.CORRECTION)
    assert find_links(file_format, correction_notice) <= find_addresses_in_text(signed_report)


def test_docx_bullets_of_guidance_come_from_its_styles(versions: Versions) -> None:
    """Guidance is a list of questions.

    Its two styles give each a bullet, so the text itself has none.
    """
    document = docx.Document(io.BytesIO(WRITERS["docx"](versions[-1].report)))
    list_styles = {
        style.name
        for style in document.styles
        if style.element.find(f".//{qn('w:numPr')}") is not None
    }
    styles_of_guidance = {"Ask", "Box Ask"}
    assert list_styles == styles_of_guidance
    [mark_of_list_items] = document.part.numbering_part.element.iter(qn("w:lvlText"))
    assert mark_of_list_items.get(qn("w:val")) == "•"
    assert "•" not in document.element.xml


def test_guidance_questions_are_list_items_in_odt_and_html(versions: Versions) -> None:
    report = versions[-1].report
    questions = [text for field in report.fields() for text in field.guidance]
    content = odt_part(WRITERS["odt"](report))
    lists, list_items = [*content.iter("{*}list")], [*content.iter("{*}list-item")]
    assert len(list_items) == len(questions) > 0
    assert len(lists) < len(questions)  # the questions of one field share a list
    page = WRITERS["html"](report).decode()
    assert page.count("<li>") == len(questions)


def test_docx_is_marked_as_made_for_word_2013_or_later(signed_report: Report) -> None:
    file = zipfile.ZipFile(io.BytesIO(WRITERS["docx"](signed_report)))
    settings = file.read("word/settings.xml").decode()
    assert re.search(r'w:name="compatibilityMode"[^>]*w:val="15"', settings)


@pytest.mark.needs("libreoffice")
@pytest.mark.parametrize("ending", ["docx", "odt"])
def test_pdf_is_tagged_titled_and_linked_and_names_its_language(
    soffice: str, signed_report: Report, ending: str
) -> None:
    """LibreOffice converts a signed report to PDF. A person typed a link into one of its boxes."""
    pdf = convert_to_pdf(WRITERS[ending](signed_report), ending, soffice)
    language, tagged, title_shown = b"/Lang(en-GB)", b"/Marked true", b"/DisplayDocTitle true"
    link_typed_in_a_box = b"https://example.org/told"
    for entry in (language, tagged, title_shown, link_typed_in_a_box):
        assert entry in pdf
