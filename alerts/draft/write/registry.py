"""Which formats a draft is written in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module

from alerts.draft.report import Report


def _writer(place: str) -> Callable[[Report], bytes]:
    # Named, not imported: until there is something to write, 10 MB of libraries need not be there.
    def write(report: Report) -> bytes:
        module, name = place.split(":")
        written: str | bytes = getattr(import_module(module), name)(report)
        return written.encode() if isinstance(written, str) else written

    return write


WRITERS: Mapping[str, Callable[[Report], bytes]] = {
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
