"""Doubts about a configuration that `command_cases/check.toml` of the command line cannot show."""

from __future__ import annotations

import pytest

from monitor.config.doubts import Known, find_doubts
from monitor.config.settings import Settings, StoreSettings


@pytest.mark.parametrize(
    "address", ["monitor:hunter2@db.example/ninethirty", "db.example/ninethirty?password=hunter2"]
)
def test_password_in_the_address_of_the_store_is_doubted_but_not_shown(address: str) -> None:
    store = StoreSettings(url=f"postgresql+psycopg://{address}")
    doubts = [doubt for doubt in find_doubts(Settings(store=store), Known()) if "store" in doubt[0]]
    reason = "contains a password: leave it to ~/.pgpass or PGPASSWORD"
    assert doubts == [("store.url", reason, None)]
