"""Work off the loop: how a blocking question is put from a thread, and what a recurring job is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

T = TypeVar("T")


class Ask(Protocol):
    """Puts a blocking question from a thread, so that no look has to wait for the answer."""

    def __call__(self, question: Callable[[], T], /) -> Awaitable[T]:
        """Return what the question returns; raises what it raises."""


Job = Callable[[], Awaitable[None]]
