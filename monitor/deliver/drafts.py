"""Drafts between the store, where they are rows, and `alerts`, where they are versions; and their documents."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog

from alerts.draft.report import Report, report_from_json, report_json
from alerts.draft.versions import Version, Versions, changed, remeasured
from alerts.draft.write.outline import Document
from alerts.draft.write.registry import MEDIA, WRITERS
from monitor.errors import SurroundingsFault, UnknownName
from monitor.store.rows import Draft
from monitor.store.sql.write import Transaction

# Tagged, so that a screen reader finds headings and table headers; titled by the document and not by its file.
_AS_PDF = (
    'pdf:writer_pdf_Export:{"UseTaggedPDF":{"type":"boolean","value":"true"},'
    '"DisplayPDFDocumentTitle":{"type":"boolean","value":"true"}}'
)
_PDF_WITHIN = 120.0

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


def measured_anew(tx: Transaction, drafts: Sequence[Draft], incident: str, report: Report) -> Versions:
    """Write a new version of a draft from new measurements; what people typed comes along untouched."""
    versions = versions_of(drafts)
    after = remeasured(versions, report)
    for version in after[len(versions) :]:
        tx.add_draft(row_of(version, incident))
    return after


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


def can_make_pdf(program: str = "soffice") -> bool:
    """Return whether LibreOffice is installed."""
    return shutil.which(program) is not None


def as_pdf(document: bytes, ending: str, program: str = "soffice") -> bytes:
    """Return a .docx or .odt document as the bytes of a .pdf file. Raises `SurroundingsFault` without LibreOffice."""
    found = shutil.which(program)
    if found is None:
        raise SurroundingsFault(f"no .pdf: LibreOffice ({program}) is not installed")
    with TemporaryDirectory(prefix="ninethirty-") as folder:
        source = Path(folder) / f"document.{ending}"
        source.write_bytes(document)
        # A profile of its own: one that a person has open would refuse to convert.
        command = [found, f"-env:UserInstallation=file://{folder}/profile", "--headless", "--convert-to", _AS_PDF]
        try:
            subprocess.run(  # noqa: S603 # our own words and files of our own
                [*command, "--outdir", folder, str(source)], capture_output=True, check=True, timeout=_PDF_WITHIN
            )
            return source.with_suffix(".pdf").read_bytes()
        except (OSError, subprocess.SubprocessError) as exc:
            raise SurroundingsFault(f"no .pdf: LibreOffice did not convert it ({type(exc).__name__})") from exc
