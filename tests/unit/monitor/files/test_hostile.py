"""Damaged and hostile files: a reader raises nothing but its one fault, and stays within limits."""

from __future__ import annotations

import zipfile
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.hostile_inputs import make_entity_bomb
from monitor.files.archive import PART_CAP, Archive
from monitor.files.facts import FileFacts, UnreadableFile
from monitor.files.inspect import READERS, inspect_file
from tests.worlds.files import (
    Properties,
    Sheet,
    csv_file,
    docx,
    ods,
    pdf,
    xlsx,
    zip_of_csv,
    zipped,
)

PERSON = Properties(author="Jane Smith", modified="2018-01-03T16:00:00Z")
SOUND = {
    "xlsx": xlsx(Sheet("A", [["one", 2]]), properties=PERSON),
    "ods": ods(Sheet("A", [["one", 2]]), properties=PERSON),
    "docx": docx(["one"], header="two", properties=PERSON),
    "csv": csv_file([["one", "2017-11-30"]]),
    "zip": zip_of_csv(data=[["one"]]),
    "pdf": pdf(["one"], ["two"], author="Jane Smith", compressed=True),
}
LAUGHS = make_entity_bomb("a", "<a>&a11;</a>")


def read(body: bytes, extension: str) -> FileFacts | None:
    """Read a file, and let every exception but the one of a reader escape."""
    try:
        return READERS[extension](body)
    except UnreadableFile:
        return None


def test_each_reader_has_a_sound_file() -> None:
    assert SOUND.keys() == READERS.keys()


@given(st.sampled_from(sorted(READERS)), st.floats(0, 1))
def test_cut_file_has_no_other_fault(extension: str, part: float) -> None:
    sound = SOUND[extension]
    read(sound[: int(part * len(sound))], extension)


@given(
    st.sampled_from(sorted(READERS)),
    st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), max_size=20),
)
def test_file_with_other_bytes_has_no_other_fault(
    extension: str, changes: list[tuple[float, int]]
) -> None:
    body = bytearray(SOUND[extension])
    for place, byte in changes:
        body[int(place * len(body))] = byte
    read(bytes(body), extension)


@given(st.sampled_from(["xlsx", "ods", "docx"]), st.data())
def test_container_with_other_xml_has_no_other_fault(extension: str, data: st.DataObject) -> None:
    parts = {}
    with zipfile.ZipFile(BytesIO(SOUND[extension])) as sound:
        for name in sound.namelist():
            content = bytearray(sound.read(name))
            changes = st.tuples(st.floats(0, 0.999), st.binary(max_size=8))
            for place, other in data.draw(st.lists(changes, max_size=3)):
                content[int(place * len(content)) :][: len(other)] = other
            parts[name] = bytes(content[: data.draw(st.integers(0, len(content)))])
    read(zipped(parts), extension)


@given(st.sampled_from(sorted(READERS)), st.binary(max_size=2000))
def test_any_bytes_have_no_other_fault(extension: str, body: bytes) -> None:
    read(body, extension)


@pytest.mark.parametrize("extension", ["xlsx", "ods", "docx"])
def test_laughing_entities_are_refused(extension: str) -> None:
    parts = dict.fromkeys(("xl/workbook.xml", "content.xml", "word/document.xml"), LAUGHS)
    assert inspect_file(zipped(parts), extension) == FileFacts(fault="a document type")


def test_no_more_of_a_bomb_is_unpacked_than_the_limit() -> None:
    bomb = Archive(zipped({"data.csv": b"1," * 20 * PART_CAP}))
    assert len(bomb.read("data.csv")) == PART_CAP


def test_encrypted_container_is_unreadable() -> None:
    body = bytearray(SOUND["zip"])
    # Bit 0 of the general flags of an entry says that it is encrypted: APPNOTE, 4.4.4.
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        body[body.index(mark) + offset] |= 1
    assert read(bytes(body), "zip") is None


def test_encrypted_pdf_is_unreadable() -> None:
    assert read(SOUND["pdf"] + b"trailer << /Encrypt 9 0 R >>", "pdf") is None
