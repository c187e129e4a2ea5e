"""Plays a world through the real daemon and reads all its output."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from alerts.draft.report import report_from_json
from monitor.cli.common import log_only_errors
from monitor.config.read import read_settings
from monitor.config.settings import Settings
from monitor.rehearse.drive import play
from monitor.rehearse.script.script import read_script
from monitor.rehearse.settings import rehearsal_settings
from monitor.store.open import open_store
from tests.oracle.oracle import DraftVersion, MonitorOutput
from tests.oracle.text import write_script
from tests.oracle.world import World


def play_world(world: World, base: Settings | None = None) -> MonitorOutput:
    """Play a world in its own folder and return the output.

    `base` replaces the settings that its script names.
    """
    with tempfile.TemporaryDirectory(prefix="oracle-") as made:
        folder = Path(made)
        script = read_script(write_script(world, folder, "script"))
        base = base or (read_settings(script.config) if script.config is not None else Settings())
        with log_only_errors():
            body = play(script, base, folder / "kept").as_json()
        return MonitorOutput(
            body,
            _read_notices(folder / "kept"),
            _read_drafts(rehearsal_settings(script, base, folder / "kept").store.url),
        )


def _read_notices(folder: Path) -> list[dict[str, Any]]:
    notices = [
        json.loads(file.read_text(encoding="utf-8"))["data"]
        for file in (folder / "outbox").rglob("*.json")
    ]
    return sorted(notices, key=lambda data: (data["at"], data["id"]))


def _read_drafts(url: str) -> list[DraftVersion]:
    """Return every version of every incident's draft."""
    store = open_store(url)
    try:
        return [
            DraftVersion(incident.release, report_from_json(row.facts))
            for incident in store.verdicts.incidents()
            for row in store.verdicts.drafts(incident.id)
        ]
    finally:
        store.close()
