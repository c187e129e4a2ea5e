"""Plays a script through the real daemon, and reads back everything it said."""

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
from tests.oracle.oracle import Drafted, Told
from tests.oracle.text import write
from tests.oracle.world import World


def played(world: World, base: Settings | None = None) -> Told:
    """Play a world in a folder of its own, under the settings it needs or others."""
    with tempfile.TemporaryDirectory(prefix="oracle-") as made:
        folder = Path(made)
        script = read_script(write(world, folder, "script"))
        base = base or (read_settings(script.config) if script.config is not None else Settings())
        with log_only_errors():
            body = play(script, base, folder / "kept").as_json()
        return Told(
            body, _notices(folder / "kept"), _drafts(rehearsal_settings(script, base, folder / "kept").store.url)
        )


def _notices(folder: Path) -> list[dict[str, Any]]:
    told = [json.loads(file.read_text(encoding="utf-8"))["data"] for file in (folder / "outbox").rglob("*.json")]
    return sorted(told, key=lambda data: (data["at"], data["id"]))


def _drafts(url: str) -> list[Drafted]:
    """Return every version of every incident's draft."""
    store = open_store(url)
    try:
        return [
            Drafted(incident.release, report_from_json(row.facts))
            for incident in store.verdicts.incidents()
            for row in store.verdicts.drafts(incident.id)
        ]
    finally:
        store.close()
