"""A store that is slow."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from monitor.clock import Clock
from monitor.store.interface import Store
from monitor.store.transaction import Transaction
from monitor.store.writer import Writer

T = TypeVar("T")


class SlowWriter(Writer):
    """A writer whose store takes so many seconds more until it says that it has committed."""

    def __init__(self, store: Store, clock: Clock, slow: float = 0.0) -> None:
        super().__init__(store, clock)
        self.slow = slow

    async def write(
        self,
        make: Callable[[Transaction], T],
        *,
        patient: bool = True,
        apart: bool = False,
        first: bool = False,
        of: str = "",
    ) -> T:
        """Write, and learn of it late."""
        result = await super().write(make, patient=patient, apart=apart, first=first, of=of)
        await self._clock.sleep(self.slow)
        return result
