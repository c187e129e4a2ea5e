from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.monitor.cli.conftest import RunCli

SAMPLES = Path(__file__).parents[5] / "shared/samples/calendars"
KEYS = {"uid", "title", "producer", "url", "slot", "state", "doubt", "parts"}


@pytest.mark.parametrize("kind", ["toml", "csv"])
@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples stand beside the project")
def test_sample_calendars_are_parsed_without_a_fault(run_cli: RunCli, kind: str) -> None:
    """KEYS are the fields that every printed entry has."""
    result = run_cli("calendar", "parse", kind, str(SAMPLES / f"calendar.{kind}"))
    assert result.status == 0
    assert all(set(row) >= KEYS for row in result.lines)
