"""iCalendar files, also those that break RFC 5545 in the ways that producers do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypedDict
from urllib.parse import urljoin

from schedules.announcement import Announcement, State
from schedules.called_off import CALLED_OFF, leading_state
from schedules.dates.read import assume_time
from schedules.dates.span import no_slot, on_days
from schedules.dates.status import DOUBT as STATUS_DOUBT
from schedules.dates.status import read_status
from schedules.patterns import quick
from schedules.slot import Slot, first_day
from schedules.source import Page, Reading
from schedules.sources.body import OnePage, find_page
from schedules.sources.ics_lines import RawCalendar, RawEvent, read_calendars
from schedules.sources.ics_series import SearchBudget, SeriesRefused, expand_occurrences
from schedules.sources.ics_times import TimeSettings, event_slot, zone_name
from schedules.sources.row import (
    REASONS,
    Remark,
    clean_title,
    clean_url,
    drop_duplicates,
    find_call_off,
    make_reading,
    make_uid,
    make_uids_unique,
)
from schedules.times.zone import local_date

BACK, AHEAD = 400, 400  # days around the read in which series are expanded

_LINK = quick(r"https?://[^\s<>\"\\]+")
_ONS = "office for national statistics"


@dataclass(frozen=True, slots=True)
class _CalendarContext:
    """What all events of one VCALENDAR share.

    `cancels_all`: its METHOD is that by which a publisher withdraws them.
    """

    times: TimeSettings
    cancels_all: bool
    is_ons: bool
    budget: SearchBudget


class _StatusFields(TypedDict):
    """The fields of an announcement that its status decides."""

    state: State | None
    doubt: str | None
    published: bool
    status: str


class IcsSource(OnePage):
    """A calendar as an iCalendar file.

    Options: `back` and `ahead`, days of series expanded around the read.
    """

    accept = "text/calendar, */*;q=0.1"

    def read(self, pages: Sequence[Page], now: datetime) -> Reading:
        """Return the events as announcements.

        Raises `UnreadableCalendar` for a file that is cut short.
        """
        made: list[Announcement] = []
        budget = SearchBudget()
        for calendar in read_calendars(find_page(pages, self._url)):
            made += self._announce_calendar(calendar, budget, now)
        # An event without a UID got one that is made of its title and address, so several events
        # can share that.
        uids_of_titles = [make_uid(each.title, each.url, "", each.producer) for each in made]
        without_uid = [index for index, uid in enumerate(uids_of_titles) if made[index].uid == uid]
        kept, remarks_on_duplicates = drop_duplicates(make_uids_unique(made, without_uid))
        faults = ((each, each.doubt or REASONS.get(each.slot.reason or "")) for each in kept)
        remarks = [Remark(each.uid, fault, each.slot.raw) for each, fault in faults if fault]
        return make_reading(kept, [*remarks, *remarks_on_duplicates], self._settings)

    def _announce_calendar(
        self, calendar: RawCalendar, budget: SearchBudget, now: datetime
    ) -> Iterator[Announcement]:
        """Yield the announcements of one VCALENDAR.

        Changed occurrences of a series get their own uids.
        """
        properties, times = calendar.properties, time_settings(calendar, self._settings.zone, now)
        is_ons = _ONS in properties.value("PRODID").casefold()
        context = _CalendarContext(
            times, properties.value("METHOD").upper() == "CANCEL", is_ons, budget
        )
        for events in group_by_uid(calendar.events).values():
            if any(event.all("RRULE") or event.all("RDATE") for event in events):
                yield from self._announce_series(events, context)
                continue
            for event in _keep_latest(events):
                occurrence = event.value("RECURRENCE-ID")
                made = self._make_announcement(event, event_slot(event, times), context)
                yield replace(made, uid=f"{made.uid}#{occurrence}") if occurrence else made

    def _announce_series(
        self, events: Sequence[RawEvent], context: _CalendarContext
    ) -> Iterator[Announcement]:
        """Yield the announcements of a recurring event's occurrences around the day of the read.

        If the recurrence cannot be expanded, yield one announcement of the event, with a doubt.
        `events` have one UID: one event has the rule, the others change single occurrences.
        """
        rule_event = next(event for event in events if event.all("RRULE") or event.all("RDATE"))
        times = context.times
        first = times.anchor - timedelta(days=self._settings.number("back", BACK))
        last = times.anchor + timedelta(days=self._settings.number("ahead", AHEAD))
        slot = event_slot(rule_event, times)
        try:
            occurrences = expand_occurrences(events, times, (first, last), context.budget)
        except SeriesRefused as refused:
            if refused.doubt == "series-refused":
                # The event's own time is that of the first occurrence, which may be long past. No
                # later one is known.
                slot = no_slot(slot.raw, "not-a-date", slot.timezone)
            yield self._make_announcement(rule_event, replace(slot, doubt=refused.doubt), context)
            return
        series = self._make_announcement(rule_event, slot, context)
        for occurrence in occurrences:
            yield replace(
                series,
                uid=f"{series.uid}#{occurrence.day.isoformat()}",
                title=clean_title(occurrence.title) or series.title,
                slot=assume_time(occurrence.slot, self._settings.default_time),
                **self._read_status(
                    occurrence.status, "", occurrence.slot, context, occurrence.notes
                ),
            )

    def _make_announcement(
        self, event: RawEvent, slot: Slot, context: _CalendarContext
    ) -> Announcement:
        """Return an event as an announcement of this slot."""
        title = clean_title(event.text("SUMMARY"))
        uid = event.value("UID")
        notes = event.texts("DESCRIPTION") + event.texts("COMMENT")
        notes += ",".join(event.texts("CATEGORIES")).split(",")
        status_text = "; ".join(event.texts("STATUS"))
        status = self._read_status(status_text, title, slot, context, notes)
        if context.is_ons and status["state"] is State.PROVISIONAL:
            # The time of a provisional ONS entry has no meaning.
            day = first_day(slot) if slot.instant else None
            slot = slot if day is None else on_days(day, day, slot.raw, slot.timezone)
        url = self._find_url(event, uid)
        return Announcement(
            uid=uid or make_uid(title, url, "", self._settings.producer),
            title=title,
            producer=self._settings.producer,
            url=url,
            slot=assume_time(slot, self._settings.default_time),
            **status,
        )

    def _read_status(
        self,
        text: str,
        title: str,
        slot: Slot,
        context: _CalendarContext,
        notes: Sequence[str],
    ) -> _StatusFields:
        """Return what the STATUS of an event means, or the first word of its title.

        A note that calls the event off makes that a doubt.
        """
        status = read_status(text, self._settings.stands)
        state = State.CANCELLED if context.cancels_all else status.state or leading_state(title)
        is_standing = status.is_understood and state not in CALLED_OFF
        note = find_call_off(notes, self._settings.stands) if is_standing else ""
        is_clear = status.is_understood and not note
        return {
            "state": state,
            "doubt": slot.doubt if is_clear else STATUS_DOUBT,
            "published": status.is_published,
            "status": note if is_standing else text,
        }

    def _find_url(self, event: RawEvent, uid: str) -> str:
        """Return the only link of an event, else the page if its UID is a path, else ""."""
        link_property = event.value(self._settings.options.get("link", "URL").upper())
        links = set(_LINK.findall(link_property)) or set(_LINK.findall(event.text("DESCRIPTION")))
        if len(links) == 1:
            return clean_url(links.pop().rstrip(".,;)"))
        # The ONS has such UIDs.
        return clean_url(urljoin(self._url, uid)) if uid.startswith("/") else ""


def group_by_uid(events: Sequence[RawEvent]) -> Mapping[object, list[RawEvent]]:
    """Return events by their UID. Each event without one is a group by itself."""
    found: dict[object, list[RawEvent]] = {}
    for number, event in enumerate(events):
        found.setdefault(event.value("UID") or number, []).append(event)
    return found


def time_settings(calendar: RawCalendar, timezone: str, now: datetime) -> TimeSettings:
    """Return the settings by which the times of one VCALENDAR are read."""
    floating = zone_name(calendar.properties.value("X-WR-TIMEZONE")) or timezone
    return TimeSettings(timezone, floating, calendar.zones, local_date(now, timezone))


def _keep_latest(events: Sequence[RawEvent]) -> list[RawEvent]:
    """Return the events of one UID with the highest SEQUENCE (the latest version), for each
    occurrence separately.

    If several different events have the highest one, `drop_duplicates` later gives them a doubt.
    """
    numbered: list[tuple[str, int, RawEvent]] = []
    highest: dict[str, int] = {}
    for event in events:
        occurrence, version = event.value("RECURRENCE-ID"), event.value("SEQUENCE")
        number = int(version) if version.isdecimal() and len(version) < 10 else 0
        numbered.append((occurrence, number, event))
        highest[occurrence] = max(highest.get(occurrence, 0), number)
    return [event for occurrence, number, event in numbered if number == highest[occurrence]]
