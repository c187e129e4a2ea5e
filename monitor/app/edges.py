"""Where the daemon meets the world, and what may be put in place of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from alerts.channel import Channel
from monitor.app.jobs import Failed, Jobs
from monitor.clock import Clock
from monitor.health.system import SILENT, ServiceManager
from monitor.look.fetch import Fetcher
from monitor.store.interface import Store


@dataclass(frozen=True, slots=True)
class Edges:
    """What may be put in place of the real edges, by a rehearsal or a test; None takes the real one."""

    clock: Clock | None = None
    clockwork: Callable[[Clock, Failed], Jobs] | None = None
    fetcher: Fetcher | None = None
    store: Store | None = None
    channels: Sequence[Channel] | None = None
    seed: int | None = None
    serve: bool = True
    manager: ServiceManager = SILENT
    durable: bool = True


REAL = Edges()
