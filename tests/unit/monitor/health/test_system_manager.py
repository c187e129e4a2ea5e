from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.health.system import NO_SERVICE_MANAGER, ServiceManager, find_service_manager


@pytest.fixture
def there(tmp_path: Path) -> Iterator[tuple[str, socket.socket]]:
    """Give the address of a socket as systemd binds it, and the socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bound:
        bound.settimeout(5)
        bound.bind(str(tmp_path / "notify"))
        yield str(tmp_path / "notify"), bound


def test_each_state_is_one_datagram(there: tuple[str, socket.socket]) -> None:
    address, bound = there
    manager = ServiceManager(address)
    for state in ("READY=1", "WATCHDOG=1", "STOPPING=1"):
        manager.notify(state)
    assert [bound.recv(100) for _ in range(3)] == [b"READY=1", b"WATCHDOG=1", b"STOPPING=1"]


def test_an_abstract_socket_is_reached_by_its_at_sign() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bound:
        bound.settimeout(5)
        bound.bind("")  # the kernel gives an abstract name
        name = bound.getsockname()
        ServiceManager("@" + name[1:].decode()).notify("READY=1")
        assert bound.recv(100) == b"READY=1"


def test_without_a_service_manager_nothing_is_sent() -> None:
    NO_SERVICE_MANAGER.notify("READY=1")
    assert find_service_manager({}, 7) == NO_SERVICE_MANAGER


def test_a_service_manager_that_no_longer_exists_raises_no_error(tmp_path: Path) -> None:
    ServiceManager(str(tmp_path / "nobody")).notify("READY=1")


def test_the_watchdog_time_is_read_only_if_it_is_for_this_process() -> None:
    given = {"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "7"}
    assert find_service_manager(given, 7) == ServiceManager("/run/x", timedelta(seconds=30))
    assert find_service_manager(given, 8) == ServiceManager("/run/x")
    assert find_service_manager({**given, "WATCHDOG_USEC": "soon"}, 7).watchdog is None
