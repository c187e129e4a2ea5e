"""The formats in which a draft is written, with their writers and media types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from typing import Protocol

from alerts.draft.report import Report
from alerts.draft.write.outline import TITLES, Document


class DocumentWriter(Protocol):
    """Writes a document of a report (default: the draft or, once signed, the report)."""

    def __call__(self, report: Report, document: Document | None = None) -> bytes:
        """Return the document as the bytes of a file."""


def _load_when_called(import_path: str) -> DocumentWriter:
    """Return a writer that imports a function (`module:name`) at each call, to save memory, and titles the document."""

    def write(report: Report, document: Document | None = None) -> bytes:
        module, name = import_path.split(":")
        render = getattr(import_module(module), name)
        titled = replace(report, title=TITLES.get(document or Document.DRAFT, report.title))
        written: str | bytes = render(titled, document)
        return written.encode() if isinstance(written, str) else written

    return write


WRITERS: Mapping[str, DocumentWriter] = {
    "md": _load_when_called("alerts.draft.write.md:write_md"),
    "html": _load_when_called("alerts.draft.write.html:write_html"),
    "docx": _load_when_called("alerts.draft.write.docx:write_docx"),
    "odt": _load_when_called("alerts.draft.write.odt:write_odt"),
}
MEDIA: Mapping[str, str] = {
    "md": "text/markdown; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "odt": "application/vnd.oasis.opendocument.text",
}
