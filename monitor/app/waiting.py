"""Waits at a start for a store that fails, and reports that wherever people and programs look."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import structlog

from monitor.app.reporting_options import make_channels, make_reporting_rules
from monitor.clock import Clock, SystemClock
from monitor.config.settings import Settings
from monitor.deliver.last_resort import make_waiting_message, send_to_each
from monitor.errors import StoreFault, StoreTooOld
from monitor.health.system import ServiceManager
from monitor.store.open import open_store
from monitor.threads import Tasks, run_in_thread, wait_for_event

_log = structlog.get_logger(__name__)
_RETRY = 2.0
"""Seconds between two attempts to reach the store."""
_NOTIFY_AFTER = timedelta(seconds=5)


@dataclass(slots=True)
class StoreWait:
    """One start that waits for its store.

    The log has each new fault. The service manager gets its text as our status, `/readyz` is 503,
    and each channel for staff gets one message if the wait is longer than five seconds.
    """

    settings: Settings
    manager: ServiceManager
    folder: Path
    clock: Clock = field(default_factory=SystemClock)
    _fault: str = ""
    _is_notified: bool = False
    _tasks: Tasks = field(default_factory=Tasks)

    async def wait(self, fault: StoreFault, stop: asyncio.Event) -> None:
        """Return when the store answers, or when `stop` is set."""
        began = self.clock.now()
        async with self._serve_health(f"waits for its store since {began:%H:%M:%S} UTC"):
            found: StoreFault | None = fault
            while found is not None and not stop.is_set():
                self._report(str(found))
                if self.clock.now() - began >= _NOTIFY_AFTER and not self._is_notified:
                    self._is_notified = True
                    self._tasks.start(self._notify(str(found)))
                await wait_for_event(stop, self.clock, _RETRY)
                found = await run_in_thread(self._find_fault)

    def _report(self, fault: str) -> None:
        if fault != self._fault:
            _log.critical("waits_for_store", fault=fault)
        self._fault = fault
        # systemd must not restart us, because a restart would wait too.
        self.manager.notify(f"READY=1\nWATCHDOG=1\nSTATUS=waits for its store: {fault}")

    def _find_fault(self) -> StoreFault | None:
        """Return why the store cannot be used yet, None if it answers."""
        try:
            store = open_store(self.settings.store.url)
            try:
                store.check_schema()
            finally:
                store.close()
        except StoreTooOld:
            return None  # the start migrates it
        except StoreFault as fault:
            return fault
        return None

    async def _notify(self, fault: str) -> None:
        channels = make_channels(self.settings, self.clock.now)
        rules = make_reporting_rules(
            self.settings, [channel.name for channel in channels], self.folder
        )
        message = make_waiting_message(self.settings.watch.vantage, fault, self.clock.now())
        for_staff = {one.name: message for one in channels if one.name not in rules.open_channels}
        try:
            await send_to_each(channels, for_staff)
        finally:
            for channel in channels:
                await channel.close()

    @asynccontextmanager
    async def _serve_health(self, reason: str) -> AsyncIterator[None]:
        """Answer `/healthz`, `/livez` and `/readyz` in this context."""
        # takes 6 MB, so only if pages are served
        from monitor.web.server import WebServer, bind_address  # noqa: PLC0415
        from monitor.web.waiting import make_waiting_application  # noqa: PLC0415

        bound = bind_address(self.settings.web.listen)
        server = WebServer(make_waiting_application(reason), bound, self.settings.web.proxies)
        serving = asyncio.create_task(server.run(), name="waiting page")
        try:
            yield
        finally:
            server.stop()
            await serving
