"""How an organ in the loop puts a blocking question."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

T = TypeVar("T")


class Ask(Protocol):
    """Puts a blocking question from a thread, so that no look has to wait for the answer."""

    def __call__(self, question: Callable[[], T], /) -> Awaitable[T]:
        """Return what the question returns; raises what it raises."""
