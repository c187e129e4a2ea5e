"""A store that is slow."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from monitor.clock import Clock
from monitor.errors import StoreFault
from monitor.store.interface import Store
from monitor.store.transaction import Transaction
from monitor.store.writer import Writer

T = TypeVar("T")


class SlowWriter(Writer):
    """A writer whose store takes so many seconds more until it writes, and until it says that it has committed."""

    slow_to_begin = 0.0
    is_away = is_asked = False

    def __init__(self, store: Store, clock: Clock, slow: float = 0.0) -> None:
        super().__init__(store, clock)
        self.slow = slow
        self.writes_at = clock.now()

    async def write(
        self,
        make: Callable[[Transaction], T],
        *,
        patient: bool = True,
        apart: bool = False,
        first: bool = False,
        of: str = "",
    ) -> T:
        """Write late, and learn of it late."""
        self.is_asked = True
        await self._clock.sleep(self.slow_to_begin)
        self.writes_at = self._clock.now()
        self.is_asked = False
        if self.is_away:
            raise StoreFault("the store is away")
        result = await super().write(make, patient=patient, apart=apart, first=first, of=of)
        await self._clock.sleep(self.slow)
        return result
