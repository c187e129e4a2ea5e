from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.monitor.web.people import users_file


@pytest.fixture(scope="session")
def users(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a users file with people of every right."""
    return users_file(tmp_path_factory.mktemp("people"))
