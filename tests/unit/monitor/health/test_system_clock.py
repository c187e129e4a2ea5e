"""Whether the machine says that its clock is kept right."""

from __future__ import annotations

import pytest

from monitor.health.system import adjtimex, is_kept, kept_words


@pytest.mark.parametrize(("state", "kept"), [(0, True), (1, True), (5, False), (-1, None)])
def test_the_kernels_state_is_read(state: int, kept: bool | None) -> None:  # noqa: FBT001 # an answer, no switch
    assert is_kept(lambda: state) is kept


def test_asking_changes_nothing_and_never_fails() -> None:
    assert adjtimex() == adjtimex()
    assert is_kept() in {True, False, None}


def test_each_answer_has_its_words() -> None:
    assert len({kept_words(kept) for kept in (True, False, None)}) == 3
