"""Every form in every format: it reads as it did when it was last looked at, and is accessible."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path

import docx
import pytest
from docx.document import Document
from docx.oxml.ns import qn
from docx.table import _Row

from alerts.draft.form import load_forms
from alerts.draft.period import select_period
from alerts.draft.period_report import build_period_report
from alerts.draft.report import Report
from alerts.draft.write.outline import Document as OutlineDocument
from alerts.draft.write.registry import WRITERS
from alerts.incident import Incident
from tests.unit.alerts.draft.conftest import draft_of, facts_of, row_of
from tests.unit.alerts.draft.plain import plain

SNAPSHOTS = Path(__file__).parent / "snapshots" / "forms"
FORMS = pytest.mark.parametrize("form", load_forms())


def draft_of_form(
    form: str, incidents: Mapping[str, Incident], settings: Mapping[str, str]
) -> Report:
    """Return the draft that stands for a form: the early exposure of 2017, or the five incidents as
    a period.
    """
    if form == "period":
        rows = [
            row_of(each.facts, "T3.6", incident=each.id)
            for each in incidents.values()
            if each.facts
        ]
        period = select_period(rows, date(2015, 1, 1), date(2018, 12, 31))
        return build_period_report(period, "www.gov.uk", datetime(2019, 1, 2, 9, 30, tzinfo=UTC))
    incident = incidents["ofsted-2017"]
    earlier = [each for each in incidents.values() if each.occurred < incident.occurred]
    return draft_of(
        incident, form, now=facts_of(incident).at, configured=settings, previous=earlier
    )


@pytest.mark.parametrize("ending", WRITERS)
@FORMS
def test_every_draft_in_every_format_equals_its_snapshot(
    incidents: Mapping[str, Incident], settings: Mapping[str, str], form: str, ending: str
) -> None:
    text = plain(ending, WRITERS[ending](draft_of_form(form, incidents, settings)))
    assert text == (SNAPSHOTS / f"{form}.{ending}.txt").read_text(encoding="utf-8")


@pytest.fixture(
    params=[
        *((form, OutlineDocument.DRAFT) for form in load_forms()),
        ("B", OutlineDocument.EVIDENCE),
    ]
)
def document(
    request: pytest.FixtureRequest, incidents: Mapping[str, Incident], settings: Mapping[str, str]
) -> Document:
    form, document = request.param
    return docx.Document(
        io.BytesIO(WRITERS["docx"](draft_of_form(form, incidents, settings), document))
    )


def test_docx_headings_begin_with_one_title_and_skip_no_level(document: Document) -> None:
    names = [each.style.name or "" for each in document.paragraphs if each.style is not None]
    levels = [int(name[-1]) for name in names if name.startswith("Heading")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_docx_has_a_title_and_is_in_british_english(document: Document) -> None:
    assert document.core_properties.title
    assert document.core_properties.language == "en-GB"
    languages = [each.get(qn("w:val")) for each in document.styles.element.iter(qn("w:lang"))]
    assert languages
    assert set(languages) == {"en-GB"}


def has_row_property(row: _Row, name: str) -> bool:
    """Return whether a row of a table has a property of Word, such as that of a header."""
    return row._tr.get_or_add_trPr().find(qn(name)) is not None


def test_docx_tables_have_one_header_row_without_empty_cells(document: Document) -> None:
    for table in document.tables:
        first_row, *other_rows = table.rows
        assert has_row_property(first_row, "w:tblHeader")
        assert not any(has_row_property(row, "w:tblHeader") for row in other_rows)
        assert all(cell.text.strip() for cell in first_row.cells)


def test_docx_tables_have_no_split_rows_or_merged_cells(document: Document) -> None:
    for table in document.tables:
        assert all(has_row_property(row, "w:cantSplit") for row in table.rows)
        merged_down, merged_across, inner_table = qn("w:vMerge"), qn("w:gridSpan"), qn("w:tbl")
        assert list(table._tbl.iterdescendants(merged_down, merged_across, inner_table)) == []


def test_docx_pictures_have_text_alternatives_and_no_paragraph_is_empty(document: Document) -> None:
    for picture in document.element.iter(qn("wp:docPr")):
        assert (picture.get("descr") or "").strip()
    assert all(paragraph.text.strip() for paragraph in document.paragraphs)


@FORMS
def test_every_picture_of_an_odt_has_a_text_alternative(
    incidents: Mapping[str, Incident], settings: Mapping[str, str], form: str
) -> None:
    report = draft_of_form(form, incidents, settings)
    # Only the draft of a period has pictures itself. The other forms have one in their evidence.
    document = OutlineDocument.DRAFT if form == "period" else OutlineDocument.EVIDENCE
    odt = zipfile.ZipFile(io.BytesIO(WRITERS["odt"](report, document)))
    content = odt.read("content.xml").decode()
    pictures = [name for name in odt.namelist() if name.startswith("Pictures/")]
    assert content.count("<draw:frame") == len(pictures) == content.count("<svg:desc>") > 0
