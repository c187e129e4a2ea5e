"""Converts drafts between rows of the store and versions of `alerts`, and renders them as
documents.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog

from alerts.draft.report import Report, report_from_json, report_json
from alerts.draft.versions import Version, Versions, list_changed_fields
from alerts.draft.write.outline import Document
from alerts.draft.write.registry import MEDIA, WRITERS
from monitor.errors import EnvironmentFault, UnknownName
from monitor.store.rows import Draft
from monitor.store.sql.write import Transaction

# Tags let a screen reader find headings and table headers. The window shows the document's title,
# not its file name.
_AS_PDF = (
    'pdf:writer_pdf_Export:{"UseTaggedPDF":{"type":"boolean","value":"true"},'
    '"DisplayPDFDocumentTitle":{"type":"boolean","value":"true"}}'
)
_PDF_WITHIN = 120.0

_log = structlog.get_logger(__name__)
ENDINGS = tuple(WRITERS)


def versions_from_rows(drafts: Sequence[Draft]) -> Versions:
    """Return the versions of one draft from its rows. Rows and versions are oldest first."""
    reports = [report_from_json(row.facts) for row in drafts]
    # By version, its changes since the one before: none for the first. Without drafts, `zip` drops
    # this one item.
    changes = [(), *(list_changed_fields(before, after) for before, after in pairwise(reports))]
    return tuple(
        Version(row.version, row.at, row.by, report, row.words, changed, row.digest, row.signed)
        for row, report, changed in zip(drafts, reports, changes, strict=False)
    )


def draft_row(version: Version, incident: str) -> Draft:
    """Return the row that stores a version of an incident's draft."""
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


def change_versions(
    tx: Transaction, drafts: Sequence[Draft], incident: str, change: Callable[[Versions], Versions]
) -> Versions:
    """Apply `change` to the stored versions of an incident's draft, save the new ones and return
    all.
    """
    known = versions_from_rows(drafts)
    changed = change(known)
    for version in changed[len(known) :]:
        tx.add_draft(draft_row(version, incident))
    return changed


def render_draft(
    draft: Draft, ending: str, template: Path | None = None, document: Document | None = None
) -> tuple[bytes, str]:
    """Return a draft, or one `document` of it, as a file, and its media type.

    Raises `UnknownName` for other formats.

    `template` is the organisation's own .docx file. If it cannot be filled, the shipped form is
    used.
    """
    if ending not in WRITERS:
        raise UnknownName(f"no draft.{ending}: use {', '.join(ENDINGS)}")
    report = report_from_json(draft.facts)
    has_template = ending == "docx" and document in (None, Document.DRAFT, Document.REPORT)
    filled = None
    if template is not None and has_template:
        filled = _fill_template(report, template)
    return filled or WRITERS[ending](report, document), MEDIA[ending]


def _fill_template(report: Report, template: Path) -> bytes | None:
    from alerts.draft.write.template import BadTemplate, fill_template  # noqa: PLC0415 # heavy, and rarely needed

    try:
        return fill_template(template.read_bytes(), report)
    except (OSError, BadTemplate) as fault:
        # The report must go out at once, even if the file was damaged after `ninethirty check`.
        _log.error("template_unusable", template=str(template), fault=str(fault))
        return None


def can_make_pdf(program: str = "soffice") -> bool:
    """Return whether LibreOffice is installed."""
    return shutil.which(program) is not None


def convert_to_pdf(document: bytes, ending: str, program: str = "soffice") -> bytes:
    """Return a .docx or .odt document as PDF.

    Raises `EnvironmentFault` if LibreOffice is missing or fails.
    """
    found = shutil.which(program)
    if found is None:
        raise EnvironmentFault(f"no .pdf: LibreOffice ({program}) is not installed")
    with TemporaryDirectory(prefix="ninethirty-") as folder:
        source = Path(folder) / f"document.{ending}"
        source.write_bytes(document)
        # LibreOffice refuses to convert with a profile that is open, so this uses a temporary one.
        command = [
            found,
            f"-env:UserInstallation=file://{folder}/profile",
            "--headless",
            "--convert-to",
            _AS_PDF,
        ]
        command += ["--outdir", folder, str(source)]
        try:
            subprocess.run(command, capture_output=True, check=True, timeout=_PDF_WITHIN)  # noqa: S603 # our own words
            return source.with_suffix(".pdf").read_bytes()
        except (OSError, subprocess.SubprocessError) as exc:
            raise EnvironmentFault(
                f"no .pdf: LibreOffice did not convert it ({type(exc).__name__})"
            ) from exc
