"""When a page appears, the request and answer of that look and of the one before it are kept."""

from __future__ import annotations

from pathlib import Path

from warcio.archiveiterator import ArchiveIterator

from monitor.store.evidence.chain import verify_evidence
from tests.unit.monitor.app.monitor_in_test import (
    PAGE,
    PUBLISHED_AT_SLOT,
    MonitorInTest,
    reopened,
    run_monitor,
)


def test_evidence_has_first_look_and_both_sides_of_change(tmp_path: Path) -> None:
    """The monitor looks at a page each second, and it appears at 09:30. Three of the looks are kept
    as evidence: the very first one, the last absence and the first presence. Each has its request
    and its answer.
    """

    async def look_until_after_slot(monitor: MonitorInTest) -> None:
        await monitor.until("09:31:00")

    settings = run_monitor(tmp_path, PUBLISHED_AT_SLOT, look_until_after_slot)
    folder = Path(settings.evidence.folder)
    found = []
    for file in sorted(folder.glob("*.warc.gz")):
        with file.open("rb") as stream:
            # `get_statuscode` returns the status of an answer, and the path of a request.
            found += [
                (record.rec_type, record.http_headers.get_statuscode())
                for record in ArchiveIterator(stream)
                if record.rec_headers.get_header("X-Ninethirty-Target") == PAGE
            ]
    request = ("request", "/government/statistics/claims")
    first_look, last_absence, first_presence = (
        ("response", status) for status in ("404", "404", "200")
    )
    assert found == [request, first_look, request, last_absence, request, first_presence]
    store = reopened(settings)
    damaged_evidence: list[str] = []
    assert verify_evidence(store.evidence, folder) == damaged_evidence
    store.close()
