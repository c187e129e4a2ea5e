"""A source's work on answers as plain functions, for a process of its own: what a source remembers goes in and out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from schedules.source import Ask, CalendarSource, Page, Reading, UnreadableCalendar


@runtime_checkable
class Keeping(Protocol):
    """A source that remembers something between two reads."""

    def kept(self) -> object:
        """Return what it remembers, as plain facts."""

    def keep(self, kept: Any) -> None:  # noqa: ANN401  # its own
        """Remember what `kept` returned, in another process perhaps."""


def more(source: CalendarSource, pages: Sequence[Page], now: datetime) -> tuple[tuple[Ask, ...], object]:
    """Return what else a source asks for, and what it remembers then."""
    asks = tuple(source.more(pages, now))
    return asks, kept(source)


def read(source: CalendarSource, pages: Sequence[Page], now: datetime) -> tuple[Reading | str, object]:
    """Return what a source reads, or in one line why it cannot, and what it remembers then."""
    try:
        return source.read(pages, now), kept(source)
    except UnreadableCalendar as exc:
        return str(exc), kept(source)


def kept(source: CalendarSource) -> object:
    """Return what a source remembers, None for one that remembers nothing."""
    return source.kept() if isinstance(source, Keeping) else None
