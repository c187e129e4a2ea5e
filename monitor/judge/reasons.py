"""The English of verdicts: why one is unproven, and the details of findings.

The judge chooses a code and its facts.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from enum import Enum, unique
from functools import partial
from typing import Any

from monitor.plan.targets import View
from schedules.announcement import State
from schedules.ledger_event import EventKind
from schedules.patterns import quick
from schedules.promise import Promise
from schedules.slot import Precision, Slot
from schedules.times.interval import Bounds, Interval
from schedules.times.words import UNKNOWN, between_exactly, count, exactly, length, lengths
from schedules.times.zone import LONDON

Fact = datetime | Interval | Bounds | float | int | str | View | EventKind | Promise | None
# `{looks:look}` in a phrase, and a part of it in square brackets.
_FACT, _OPTIONAL = quick(r"{(\w+)(?::([^{}]*))?}"), quick(r"\[([^\[\]]*)\]")
_CHANGES = {
    EventKind.RE_DATED: "moved to another day",
    EventKind.TIME_CHANGED: "moved to another time",
}


@unique
class Reason(Enum):
    """The code of a reason or detail. Its value is the phrase, in which `{came}` is a fact.

    `{looks:look}` counts looks, `{causes:, }` joins a list. Text in square brackets is left out
    without its fact.
    """

    # Why a part is unproven.
    READ_AFTER_SLOT = "the slot was first read after it had passed"
    NO_READABLE_TIME = "no time was announced that could be read"
    NEVER_LOOKED_AT = "never looked at"
    NOTHING_PROVED = (
        "no look after {latest} proved anything[: {failed}][; last proved absent as of {absent}]"
    )
    PAGE_NOT_KNOWN = (
        "its page is not known: it is not at the address that was made from its announcement's, and"
        " may have come out at another[; as of {absent} it was at no address][; {lags}]"
    )
    PRESENT_FROM_THE_START = (
        "already answered as published at the first look that did not fail, at {look}: its"
        " appearance was not seen[; it changed {changed}]"
    )
    STAMPED_IN_TIME = (
        "not found until {found}, while the publisher's own stamp says that it was first published"
        " at {stamp}: its announcement and GOV.UK's search may have been behind"
    )
    PUBLISHED_UNSEEN = "published and removed {stay}, before any look saw it"
    VIEWS_DIFFER = (
        "one view answered as if published[ from its first look at {look} on], while another still"
        " proved absence"
    )
    NO_ABSENCE = "came {came}; no earlier look proved absence"
    MAY_HAVE_BEEN_EARLY = "came {came}; whether it was public before its slot is not known"
    EARLY_OR_ON_TIME = (
        "came {came}: no look in between shows whether it was early or on time[; {failed}][;"
        " {lags}]"
    )
    EARLY_OR_LATE = (
        "came {came}: no look in between shows whether it was early, on time or late[; {failed}][;"
        " {lags}]"
    )
    ON_TIME_OR_LATE = (
        "came {came}: on time or up to {late} late, not resolved[; {failed}][; {lags}]"
    )
    # What such a reason may contain.
    FAILED_LOOKS = "{looks:look} proved nothing ({reasons:, })"
    STILL_ANNOUNCED = "still announced {lag} after it was out"
    NOT_LISTED = "not listed {lag} after it was out"
    LONGER_LAGS = "that day another release was {lags:, and one }"
    # Why the promise is in doubt.
    READING = "{promise}, read {read}"
    CHANGED_BETWEEN_READS = (
        "its promise was changed between two reads: {promise}, last so {last}[; {changes:; }]"
    )
    NOT_READ_AGAIN = "{promise}, last read {last}: not read, or not shown there, again since"
    TAKEN_BACK = "{promise}, taken back by {since}, after it was public early"
    NOT_CONFIRMED = (
        "{promise}, last read {last}, {before} before: whether it was still in force is not known"
    )
    NO_LONGER_LISTED = (
        "{promise}, last shown {last}: {reads:read} of the calendar since {since} did not show it"
        "[ but “{text}”][. A new entry may replace it: “{titles:” and “}”]"
    )
    DISPUTED = (
        "{verdict} by one calendar and not by another, and it is not known which is right:"
        " {readings:; }"
    )
    READINGS = (
        "{promise}[, read from “{raw}”]: {doubt}[. It can mean {times: or }]. A person must say"
        " which time is right[. If {key} is true of all times of the calendar, set that key of it]"
    )
    NO_PROMISE = (
        "{promise}. Nothing is judged by this entry until a person knows whether it stands. If it"
        " does, add these words to `stands` of the calendar {calendar}"
    )
    BROUGHT_FORWARD = "{promise}: brought forward, read {read}"
    CALENDARS_DISAGREE = "{readings:; }: a person must say which binds"
    SHORT_NOTICE = (
        "{change} {days:day} ahead: read {read}[, after {since} which did not show it yet]"
        "[: “{text}”]"
    )
    UNANNOUNCED = "published, and no calendar we read announced it"
    # Findings about when a part was public.
    EXPOSED_NOW = "public before its slot: came {came}, not seen removed yet"
    EXPOSED_UNSEEN = "public before its slot: came and went {came}, removed (410) after"
    EXPOSED_UNTIL_SLOT = "public before its slot: came {came}, still public at the slot[; {remark}]"
    EXPOSED_UNTIL_REMOVED = "public before its slot: came {came}, removed {ended}"
    EXPOSED_UNTIL = "public before its slot: came {came}, ended {ended}: why is not known"
    NEVER_SEEN = "never seen until the watch was closed[, {delay} after the slot]"
    NOT_SEEN_YET = "not seen yet[, {delay} after the slot]"
    LATE = "came {came}[, {delay} after the slot][; {remark}]"
    ONE_HOUR = "one hour, as when a clock shows UTC in place of British summer time"
    PARTIAL = "late while other parts were out: {parts:, }"
    PLATFORM = "{number:release} of {producers:, } late together on {host}"
    ELSEWHERE_FIRST = (
        "first public at {url} {came}, {ahead} before the announced address[, {delay} after the"
        " slot]"
    )
    STALE_EDGE = "{view} showed it {came}; the edge did not show it for {hidden} longer"
    STALE_EDGE_AGAIN = (
        "{view} showed it {came}; the edge did not show it for {hidden}, having shown it before"
    )
    SPLIT_VIEW = "“{first}” got it {came}; “{other}” was served without it for {hidden} longer"
    # Findings about what was published.
    WRONG_PAGE = "{page}: seen {seen}"
    FILE_OF_OTHER_EDITION = "the file is of another edition, “{text}”: seen {seen}"
    FILE_OF_OTHER_SERIES = "the file bears the title of “{text}”: seen {seen}"
    FILE_MARKED = "the file bears a mark, “{text}”: seen {seen}"
    FILE_NAMES_PERSON = "the properties of the file name a person: seen {seen}"
    FILE_NOT_ACCESSIBLE = "not accessible to everyone, {text}: seen {seen}"
    SWAPPED = "its bytes changed {changed}"
    WITHDRAWN = "taken away {removed}[, back {back}]"
    MARKED_WITHDRAWN = "marked as withdrawn {removed}[, back {back}]"
    CORRECTED = "corrected or updated after its release: {fields:, }; seen {changed}"
    MOVED_ON = "{field} moved on to {new}"
    COUNTED_ON = "{field} went from {old} to {new}"
    # Findings about our own sight.
    LOOKS_PROVED_NOTHING = "{looks:look} proved nothing {span} ({causes:, })"
    BLIND = "{causes:, } for {seconds}, {span}"
    CLOCK_IN_DOUBT = "our clock was in doubt {span}"
    PARTS_CUT = "more than {most} parts are named: no more than {most} are watched"
    UNWATCHED = (
        "its slot had passed when it was first read, so that it is late cannot be proved from here;"
        " not out as of {absent}"
    )

    def text(self, zone: str = LONDON, **facts: Fact | tuple[Fact, ...]) -> str:
        """Return the phrase with its facts, without optional parts of unknown facts.

        A float is a length in seconds.
        """

        def keep_if_known(part: re.Match[str]) -> str:
            names = [name for name, _ in _FACT.findall(part[1])]
            if any(facts.get(name) in (None, ()) for name in names):
                return ""
            return part[1]

        phrase = _OPTIONAL.sub(keep_if_known, self.value)
        return _FACT.sub(
            lambda field: _write_fact(facts[field[1]], zone, unit=field[2] or ""), phrase
        )


def _write_fact(fact: Fact | tuple[Fact, ...], zone: str, unit: str = "") -> str:
    """Return a fact in English.

    `unit` is what a number counts, or the text between the items of a list.
    """
    writers: dict[type, Callable[[Any], str]] = {
        datetime: partial(exactly, timezone=zone),
        Interval: partial(between_exactly, timezone=zone),
        Bounds: lengths,
        float: length,
        int: partial(count, noun=unit) if unit else str,
        Promise: promise_text,
        # Only these two are named, as the views that showed what the edge still hid.
        View: lambda view: "the origin" if view is View.ORIGIN else "the content API",
        EventKind: lambda kind: _CHANGES.get(kind, kind.value),
        tuple: lambda items: unit.join(_write_fact(item, zone) for item in items),
        type(None): lambda _: UNKNOWN,
    }
    return writers.get(type(fact), str)(fact)


def slot_words(slot: Slot) -> str:
    """Return a slot in words: its local time, or its days together with the announced text if that
    is coarser.
    """
    if slot.instant is not None:
        return exactly(slot.instant, slot.timezone)
    if slot.first is None or slot.last is None:
        if slot.raw:
            return f"no readable time ({slot.raw})"
        return "no readable time"
    if slot.precision is Precision.DAY:
        return f"{slot.first:%a} {slot.first.day} {slot.first:%b %Y}, no time given"
    return (
        f"{slot.raw or slot.precision.value} ({slot.first.isoformat()} to {slot.last.isoformat()})"
    )


DOUBTS = {
    "ambiguous-time": "the clock shows that time twice on that day",
    "duplicate-date": "it shows two different dates",
    "duplicate-uid": "the calendar lists it more than once, with different times",
    "midnight": "00:00 is rarely the time of a release",
    "nonexistent-time": "the clock skips that time on that day",
    "order": "its day and month may be exchanged, as those of other entries are",
    "series-unreadable": "its rule of repetition cannot be read",
    "series-refused": "its rule of repetition is not one we read",
    "unreadable-date": "not all of its date can be read",
    "weekday": "its weekday and its date do not fit together",
    "zone": "its time zone is not certain",
    "zone-unknown": "its time zone is not known",
}
"""Why an announced time is in doubt, in words. The keys are the codes in the JSON."""


def promise_text(promise: Promise) -> str:
    """Return what a calendar announces for a release: `govuk says Fri 5 Jan 2018 09:30:00 GMT,
    provisional`.
    """
    slot = "cancelled"
    if promise.state is not State.CANCELLED:
        slot = slot_words(promise.slot)
    provisional = ", provisional" if promise.state is State.PROVISIONAL else ""
    quoted = f", “{promise.status}”" if promise.status else ""
    settled = ""
    if promise.settled is not None:
        settled = f" (read so from “{promise.slot.raw}” by the {promise.settled.by})"
    return f"{promise.calendar} says {slot}{provisional}{quoted}{settled}"
