"""Opens ZIP containers and their XML within fixed limits of bytes, entries and depth.

Every limit holds before anything is decompressed or parsed, so a ZIP bomb costs no more than a
small file. A part that is longer than its limit is read up to it.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator

from lxml import etree

from monitor.files.facts import UnreadableFile

PART_CAP = 1_000_000
"""The most bytes that are read of one part of a container."""
_MOST_BYTES = 3 * PART_CAP
_LONGEST_TEXT = 2000
_MOST_ENTRIES = 5000
_HEAD = 4096
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_FAULTS = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    ValueError,
    OverflowError,
    RuntimeError,
)
"""What `zipfile` raises for damaged and encrypted containers."""


class Archive:
    """A ZIP container. All its parts together are read up to a limit, the first ones first."""

    def __init__(self, body: bytes) -> None:
        """Open the container. Raises `UnreadableFile`."""
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(body))
        except _FAULTS as exc:
            raise UnreadableFile("no readable ZIP") from exc
        entries = self._zip.infolist()
        if len(entries) > _MOST_ENTRIES:
            raise UnreadableFile("too many entries")
        self._entries = {entry.filename: entry for entry in entries}
        self._left = _MOST_BYTES

    @property
    def names(self) -> list[str]:
        """Return the names of its parts."""
        return list(self._entries)

    def read(self, name: str) -> bytes:
        """Return the first bytes of a part, empty if there is no such part or too much was read.

        Raises `UnreadableFile` for a damaged or encrypted one.
        """
        entry = self._entries.get(name)
        if entry is None or not self._left:
            return b""
        if entry.compress_type not in _METHODS:
            raise UnreadableFile("a compression that is not read")
        try:
            with self._zip.open(entry) as part:
                content = part.read(min(PART_CAP, self._left))
        except _FAULTS as exc:
            raise UnreadableFile("a damaged part") from exc
        self._left -= len(content)
        return content

    def elements(self, name: str, *tags: str) -> Iterator[etree._Element]:
        """Yield elements of one XML part, as `iterate_elements` does."""
        return iterate_elements(self.read(name), *tags)


def iterate_elements(xml: bytes, *tags: str) -> Iterator[etree._Element]:
    """Yield the elements with these local names, each when it ends. The XML may be cut.

    Raises `UnreadableFile` for anything else that is not XML, and for a document type: only that
    defines entities, and no Office format has one.
    """
    if b"<!DOCTYPE" in xml[:_HEAD]:
        raise UnreadableFile("a document type")
    parser = etree.XMLPullParser(
        events=("end",),
        tag=[f"{{*}}{tag}" for tag in tags],
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
    )
    try:
        parser.feed(xml)
        for _event, element in parser.read_events():
            assert isinstance(element, etree._Element)  # noqa: S101, SLF001  # "end" has no other
            yield element
    except etree.XMLSyntaxError as exc:
        raise UnreadableFile("no readable XML") from exc


def local_name(element: etree._Element) -> str:
    """Return the name of an element without its namespace."""
    return etree.QName(element).localname


def attribute(element: etree._Element, name: str) -> str:
    """Return the attribute with this local name, empty without it."""
    found = (value for key, value in element.attrib.items() if _local_name(key) == name)
    return str(next(found, ""))


def text_of(element: etree._Element) -> str:
    """Return the first text in an element, with spaces made single."""
    parts, left = [], _LONGEST_TEXT
    for part in map(str, element.itertext()):
        parts.append(part[:left])
        left -= len(part)
        if left <= 0:
            break
    return " ".join("".join(parts).split())


def _local_name(key: str | bytes) -> str:
    return str(key).rpartition("}")[2]
