"""Drafts between the store, where they are rows, and `alerts`, where they are versions."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import structlog

from alerts.draft.report import Report, report_from_json, report_json
from alerts.draft.versions import Version, Versions, changed
from alerts.draft.write.outline import Document
from alerts.draft.write.registry import MEDIA, WRITERS
from monitor.deliver.pdf import as_pdf
from monitor.errors import UnknownName
from monitor.store.rows import Draft

_log = structlog.get_logger(__name__)
ENDINGS = tuple(WRITERS)


def versions_of(drafts: Sequence[Draft]) -> Versions:
    """Return the versions that rows describe, oldest first."""
    reports = [report_from_json(row.facts) for row in drafts]
    changes = [(), *(changed(before, after) for before, after in pairwise(reports))]
    return tuple(
        Version(row.version, row.at, row.by, report, row.words, others, row.digest, row.signed)
        for row, report, others in zip(drafts, reports, changes, strict=False)
    )


def row_of(version: Version, incident: str) -> Draft:
    """Return the row that keeps a version."""
    report = version.report
    return Draft(
        incident,
        version.number,
        version.at,
        version.by,
        report.form,
        report.edition,
        report_json(report),
        dict(version.words),
        version.signed,
        version.digest,
    )


def filed(draft: Draft, ending: str, template: Path | None = None, document: Document | None = None) -> bytes:
    """Return the same as `written`, or as .pdf by LibreOffice: raises SurroundingsFault where there is none.

    Not for the web: a conversion takes seconds of a processor.
    """
    if ending != "pdf":
        return written(draft, ending, template, document)[0]
    source = "odt" if template is None else "docx"
    return as_pdf(written(draft, source, template, document)[0], source)


def written(
    draft: Draft, ending: str, template: Path | None = None, document: Document | None = None
) -> tuple[bytes, str]:
    """Return a draft, or one document of it, as a file, and its media type. Raises UnknownName for no such format.

    `template` is a .docx file of the organisation's own; while it cannot be filled our own form is written.
    """
    if ending not in WRITERS:
        raise UnknownName(f"no draft.{ending}: there are {', '.join(ENDINGS)}")
    report = report_from_json(draft.facts)
    fits = template is not None and ending == "docx" and document in (None, Document.DRAFT, Document.REPORT)
    own = _in_template(report, template) if template is not None and fits else None
    return own or WRITERS[ending](report, document), MEDIA[ending]


def _in_template(report: Report, template: Path) -> bytes | None:
    from alerts.draft.write.template import BadTemplate, write_template  # noqa: PLC0415 # heavy, and rarely needed

    try:
        return write_template(template.read_bytes(), report)
    except (OSError, BadTemplate) as fault:
        # The report must go out at half past nine, whatever somebody did to the file since `check`.
        _log.error("template_unusable", template=str(template), fault=str(fault))
        return None
