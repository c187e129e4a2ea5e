"""Drafts between the store, where they are rows, and `alerts`, where they are versions."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import structlog

from alerts.draft.report import Report, report_from_json, report_json
from alerts.draft.versions import Version, Versions, changed
from alerts.draft.write.registry import MEDIA, WRITERS
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


def written(draft: Draft, ending: str, template: Path | None = None) -> tuple[bytes, str]:
    """Return a draft as a document, and its media type. Raises UnknownName for a format there is none of.

    `template` is a .docx file of the organisation's own; while it cannot be filled our own form is written.
    """
    if ending not in WRITERS:
        raise UnknownName(f"no draft.{ending}: there are {', '.join(ENDINGS)}")
    report = report_from_json(draft.facts)
    own = _in_template(report, template) if template is not None and ending == "docx" else None
    return own or WRITERS[ending](report), MEDIA[ending]


def _in_template(report: Report, template: Path) -> bytes | None:
    from alerts.draft.write.template import BadTemplate, write_template  # noqa: PLC0415 # heavy, and rarely needed

    try:
        return write_template(template.read_bytes(), report)
    except (OSError, BadTemplate) as fault:
        # The report must go out at half past nine, whatever somebody did to the file since `check`.
        _log.error("template_unusable", template=str(template), fault=str(fault))
        return None
