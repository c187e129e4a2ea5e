"""iCalendar files, also those that break RFC 5545 in the ways that producers do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import urljoin

from schedules.announcement import State
from schedules.dates.span import no_slot, on_days
from schedules.dates.status import read_status
from schedules.patterns import quick
from schedules.slot import Slot, first_day
from schedules.source import Page, Reading
from schedules.sources.body import OnePage, find_page
from schedules.sources.entries import make_announcements, make_reading
from schedules.sources.ics_lines import RawCalendar, RawEvent, read_calendars
from schedules.sources.ics_series import SearchBudget, SeriesRefused, expand_occurrences
from schedules.sources.ics_times import TimeSettings, event_slot, start_slot, zone_name
from schedules.sources.row import CalendarRow, clean_title, clean_url, make_uid
from schedules.times.zone import local_date

BACK, AHEAD = 400, 400  # days around the read in which series are expanded

_LINK = quick(r"https?://[^\s<>\"\\]+")
_ONS = "office for national statistics"


class IcsSource(OnePage):
    """A calendar as an iCalendar file.

    Options: `back` and `ahead`, days of series expanded around the read.
    """

    accept = "text/calendar, */*;q=0.1"

    def read(self, pages: Sequence[Page], now: datetime) -> Reading:
        """Return the events as announcements.

        Raises `UnreadableCalendar` for a file that is cut short.
        """
        budget = SearchBudget()
        calendars = read_calendars(find_page(pages, self._url))
        rows: list[CalendarRow] = []
        for calendar in calendars:
            rows += self._read_calendar(calendar, budget, now)
        made, remarks = make_announcements(rows, self._settings, now)
        return make_reading(made, remarks)

    def _read_calendar(
        self, calendar: RawCalendar, budget: SearchBudget, now: datetime
    ) -> Iterator[CalendarRow]:
        """Yield the events of one VCALENDAR. Changed occurrences of a series get their own uids."""
        properties = calendar.properties
        times = time_settings(calendar, self._settings.zone, now)
        is_ons = _ONS in properties.value("PRODID").casefold()
        name = properties.text("X-WR-CALNAME")
        is_cancelled = properties.value("METHOD").upper() == "CANCEL"
        for versions in group_by_uid(calendar.events).values():
            events = _keep_latest(versions, times)
            if any(event.all("RRULE") or event.all("RDATE") for event in events):
                rows = self._read_series(events, times, budget)
            else:
                rows = self._read_single(events, times)
            for row in rows:
                shown = row.with_note(name)
                if is_ons:
                    shown = _day_if_provisional(shown)
                if is_cancelled:
                    yield replace(shown, status="cancelled")
                else:
                    yield shown

    def _read_single(
        self, events: Sequence[RawEvent], times: TimeSettings
    ) -> Iterator[CalendarRow]:
        for event in events:
            row = self._make_row(event, event_slot(event, times))
            occurrence = event.value("RECURRENCE-ID")
            if occurrence:
                yield replace(row, uid=f"{row.uid}#{occurrence}")
            else:
                yield row

    def _read_series(
        self, events: Sequence[RawEvent], times: TimeSettings, budget: SearchBudget
    ) -> Iterator[CalendarRow]:
        """Yield a recurring event's occurrences around the day of the read.

        If the recurrence cannot be expanded, yield the event, with a doubt. `events` have one UID:
        one event has the rule, the others change single occurrences.
        """
        for event in events:
            if not event.all("DTSTART"):  # an override that changes only other properties
                event.properties += [
                    replace(each, name="DTSTART") for each in event.all("RECURRENCE-ID")
                ]
        rule_event = next(event for event in events if event.all("RRULE") or event.all("RDATE"))
        first = times.anchor - timedelta(days=self._settings.number("back", BACK))
        last = times.anchor + timedelta(days=self._settings.number("ahead", AHEAD))
        slot = event_slot(rule_event, times)
        series = self._make_row(rule_event, slot)
        try:
            occurrences = expand_occurrences(events, times, (first, last), budget)
        except SeriesRefused as refused:
            if refused.doubt == "series-refused":
                # The event's own time is that of the first occurrence, which may be long past. No
                # later one is known.
                slot = no_slot(slot.raw, "not-a-date", slot.timezone)
            yield replace(series, slot=replace(slot, doubt=refused.doubt))
            return
        uid = series.uid or make_uid(series.title, series.url, "", self._settings.producer)
        for occurrence in occurrences:
            yield replace(
                series,
                uid=f"{uid}#{occurrence.day.isoformat()}",
                title=occurrence.title or series.title,
                slot=occurrence.slot,
                status=occurrence.status,
                notes=occurrence.notes,
            )

    def _make_row(self, event: RawEvent, slot: Slot) -> CalendarRow:
        uid = event.value("UID")
        return CalendarRow(
            key=uid or event.text("SUMMARY"),
            uid=uid,
            title=clean_title(event.text("SUMMARY")),
            url=self._find_url(event, uid),
            status="; ".join(event.texts("STATUS")),
            slot=slot,
            notes=event.notes(),
        )

    def _find_url(self, event: RawEvent, uid: str) -> str:
        """Return the only link of an event, else the page if its UID is a path, else ""."""
        link_property = event.text(self._settings.options.get("link", "URL").upper())
        links = set(_LINK.findall(link_property)) or set(_LINK.findall(event.text("DESCRIPTION")))
        if len(links) == 1:
            return clean_url(links.pop().rstrip(".,;)"))
        if link_property:
            return clean_url(link_property.replace("\\", ""))
        # The ONS has such UIDs.
        if uid.startswith("/"):
            return clean_url(urljoin(self._url, uid))
        return ""


def group_by_uid(events: Sequence[RawEvent]) -> Mapping[object, list[RawEvent]]:
    """Return events by their UID. Each event without one is a group by itself."""
    found: dict[object, list[RawEvent]] = {}
    for number, event in enumerate(events):
        found.setdefault(event.value("UID") or number, []).append(event)
    return found


def time_settings(calendar: RawCalendar, timezone: str, now: datetime) -> TimeSettings:
    """Return the settings by which the times of one VCALENDAR are read."""
    named = calendar.properties.value("X-WR-TIMEZONE").strip('"')
    floating = zone_name(named)
    return TimeSettings(
        timezone,
        floating or timezone,
        calendar.zones,
        local_date(now, timezone),
        floating_tzid="" if floating else named,
    )


def _day_if_provisional(row: CalendarRow) -> CalendarRow:
    """Return an entry of the ONS without its time if it is provisional, because that has no
    meaning then.
    """
    slot = row.slot
    is_provisional = read_status(row.status).state is State.PROVISIONAL
    day = None
    if slot is not None and slot.instant is not None:
        day = first_day(slot)
    if slot is None or day is None or not is_provisional:
        return row
    return replace(row, slot=on_days(day, day, slot.raw, slot.timezone))


def _keep_latest(events: Sequence[RawEvent], times: TimeSettings) -> list[RawEvent]:
    """Return the events of one UID with the highest SEQUENCE (the latest version), for each
    occurrence separately.

    If several different events have the highest one, `drop_duplicates` later gives them a doubt.
    """
    numbered: list[tuple[object, int, RawEvent]] = []
    highest: dict[object, int] = {}
    for event in events:
        slots = (start_slot(each, times) for each in event.all("RECURRENCE-ID"))
        occurrence = next((slot.instant or slot.first or slot.raw for slot in slots), None)
        version = event.value("SEQUENCE")
        number = 0
        if version.isdecimal() and len(version) < 10:
            number = int(version)
        numbered.append((occurrence, number, event))
        highest[occurrence] = max(highest.get(occurrence, 0), number)
    return [event for occurrence, number, event in numbered if number == highest[occurrence]]
