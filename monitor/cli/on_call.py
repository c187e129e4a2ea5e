"""Who is on call, as far as a command can know it: by the configuration, by files, and by calendars when asked."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

from alerts.rota import Rota
from monitor.cli.common import Context
from monitor.clock import SystemClock
from schedules.times.words import stamp

_AHEAD = timedelta(days=7)


def rotas_of(context: Context, *, online: bool = False) -> list[Rota]:
    """Return the rotas as they are now; those at an address as last read, unless `online`."""
    from monitor.app.reporting_options import rotas_of as configured
    from monitor.ledger.rota import with_stored_shifts
    from monitor.store.open import file_of

    settings, rotas = context.settings, configured(context.settings)
    file = file_of(settings.store.url)
    if rotas and (file is None or file.exists()):
        with context.store() as store:
            rotas = with_stored_shifts(rotas, store)
    if any(table.file is not None or (online and table.url is not None) for table in settings.rota):
        rotas |= asyncio.run(_read(context, rotas, online=online))
    return [*rotas.values()]


async def _read(context: Context, rotas: dict[str, Rota], *, online: bool) -> dict[str, Rota]:
    from monitor.app.readers import asking, rota_readers_of

    settings, clock, found = context.settings, SystemClock(), {}
    async with asking(settings, clock) as (poller, workers):
        for reader in rota_readers_of(settings, context.path.parent, poller.ask, clock, workers):
            if online or reader.file is not None:
                shifts, fault = await reader.read()
                known = rotas[reader.name]
                found[reader.name] = replace(known, read=shifts or known.read, fault=context.hide(fault))
    return found


def lines(context: Context, rotas: Sequence[Rota]) -> Iterator[str]:
    """Yield who is on call now and who is next, one line a rota."""
    for rota in rotas:
        yield f"on call now: {rota.name}: {rota.describe_on_call(context.now())}"


def gaps(context: Context, rota: Rota) -> list[str]:
    """Return the spans of the days ahead in which nobody is on call, in words."""
    now, zone = context.now(), rota.timezone
    spans = rota.gaps(now, now + _AHEAD)
    return [f"from {stamp(at, zone, weekday=True)} to {stamp(until, zone, weekday=True)}" for at, until in spans]
