"""Where the daemon meets the world, and what may be put in place of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from alerts.channel import Channel
from monitor.clock import Clock
from monitor.clockwork import Clockwork, Failed
from monitor.look.fetch import Fetcher
from monitor.record.store import Store
from monitor.systemd import SILENT, ServiceManager


@dataclass(frozen=True, slots=True)
class Edges:
    """What may be put in place of the real edges, by a rehearsal or a test; None takes the real one."""

    clock: Clock | None = None
    clockwork: Callable[[Clock, Failed], Clockwork] | None = None
    fetcher: Fetcher | None = None
    store: Store | None = None
    channels: Sequence[Channel] | None = None
    seed: int | None = None
    serve: bool = True
    manager: ServiceManager = SILENT
    durable: bool = True


REAL = Edges()
