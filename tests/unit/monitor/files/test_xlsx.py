"""What is read inside a workbook."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from io import BytesIO
from zipfile import ZipFile

import pytest

from monitor.files.facts import FileFacts, UnreadableFile
from monitor.files.inspect import inspect_file
from monitor.files.office import read_ods, read_xlsx
from tests.worlds.files import Properties, Sheet, ods, xlsx, zipped

_COLLAPSED = "<table:table-row table:visibility='collapse'>"
TITLE = "Births registered in England and Wales: November 2017"


@pytest.mark.parametrize("inline", [False, True], ids=["shared strings", "inline strings"])
def test_workbook_shows_headings_latest_day_and_people(*, inline: bool) -> None:
    properties = Properties(
        author="Jane Smith", modified_by="Data Team", modified="2018-01-03T16:00:00Z"
    )
    cover = Sheet("Cover", [[TITLE], [date(2017, 11, 30), date(2017, 11, 1)], ["Area", 7]])
    facts = read_xlsx(xlsx(cover, properties=properties, inline=inline))
    assert facts.headings[0] == TITLE
    assert {"Cover", TITLE, "Area"} <= set(facts.lines)
    assert facts.latest == date(2017, 11, 30)
    assert facts.people == ("Jane Smith", "Data Team")
    assert facts.modified is not None
    assert facts.modified.date() == date(2018, 1, 3)


def test_hidden_sheet_is_not_read() -> None:
    facts = read_xlsx(xlsx(Sheet("A", [["x"]]), Sheet("B", [["draft"]], is_hidden=True)))
    assert "draft" not in facts.lines


@pytest.mark.parametrize(
    ("make", "read", "part", "shown", "hidden"),
    [
        (xlsx, read_xlsx, "xl/worksheets/sheet1.xml", "<row>", "<row hidden='1'>"),
        (ods, read_ods, "content.xml", "<table:table-row>", _COLLAPSED),
    ],
    ids=["xlsx", "ods"],
)
def test_hidden_row_is_not_read(
    make: Callable[[Sheet], bytes],
    read: Callable[[bytes], FileFacts],
    part: str,
    shown: str,
    hidden: str,
) -> None:
    body = make(Sheet("A", [["DRAFT"], ["Births"]]))
    assert "DRAFT" in read(body).lines
    lines = read(_with_part(body, part, shown, hidden)).lines
    assert "DRAFT" not in lines
    assert "Births" in lines


def test_workbook_that_counts_from_1904_has_its_own_days() -> None:
    body = xlsx(Sheet("A", [[date(2017, 11, 30)]]))
    of_mac = _with_part(body, "xl/workbook.xml", "<sheets>", "<workbookPr date1904='1'/><sheets>")
    assert read_xlsx(of_mac).latest == date(2021, 12, 1)


def _with_part(body: bytes, part: str, old: str, new: str) -> bytes:
    """Return an archive in one part of which the first `old` text is `new`."""
    with ZipFile(BytesIO(body)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    text = parts[part].decode()
    assert old in text
    return zipped(parts | {part: text.replace(old, new, 1)})


def test_codes_of_a_header_are_no_text() -> None:
    facts = read_xlsx(xlsx(Sheet("A", [["x"]], header="&C&14DRAFT")))
    assert any(line.strip() == "DRAFT" for line in facts.lines)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"PK\x03\x04",
        zipped({"xl/workbook.xml": "<workbook"}),
        zipped({"xl/workbook.xml": "<!DOCTYPE a [<!ENTITY b 'c'>]><workbook><sheet/></workbook>"}),
        zipped({"other": "x"}),
    ],
    ids=["empty", "cut", "broken XML", "document type", "no workbook"],
)
def test_damaged_workbook_has_one_fault_and_no_facts(body: bytes) -> None:
    with pytest.raises(UnreadableFile) as raised:
        read_xlsx(body)
    assert inspect_file(body, "xlsx") == FileFacts(fault=str(raised.value))
