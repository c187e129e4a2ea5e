"""Waits at a start for a store that cannot be used yet, and reports that wherever people and
programs look.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from monitor.app.options import open_channels
from monitor.clock import Clock, SystemClock
from monitor.config.settings import Settings
from monitor.deliver.last_resort import make_waiting_message, send_to_each
from monitor.errors import StoreDamaged, StoreFault, StoreLed, StoreTooNew, StoreTooOld
from monitor.health.system import ServiceManager
from monitor.store.open import open_store
from monitor.threads import Tasks, run_in_thread, wait_for_event

_log = structlog.get_logger(__name__)
_RETRY = 0.5
"""Seconds between two attempts to use the store."""
_NOTIFY_AFTER = timedelta(seconds=5)
FINAL_FAULTS = (StoreTooNew, StoreTooOld)
"""Faults of a store that end the start."""


@dataclass(slots=True)
class StoreWait:
    """One start that waits for its store.

    The log has each new fault, and the service manager gets its text as our status. If the store
    fails, `/readyz` is 503, and each channel for staff gets one message if the wait is longer than
    five seconds. While a monitor of an older version leads, we are a standby.
    """

    settings: Settings
    manager: ServiceManager
    clock: Clock = field(default_factory=SystemClock)
    _fault: str = ""
    _is_notified: bool = False
    _tasks: Tasks = field(default_factory=Tasks)

    async def wait(self, fault: StoreFault, stop: asyncio.Event) -> None:
        """Return when a start should be tried again, or when `stop` is set."""
        began = self.clock.now()
        is_standby = isinstance(fault, StoreLed)
        reason = f"waits for its store since {began:%H:%M:%S} UTC"
        async with self._serve_health(reason, is_standby=is_standby):
            found: StoreFault | None = fault
            while found is not None and isinstance(found, StoreLed) == is_standby:
                if stop.is_set():
                    return
                self._report_fault(str(found), is_standby=is_standby)
                is_long = self.clock.now() - began >= _NOTIFY_AFTER
                if is_long and not is_standby and not self._is_notified:
                    self._is_notified = True
                    self._tasks.start(self._notify_staff(str(found)))
                await wait_for_event(stop, self.clock, _RETRY)
                found = await run_in_thread(self._find_fault)

    async def report_damage(self, fault: StoreDamaged, stop: asyncio.Event) -> None:
        """Report a damaged store until `stop` is set.

        It is never tried again: once the damaged file is moved away, a start would make a new one.
        """
        self._tasks.start(self._notify_staff(str(fault)))
        async with self._serve_health("its store is damaged: restore a backup"):
            while not stop.is_set():
                self._report_fault(str(fault))
                await wait_for_event(stop, self.clock, _RETRY)

    def _report_fault(self, fault: str, *, is_standby: bool = False) -> None:
        if fault != self._fault:
            if is_standby:
                _log.warning("waits_to_upgrade", fault=fault)
            else:
                _log.critical("waits_for_store", fault=fault)
        self._fault = fault
        state = "standby" if is_standby else "waits for its store"
        # systemd must not restart us, because a restart would wait too.
        self.manager.notify(f"READY=1\nWATCHDOG=1\nSTATUS={state}: {fault}")

    def _find_fault(self) -> StoreFault | None:
        """Return why the store cannot be used yet. None if it can, or never can."""
        try:
            with closing(open_store(self.settings.store.url)) as store:
                store.refuse_while_led()
                store.check_schema()
        except (*FINAL_FAULTS, StoreDamaged):
            return None  # the start upgrades it, ends, or reports the damage
        except StoreFault as fault:
            return fault
        return None

    async def _notify_staff(self, fault: str) -> None:
        message = make_waiting_message(self.settings.watch.vantage, fault, self.clock.now())
        names = {table.name for table in self.settings.channel}
        for_staff = names.difference(self.settings.alert.open_channels)
        async with open_channels(self.settings, self.clock) as channels:
            await send_to_each(channels, dict.fromkeys(for_staff, message))

    @asynccontextmanager
    async def _serve_health(self, reason: str, *, is_standby: bool = False) -> AsyncIterator[None]:
        """Answer `/healthz`, `/livez` and `/readyz` in this context."""
        # takes 6 MB, so only if pages are served
        from monitor.web.server import WebServer, bind_address  # noqa: PLC0415
        from monitor.web.waiting import make_waiting_application  # noqa: PLC0415

        bound = bind_address(self.settings.web.listen)
        application = make_waiting_application(reason, is_standby=is_standby)
        server = WebServer(application, bound, self.settings.web.proxies)
        serving = asyncio.create_task(server.run(), name="waiting page")
        try:
            yield
        finally:
            server.stop()
            await serving
