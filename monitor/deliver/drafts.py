"""Drafts between the store, where they are rows, and the alerts leaf, where they are versions."""

from __future__ import annotations

from collections.abc import Sequence

from alerts.draft.report import report_from_json, report_json
from alerts.draft.versions import Version, Versions
from alerts.draft.write.writers import MEDIA, WRITERS
from monitor.errors import UnknownName
from monitor.record.rows import Draft

ENDINGS = tuple(WRITERS)


def versions_of(drafts: Sequence[Draft]) -> Versions:
    """Return the versions that rows describe, oldest first."""
    return tuple(
        Version(
            row.version, row.at, row.by, report_from_json(row.facts), row.words, digest=row.digest, signed=row.signed
        )
        for row in drafts
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


def written(draft: Draft, ending: str) -> tuple[bytes, str]:
    """Return a draft as a document, and its media type. Raises UnknownName for a format there is none of."""
    if ending not in WRITERS:
        raise UnknownName(f"no draft.{ending}: there are {', '.join(ENDINGS)}")
    return WRITERS[ending](report_from_json(draft.facts)), MEDIA[ending]
