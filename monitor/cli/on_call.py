"""Who is on call: from the configuration, from files, and with `online` from calendars."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

from alerts.rota import Rota
from monitor.cli.common import Context
from monitor.clock import SystemClock
from schedules.times.words import stamp

_CHECKED_AHEAD = timedelta(days=7)


def read_rotas(context: Context, *, online: bool = False) -> list[Rota]:
    """Return the configured rotas with the shifts of their stored calendars.

    Calendars in files, and those at web addresses if `online`, are read again. Their shifts replace
    the stored ones.
    """
    from monitor.app.options import make_rotas as configured_rotas
    from monitor.ledger.rota import add_stored_shifts

    settings = context.settings
    rotas = configured_rotas(settings)
    if rotas and context.has_store:
        with context.store() as store:
            rotas = add_stored_shifts(rotas, store)
    if any(rota.file is not None or (online and rota.url is not None) for rota in settings.rota):
        rotas |= asyncio.run(_read_calendars(context, rotas, online=online))
    return [*rotas.values()]


async def _read_calendars(
    context: Context, rotas: dict[str, Rota], *, online: bool
) -> dict[str, Rota]:
    """Read rotas from files, and from web addresses if `online`.

    Return each of these with its new shifts or fault.
    """
    from monitor.app.readers import make_rota_readers, open_poller

    settings, clock, found = context.settings, SystemClock(), {}
    async with open_poller(settings, clock) as (poller, workers):
        for reader in make_rota_readers(
            settings, context.path.parent, poller.send_in_turn, clock, workers
        ):
            if online or reader.file is not None:
                shifts, fault = await reader.read()
                known = rotas[reader.name]
                # After a fault there are no shifts, so the earlier ones stay.
                found[reader.name] = replace(
                    known,
                    calendar_shifts=shifts or known.calendar_shifts,
                    fault=context.hide(fault),
                )
    return found


def on_call_lines(context: Context, rotas: Sequence[Rota]) -> Iterator[str]:
    """Yield one line for each rota: who is on call now and who is next."""
    for rota in rotas:
        yield f"on call now: {rota.name}: {rota.describe_on_call(context.now())}"


def uncovered_spans(context: Context, rota: Rota) -> list[str]:
    """Return as text the spans of the next seven days in which no one is on call."""
    now, zone = context.now(), rota.timezone
    spans = rota.gaps(now, now + _CHECKED_AHEAD)
    return [
        f"from {stamp(at, zone, weekday=True)} to {stamp(until, zone, weekday=True)}"
        for at, until in spans
    ]
