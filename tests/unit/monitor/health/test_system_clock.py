"""Whether the machine says that its clock is kept right."""

from __future__ import annotations

import pytest

from monitor.health.system import adjtimex, clock_sync_text, is_clock_synchronised


@pytest.mark.parametrize(("state", "kept"), [(0, True), (1, True), (5, False), (-1, None)])
def test_the_kernels_state_is_read(state: int, kept: bool | None) -> None:  # noqa: FBT001 # an answer, no switch
    assert is_clock_synchronised(lambda: state) is kept


def test_reading_the_clocks_state_changes_nothing_and_never_fails() -> None:
    assert adjtimex() == adjtimex()
    assert is_clock_synchronised() in {True, False, None}


def test_each_clock_state_has_a_text() -> None:
    assert len({clock_sync_text(kept) for kept in (True, False, None)}) == 3
