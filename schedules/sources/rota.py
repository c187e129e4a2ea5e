"""Who is on call, from an iCalendar file: events whose titles name a role. No other word of it is kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from schedules.patterns import quick
from schedules.source import Page, UnreadableCalendar
from schedules.sources.body import OnePage, answered
from schedules.sources.ics import groups, https, times_of
from schedules.sources.ics_lines import read_calendars
from schedules.sources.ics_series import Patience, SeriesRefused, spans
from schedules.sources.options import SourceOptions
from schedules.times.zone import local_date

Span = tuple[str, datetime, datetime]
"""A role, empty where a title names none that is known, and from when until when (aware UTC) it is on call."""
AHEAD = timedelta(days=62)
_BACK = timedelta(days=1)
_WORD = quick(r"\w+")


class RotaSource(OnePage):
    """A rota as an iCalendar file, of which only events that name one of `roles` count."""

    accept = "text/calendar, */*;q=0.1"

    def __init__(self, options: SourceOptions, roles: Sequence[str]) -> None:
        """Know these roles, whole words of a title in either case; of several the longest that fits."""
        super().__init__(options)
        self._url = https(options.url)
        self._roles = [(role, _words(role)) for role in sorted(roles, key=len, reverse=True)]

    def read(self, pages: Sequence[Page], now: datetime) -> tuple[Span, ...]:
        """Return who is on call from yesterday until two months ahead; raises `UnreadableCalendar`, also for nobody."""
        timezone, patience, found = self._options.timezone, Patience(), set[Span]()
        window = local_date(now - _BACK, timezone), local_date(now + AHEAD, timezone)
        for calendar in read_calendars(answered(pages, self._url)):
            times = times_of(calendar, timezone, now)
            for events in groups(calendar.events).values():
                try:
                    on = list(spans(events, times, window, patience))
                except SeriesRefused as refused:
                    raise UnreadableCalendar(f"an event of the rota cannot be read: {refused.doubt}") from refused
                found.update((self._role(title), begins, ends) for title, begins, ends in on)
        if not any(role for role, _, _ in found):
            raise UnreadableCalendar(f"no event of the next {AHEAD.days} days names a role of this rota")
        return tuple(sorted(found, key=lambda one: (one[1], one[2], one[0])))

    def _role(self, title: str) -> str:
        words = _words(title)
        return next((role for role, named in self._roles if named in words), "")


def _words(text: str) -> str:
    return f" {' '.join(_WORD.findall(text.casefold()))} "
