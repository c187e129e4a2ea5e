"""What a daemon keeps when a page comes out: request and answer of that look, and of the one before it."""

from __future__ import annotations

from pathlib import Path

from warcio.archiveiterator import ArchiveIterator

from monitor.store.evidence.chain import verify_evidence
from tests.unit.monitor.app.life import PAGE, PUBLISHED_AT_SLOT, Life, live, reopened


def test_a_change_is_kept_with_its_request_and_the_look_before_it(tmp_path: Path) -> None:
    async def act(life: Life) -> None:
        await life.until("09:31:00")

    settings = live(tmp_path, PUBLISHED_AT_SLOT, act)
    folder = Path(settings.evidence.folder)
    kept = []
    for file in sorted(folder.glob("*.warc.gz")):
        with file.open("rb") as stream:
            kept += [
                (record.rec_type, record.http_headers.get_statuscode())
                for record in ArchiveIterator(stream)
                if record.rec_headers.get_header("X-Ninethirty-Target") == PAGE
            ]
    # The first look, the last absence, and the first presence.
    asked = "/government/statistics/claims"
    assert kept == [each for status in ("404", "404", "200") for each in (("request", asked), ("response", status))]
    store = reopened(settings)
    assert verify_evidence(store.evidence, folder) == []
    store.close()
