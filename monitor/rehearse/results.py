"""What a rehearsal left behind, read from its store as anybody would read it."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

from monitor.app.options import policies_of
from monitor.app.reporting_options import book_of
from monitor.config.settings import Settings
from monitor.deliver.drafts import ENDINGS, written
from monitor.rehearse.expect import Results
from monitor.rehearse.script.script import Script
from monitor.store.open import open_store
from monitor.store.rows import Draft
from monitor.store.sql.read import OutboxStore, VerdictStore
from monitor.watch.rejudge import body_of_unwatched, current_body
from schedules.times.json import instant_json

DRAFTS = "drafts"


def results_of(settings: Settings, script: Script, folder: Path) -> Results:
    """Return releases as of the end of the script, notices, and drafts with the files they were written to."""
    store = open_store(settings.store.url)
    try:
        policies, book = policies_of(settings), book_of(settings)
        judged = [current_body(store, policies, row, script.ends, book) for row in store.verdicts.judged()]
        ahead = (
            body_of_unwatched(store, policies, release.id, script.ends, book) for release in store.ledger.releases()
        )
        return Results(
            releases=[*judged, *(body for body in ahead if body is not None)],
            notices=_notices(store.outbox),
            drafts=_drafts(store.verdicts, folder),
        )
    finally:
        store.close()


def _notices(outbox: OutboxStore) -> list[dict[str, Any]]:
    channels: dict[str, list[str]] = defaultdict(list)
    for delivery in outbox.deliveries():
        channels[delivery.notice].append(delivery.channel)
    return [
        {
            "id": notice.id,
            "kind": notice.kind,
            "release": notice.release,
            "at": instant_json(notice.at),
            "channels": sorted(channels[notice.id]),
            "follows": notice.follows or None,
            "subject": notice.subject,
        }
        for notice in outbox.notices()
    ]


def _drafts(verdicts: VerdictStore, folder: Path) -> list[dict[str, Any]]:
    written_for = ((incident, verdicts.drafts(incident.id)) for incident in verdicts.incidents())
    return [
        {
            "release": incident.release,
            "incident": incident.id,
            "form": versions[-1].form,
            "edition": versions[-1].edition,
            "versions": versions[-1].version,
            "files": [str(_appended(versions[-1], ending, folder / DRAFTS)) for ending in ENDINGS],
        }
        for incident, versions in written_for
        if versions
    ]


def _appended(draft: Draft, ending: str, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / f"{draft.incident}.{ending}"
    file.write_bytes(written(draft, ending)[0])
    return file
