"""The machine below us: memory, the kernel's clock, and systemd."""

from __future__ import annotations

import gc
import socket
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from monitor.health.system import (
    NO_SERVICE_MANAGER,
    ServiceManager,
    clock_sync_text,
    find_service_manager,
    is_clock_synchronised,
    pause_garbage_collection,
    resume_garbage_collection,
    return_free_memory,
    set_malloc_options,
)


def test_memory_is_returned_with_malloc_trim_of_the_c_library() -> None:
    padding_bytes: list[int] = []
    return_free_memory(SimpleNamespace(malloc_trim=padding_bytes.append))
    assert padding_bytes == [0]


def test_a_c_library_without_malloc_trim_causes_no_error() -> None:
    return_free_memory(SimpleNamespace())


def test_glibc_gets_one_heap_and_maps_large_blocks_separately() -> None:
    m_arena_max, m_mmap_threshold = -8, -3  # in malloc.h
    options: dict[int, int] = {}
    set_malloc_options(SimpleNamespace(mallopt=options.__setitem__))
    assert options == {m_arena_max: 1, m_mmap_threshold: 128 * 1024}


def test_a_c_library_without_mallopt_causes_no_error() -> None:
    set_malloc_options(SimpleNamespace())


def test_memory_can_be_returned_repeatedly() -> None:
    return_free_memory()
    return_free_memory()


def test_objects_made_at_start_are_exempt_from_garbage_collection() -> None:
    pause_garbage_collection()
    try:
        was_collecting = gc.isenabled()
        made_while_paused = [[number] for number in range(1000)]
    finally:
        resume_garbage_collection()
    # `resume_garbage_collection` freezes all objects that exist, and `gc.get_objects` leaves frozen
    # ones out. Nothing is unfrozen here: the collector would then examine all objects that earlier
    # tests have exempted.
    assert (was_collecting, gc.isenabled()) == (False, True)
    assert not any(examined is made_while_paused for examined in gc.get_objects())


def test_clock_is_unsynchronised_if_kernel_reports_an_error() -> None:
    time_ok, time_ins, time_error = 0, 1, 5  # in timex.h. TIME_INS: a leap second is near.
    assert is_clock_synchronised(lambda: time_ok) is True
    assert is_clock_synchronised(lambda: time_ins) is True
    assert is_clock_synchronised(lambda: time_error) is False


def test_synchronisation_is_unknown_if_kernel_state_is_unreadable() -> None:
    not_readable = -1
    assert is_clock_synchronised(lambda: not_readable) is None


def test_reading_the_clocks_state_never_fails() -> None:
    assert is_clock_synchronised() in {True, False, None}


def test_each_clock_state_has_a_text() -> None:
    assert len({clock_sync_text(is_synchronised) for is_synchronised in (True, False, None)}) == 3


@pytest.fixture
def systemd() -> Iterator[socket.socket]:
    """Give a socket that receives datagrams, as systemd has it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.settimeout(5)
        yield receiver


def test_each_service_state_is_sent_as_one_datagram(systemd: socket.socket, tmp_path: Path) -> None:
    systemd.bind(str(tmp_path / "notify"))
    manager = ServiceManager(str(tmp_path / "notify"))
    manager.notify("READY=1")
    manager.notify("STOPPING=1")
    assert [systemd.recv(100), systemd.recv(100)] == [b"READY=1", b"STOPPING=1"]


def test_name_that_begins_with_an_at_sign_means_an_abstract_socket(systemd: socket.socket) -> None:
    """The name of an abstract socket begins with a zero byte, and no file has it. systemd writes
    "@" for that byte.
    """
    systemd.bind("")  # the kernel gives an abstract name
    name = systemd.getsockname().decode()
    ServiceManager(name.replace("\0", "@", 1)).notify("READY=1")
    assert systemd.recv(100) == b"READY=1"


def test_without_a_service_manager_a_state_has_no_effect() -> None:
    assert find_service_manager({}, 7) == NO_SERVICE_MANAGER
    NO_SERVICE_MANAGER.notify("READY=1")


def test_absent_service_manager_raises_no_error(tmp_path: Path) -> None:
    ServiceManager(str(tmp_path / "absent")).notify("READY=1")


def test_watchdog_time_is_read_only_for_this_process() -> None:
    """In its variables, systemd says which process must report how often. None: this one need
    not.
    """
    environment = {"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "7"}
    assert find_service_manager(environment, pid=7) == ServiceManager(
        "/run/x", watchdog=timedelta(seconds=30)
    )
    assert find_service_manager(environment, pid=8) == ServiceManager("/run/x", watchdog=None)
    # A time that is no number is ignored.
    assert find_service_manager({**environment, "WATCHDOG_USEC": "soon"}, pid=7).watchdog is None
