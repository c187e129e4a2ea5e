"""Reads the calendars of rotas, for commands without a monitor."""

from __future__ import annotations

from dataclasses import replace

from alerts.rota import Rota
from monitor.app.readers import make_rota_readers, open_poller
from monitor.cli.common import Context
from monitor.clock import SystemClock


async def read_rotas(
    context: Context, rotas: dict[str, Rota], *, online: bool = False
) -> dict[str, Rota]:
    """Return rotas with the shifts of their calendars in files, and if `online` of those at web
    addresses.

    A rota that cannot be read keeps its shifts, and has the fault.
    """
    settings, clock, found = context.settings, SystemClock(), dict(rotas)
    if not any(rota.file is not None or (online and rota.url) for rota in settings.rota):
        return found
    async with open_poller(settings, clock) as (poller, workers):
        folder, send = context.path.parent, poller.send_in_turn
        for reader in make_rota_readers(settings, folder, send, clock, workers):
            if online or reader.file is not None:
                shifts, fault = await reader.read()
                known = rotas[reader.name]
                found[reader.name] = replace(
                    known,
                    calendar_shifts=shifts or known.calendar_shifts,
                    fault=context.hide(fault),
                )
    return found
