"""Which formats a draft is written in."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Protocol

from alerts.draft.report import Report
from alerts.draft.write.outline import Document, entitled


class Writer(Protocol):
    """Writes a document of a report, the one that `outline` takes when none is named."""

    def __call__(self, report: Report, document: Document | None = None) -> bytes:
        """Return the document as the bytes of a file."""


def _writer(place: str) -> Writer:
    # Named, not imported: until there is something to write, 10 MB of libraries need not be there.
    def write(report: Report, document: Document | None = None) -> bytes:
        module, name = place.split(":")
        make = getattr(import_module(module), name)
        written: str | bytes = make(entitled(report, document), document)
        return written.encode() if isinstance(written, str) else written

    return write


WRITERS: Mapping[str, Writer] = {
    "md": _writer("alerts.draft.write.md:write_md"),
    "html": _writer("alerts.draft.write.html:write_html"),
    "docx": _writer("alerts.draft.write.docx:write_docx"),
    "odt": _writer("alerts.draft.write.odt:write_odt"),
}
MEDIA: Mapping[str, str] = {
    "md": "text/markdown; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "odt": "application/vnd.oasis.opendocument.text",
}
