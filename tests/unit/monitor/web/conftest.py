from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from monitor.web.users import make_line
from tests.unit.monitor.web.board import Board, a_board
from tests.unit.monitor.web.people import SECRET, users_file


@pytest.fixture(scope="session")
def users(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a users file with people of every right."""
    return users_file(tmp_path_factory.mktemp("people"))


@pytest.fixture(scope="session")
def anne() -> str:
    """Return the line of a duty statistician in a users file."""
    return make_line("anne", SECRET, "duty statistician")


@pytest.fixture
async def board() -> AsyncIterator[Board]:
    """Open a board without sign-in for a person at its machine."""
    async with a_board() as board:
        yield board
