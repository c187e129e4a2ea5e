from __future__ import annotations

import gc
from types import SimpleNamespace

from monitor.health.system import (
    find_malloc_trim,
    pause_garbage_collection,
    resume_garbage_collection,
    return_free_memory,
    set_malloc_options,
)


def test_malloc_trim_of_the_c_library_is_found_and_can_be_called() -> None:
    calls: list[int] = []
    find_malloc_trim(SimpleNamespace(malloc_trim=calls.append))(0)
    assert calls == [0]


def test_a_c_library_without_malloc_trim_gives_a_function_without_effect() -> None:
    assert find_malloc_trim(SimpleNamespace())(0) is None


def test_glibc_is_set_to_one_heap_and_to_map_blocks_from_128_kib_on_by_themselves() -> None:
    m_arena_max, m_mmap_threshold = -8, -3  # in malloc.h
    options: dict[int, int] = {}
    set_malloc_options(SimpleNamespace(mallopt=options.__setitem__))
    assert options == {m_arena_max: 1, m_mmap_threshold: 128 * 1024}


def test_a_c_library_without_mallopt_is_not_changed() -> None:
    set_malloc_options(SimpleNamespace())


def test_memory_can_be_returned_repeatedly() -> None:
    return_free_memory()
    return_free_memory()


def test_objects_of_the_start_are_exempt_from_garbage_collection() -> None:
    pause_garbage_collection()
    try:
        was_collecting = gc.isenabled()
        made = [[number] for number in range(1000)]
    finally:
        resume_garbage_collection()
    # The collector is not restored: it would then examine all objects that earlier tests have exempted.
    assert (was_collecting, gc.isenabled()) == (False, True)
    assert not any(one is made for one in gc.get_objects())
