"""A calendar that says what it was told to say: the fake behind the seam."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from schedules.source import Ask, Page, Reading, UnreadableCalendar

ADDRESS = "https://calendar.example/"


@dataclass(frozen=True, slots=True)
class ScriptedSource:
    """Answers with the last reading whose instant has come; None stands for a read that fails.

    `script` is in time order. A read before its first instant is unreadable too.
    """

    script: Sequence[tuple[datetime, Reading | None]]
    url: str = ADDRESS

    def first(self, now: datetime) -> Sequence[Ask]:  # noqa: ARG002  # of the seam
        """Ask for one page, whose content does not matter."""
        return (Ask(self.url),)

    def more(self, pages: Sequence[Page], now: datetime) -> Sequence[Ask]:  # noqa: ARG002  # of the seam
        """One page is all."""
        return ()

    def read(self, pages: Sequence[Page], now: datetime) -> Reading:
        """Return the scripted reading in force at `now`. Raises `UnreadableCalendar` where the script says so."""
        if not any(page.url == self.url and page.status == 200 for page in pages):
            raise UnreadableCalendar(f"{self.url}: no answer")
        told = [reading for at, reading in self.script if at <= now]
        if not told or told[-1] is None:
            raise UnreadableCalendar(f"{self.url}: scripted to be unreadable")
        return told[-1]
