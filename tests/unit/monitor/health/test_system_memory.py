from __future__ import annotations

import gc
from types import SimpleNamespace

from monitor.health.system import give_back, hold_sweeps, settle_in, sweep_again, trimmer


def test_a_c_library_that_can_is_told_to_keep_nothing_back() -> None:
    told: list[int] = []
    trimmer(SimpleNamespace(malloc_trim=told.append))(0)
    assert told == [0]


def test_a_c_library_that_cannot_is_left_alone() -> None:
    assert trimmer(SimpleNamespace())(0) is None


def test_a_c_library_is_told_to_have_one_heap_without_large_blocks() -> None:
    told: dict[int, int] = {}
    settle_in(SimpleNamespace(mallopt=told.__setitem__))
    settle_in(SimpleNamespace())
    assert told == {-8: 1, -3: 131_072}


def test_memory_is_given_back_as_often_as_one_likes() -> None:
    give_back()
    give_back()


def test_what_a_start_makes_is_never_swept() -> None:
    hold_sweeps()
    try:
        was_swept = gc.isenabled()
        made = [[number] for number in range(1000)]
    finally:
        sweep_again()
    # It is left so: what is swept again would be all that the tests before this one have left out of their sweeps.
    assert (was_swept, gc.isenabled()) == (False, True)
    assert not any(one is made for one in gc.get_objects())
