"""The formats in which a draft is written, with their writers and media types."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib import import_module

from alerts.draft.report import Report
from alerts.draft.write.outline import TITLES, Document

MEDIA = {
    "md": "text/markdown; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "odt": "application/vnd.oasis.opendocument.text",
}


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes documents in one format.

    It imports the module of the format when it is called, to save memory.
    """

    ending: str

    def __call__(self, report: Report, document: Document | None = None) -> bytes:
        """Return a document of a report (default: the draft or, once signed, the report) as the
        bytes of a file.
        """
        write = getattr(import_module(f"alerts.draft.write.{self.ending}"), f"write_{self.ending}")
        titles = {**TITLES, Document.CORRECTION: report.correction_title}
        titled = replace(report, title=titles.get(document or Document.DRAFT, report.title))
        written: str | bytes = write(titled, document)
        return written.encode() if isinstance(written, str) else written


WRITERS = {ending: Writer(ending) for ending in MEDIA}
