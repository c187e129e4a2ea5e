"""Reads who is on call from an iCalendar file: events whose titles name a role.

Nothing else of it is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from schedules.patterns import quick
from schedules.source import Page, UnreadableCalendar
from schedules.sources.body import find_page
from schedules.sources.ics import group_by_uid, time_settings
from schedules.sources.ics_lines import read_calendars
from schedules.sources.ics_series import SearchBudget, SeriesRefused, expand_spans
from schedules.sources.settings import CalendarSettings
from schedules.times.zone import local_date

Span = tuple[str, datetime, datetime]
"""A role ("" if a title names none that is known), and from when until when (aware UTC) it is on
call.
"""
AHEAD = timedelta(days=62)
_BACK = timedelta(days=1)
_WORD = quick(r"\w+")


def find_duties(
    settings: CalendarSettings, roles: Sequence[str], pages: Sequence[Page], now: datetime
) -> tuple[Span, ...]:
    """Return when each role is on call, from yesterday to two months ahead, ordered by begin.

    A role is looked for as whole words of a title, in any case. If several fit, the longest counts.
    An event that names none has the role "". Raises `UnreadableCalendar`, also if no event has one.
    """
    words_of_roles = [(role, _spaced_words(role)) for role in sorted(roles, key=len, reverse=True)]
    budget = SearchBudget()
    duties = set[Span]()
    window = local_date(now - _BACK, settings.zone), local_date(now + AHEAD, settings.zone)
    for calendar in read_calendars(find_page(pages, settings.address)):
        times = time_settings(calendar, settings.zone, now)
        for events in group_by_uid(calendar.events).values():
            try:
                occurrences = list(expand_spans(events, times, window, budget))
            except SeriesRefused as refused:
                raise UnreadableCalendar(
                    f"an event of the rota cannot be read: {refused.doubt}"
                ) from refused
            for title, begins, ends in occurrences:
                title_words = _spaced_words(title)
                # " duty statistician " is in " cpi duty statistician ": both have a blank at each
                # end.
                named = [role for role, words in words_of_roles if words in title_words]
                duties.add((named[0] if named else "", begins, ends))
    if not any(role for role, _, _ in duties):
        raise UnreadableCalendar(
            f"no event of the next {AHEAD.days} days names a role of this rota"
        )
    return tuple(sorted(duties, key=lambda duty: (duty[1], duty[2], duty[0])))


def _spaced_words(text: str) -> str:
    return f" {' '.join(_WORD.findall(text.casefold()))} "
