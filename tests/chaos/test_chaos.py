"""A bounded run of chaos with one seed; `make chaos` goes on for as long as it is let."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.postgres import running
from tests.chaos.play import play


@pytest.mark.needs("postgresql")
def test_whatever_is_hurt_nothing_is_lost_told_wrongly_or_asked_too_often(tmp_path: Path) -> None:
    with running() as database:
        assert play(3, tmp_path, database, seconds=20) == []
