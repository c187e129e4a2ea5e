"""Memory is given back to the machine where a monitor lives for weeks, not where days are played in minutes."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from monitor.app.build import Edges, build
from monitor.config.settings import EvidenceSettings, Settings, StoreSettings


@pytest.mark.parametrize("durable", [True, False])
def test_a_rehearsal_gives_no_memory_back(tmp_path: Path, *, durable: bool) -> None:
    settings = Settings(
        store=StoreSettings(url=f"sqlite:///{tmp_path / 'own.db'}"), evidence=EvidenceSettings(folder=str(tmp_path))
    )

    async def jobs() -> set[str]:
        app = build(settings, Edges(serve=False, seed=1, durable=durable))
        try:
            return {name for _, name, _ in app.daemon.jobs}
        finally:
            await app.close()

    assert ("memory" in asyncio.run(jobs())) is durable
