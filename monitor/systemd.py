"""What the service manager is told: ready, stopping, and still alive (sd_notify(3))."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class ServiceManager:
    """Sends states to the socket of systemd; says nothing without one.

    `watchdog` is how long systemd waits for a sign of life before it restarts us, None when it does not.
    """

    address: str = ""
    watchdog: timedelta | None = None

    def tell(self, state: str) -> None:
        """Send one state, such as `READY=1`. A service manager that is gone is no fault of ours."""
        if not self.address:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as there:
            try:
                there.sendto(state.encode(), self.address.replace("@", "\0", 1) if self.is_abstract else self.address)
            except OSError:
                return

    @property
    def is_abstract(self) -> bool:
        """Tell whether the socket has no file."""
        return self.address.startswith("@")


SILENT = ServiceManager()


def service_manager(environment: Mapping[str, str], pid: int) -> ServiceManager:
    """Return the service manager that started the process `pid` with this environment."""
    micros = environment.get("WATCHDOG_USEC", "")
    ours = environment.get("WATCHDOG_PID", str(pid)) == str(pid)
    watchdog = timedelta(microseconds=int(micros)) if micros.isdecimal() and int(micros) and ours else None
    return ServiceManager(environment.get("NOTIFY_SOCKET", ""), watchdog)
