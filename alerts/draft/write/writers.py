"""Which formats a draft is written in."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from alerts.draft.report import Report
from alerts.draft.write.docx import write_docx
from alerts.draft.write.html import write_html
from alerts.draft.write.md import write_md
from alerts.draft.write.odt import write_odt

WRITERS: Mapping[str, Callable[[Report], bytes]] = {
    "md": lambda report: write_md(report).encode(),
    "html": lambda report: write_html(report).encode(),
    "docx": write_docx,
    "odt": write_odt,
}
MEDIA: Mapping[str, str] = {
    "md": "text/markdown; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "odt": "application/vnd.oasis.opendocument.text",
}
