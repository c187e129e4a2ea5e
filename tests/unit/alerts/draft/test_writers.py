from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import docx
import pytest

from alerts.draft.edits import merge_words
from alerts.draft.form import load_forms
from alerts.draft.report import Report
from alerts.draft.write.outline import Document
from alerts.draft.write.registry import MEDIA, WRITERS
from alerts.incident import Incident
from tests.unit.alerts.draft.conftest import draft_of, facts_of
from tests.unit.alerts.draft.plain import TEXT, odt_part, odt_text, plain

FORMS = [name for name in load_forms() if name != "period"]
MANIFEST = "{urn:oasis:names:tc:opendocument:xmlns:manifest:1.0}"
SNAPSHOTS = Path(__file__).parent / "snapshots"
OWN_FORM = {
    "ipcc-2015": "A",
    "moj-2016": "A",
    "ofsted-2017": "B",
    "ofqual-2018-01": "B",
    "ofqual-2018-03": "C",
}


@pytest.fixture(params=FORMS)
def report(
    request: pytest.FixtureRequest, ofsted_early: Incident, settings: Mapping[str, str]
) -> Report:
    return draft_of(ofsted_early, request.param, now=facts_of(ofsted_early).at, configured=settings)


@pytest.mark.parametrize("name", OWN_FORM)
def test_the_markdown_draft_of_every_published_incident_equals_its_snapshot(
    incidents: Mapping[str, Incident], settings: Mapping[str, str], name: str
) -> None:
    incident = incidents[name]
    earlier = [each for each in incidents.values() if each.occurred < incident.occurred]
    now = max(facts_of(incident).at, incident.opened)
    report = draft_of(incident, OWN_FORM[name], now=now, configured=settings, previous=earlier)
    assert WRITERS["md"](report).decode() == (SNAPSHOTS / f"{name}.md").read_text(encoding="utf-8")


def test_html_headings_begin_with_one_title_and_skip_no_level(report: Report) -> None:
    page = WRITERS["html"](report).decode()
    levels = [int(level) for level in re.findall(r"<h(\d)", page)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_html_is_accessible_and_has_no_script(report: Report) -> None:
    """It has a language, headers of tables, and a text alternative of its picture."""
    documents = (Document.DRAFT, Document.EVIDENCE)
    draft, evidence = (WRITERS["html"](report, document).decode() for document in documents)
    for page in (draft, evidence):
        assert '<html lang="en-GB">' in page
        assert page.count("<table") == page.count("<thead") > 0
        assert all("scope=" in header for header in re.findall(r"<th\b[^>]*>", page))
        assert "<script" not in page
    # Only the evidence has a picture: the timeline.
    (picture,) = re.findall(r"<img\b[^>]*>", evidence)
    assert re.search(r'\balt="[^"]+"', picture)


def test_docx_has_a4_pages_author_title_and_time(report: Report) -> None:
    document = docx.Document(io.BytesIO(WRITERS["docx"](report)))
    # A page of A4 is 29.7 cm high.
    assert [section.page_height.cm for section in document.sections] == [
        pytest.approx(29.7, abs=0.01)
    ]
    core = document.core_properties
    assert (core.author, core.last_modified_by) == (report.producer, report.producer)
    assert core.title == f"{report.subject}: {report.title}"
    assert core.created is not None
    assert core.created.replace(tzinfo=None) == report.at.replace(tzinfo=None, microsecond=0)


def test_the_docx_contains_nothing_of_the_library_that_wrote_it(report: Report) -> None:
    with zipfile.ZipFile(io.BytesIO(WRITERS["docx"](report))) as file:
        contents = {name: file.read(name) for name in file.namelist()}
    assert not [name for name in contents if "thumbnail" in name or "customXml" in name]
    assert not [
        name
        for name, content in contents.items()
        if b"python-docx" in content or b"Macintosh" in content
    ]


def test_the_odt_has_ordered_headings_table_headers_language_and_title(report: Report) -> None:
    body = WRITERS["odt"](report)
    content = odt_part(body)
    levels = [int(each.get(f"{TEXT}outline-level", "")) for each in content.iter(f"{TEXT}h")]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert len([*content.iter("{*}table")]) == len([*content.iter("{*}table-header-rows")]) > 0
    meta = odt_part(body, "meta.xml")
    assert [each.text for each in meta.iter("{*}language")] == ["en-GB"]
    assert [each.text for each in meta.iter("{*}title")] == [f"{report.subject}: {report.title}"]


def test_odt_begins_with_media_type_and_lists_every_part(ofsted_early: Incident) -> None:
    report = draft_of(ofsted_early)
    body = WRITERS["odt"](report, Document.EVIDENCE)
    # The name and the content of the first file follow the 30 bytes of its header.
    assert body[30:].startswith(f"mimetype{MEDIA['odt']}".encode())
    listed = {each.get(f"{MANIFEST}full-path") for each in odt_part(body, "META-INF/manifest.xml")}
    # The list names the whole file as "/". It does not name itself and the media type.
    with zipfile.ZipFile(io.BytesIO(body)) as file:
        assert {"/", *file.namelist()} == {*listed, "mimetype", "META-INF/manifest.xml"}
    assert any(str(name).endswith(".svg") for name in listed)


@pytest.mark.parametrize("ending", WRITERS)
def test_open_box_is_marked_in_every_format(ofsted_early: Incident, ending: str) -> None:
    report = draft_of(ofsted_early)
    text = plain(ending, WRITERS[ending](report))
    open_boxes = [field for field in report.fields() if field.placeholder]
    assert text.count("to be completed") >= len(open_boxes) > 0


@pytest.mark.parametrize("ending", WRITERS)
def test_typed_markup_is_shown_as_text_in_every_format(ofsted_early: Incident, ending: str) -> None:
    typed = "A <b> & “£5” | `x`\n- item\n  1. &lt;\n# 1\n\x07"
    report = merge_words({"B.3.impact": typed}, draft_of(ofsted_early))
    text = plain(ending, WRITERS[ending](report))
    if ending == "md":
        # Typed text is a quotation (`> `). A backslash escapes markup, and breaks a line at its
        # end.
        assert "A \\<b\\> & “£5” \\| \\`x\\`\\\n> \\- item\\\n>   1\\. \\&lt;\\\n> \\# 1" in text
    else:
        line_break = " / " if ending == "html" else "\n"
        assert typed.replace("\x07", "␇").replace("\n", line_break) in text


def test_days_and_negative_numbers_have_no_backslash_in_markdown(ofsted_early: Incident) -> None:
    typed = "2017-03-20 was a Monday\n-0.2 s"
    report = merge_words({"B.3.impact": typed}, draft_of(ofsted_early))
    text = WRITERS["md"](report).decode()
    assert "> 2017-03-20 was a Monday\\\n> -0.2 s" in text
    assert "\n## 1. Core Information\n" in text


def test_typed_spaces_and_tabs_are_kept_in_an_odt(ofsted_early: Incident) -> None:
    typed = "  two before,   three between, a\ttab, two after  "
    report = merge_words({"B.3.impact": typed}, draft_of(ofsted_early))
    assert typed in odt_text(odt_part(WRITERS["odt"](report)))


def test_every_format_has_its_media_type() -> None:
    assert list(WRITERS) == list(MEDIA)
