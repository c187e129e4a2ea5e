"""Splits an iCalendar file into events and their properties, as written.

We do this ourselves, because parsers reject a whole file for one bad block, and lose details such
as a `Z` beside a TZID. Source: RFC 5545.
"""

from __future__ import annotations

import hashlib
import io
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from schedules.patterns import quick
from schedules.source import Page, UnreadableCalendar
from schedules.sources.body import page_name, refuse_html

MOST_EVENTS = 250_000
_MOST_BLOCKS = 4  # with one TZID

_LINE_END = quick(rb"\r+\n?")
_FOLD = quick(rb"\n[ \t]")
# Programs write colons in a TZID without quotes: "tzone://Microsoft/Utc", "(UTC+00:00) London",
# "UTC+01:00".
_NAME = quick(
    r'(?P<name>[A-Za-z0-9-]+)(?P<params>(?:;[A-Za-z0-9-]+=(?:"[^"]*"|(?:[^;:"]|:(?=//|\d\d\))'
    r"|(?<=[+-]\d\d):(?=\d\d:))*))*):"
)
_PARAM = quick(
    r';([A-Za-z0-9-]+)=(?:"([^"]*)"|((?:[^;:"]|:(?=//|\d\d\))|(?<=[+-]\d\d):(?=\d\d(?:;|$)))*))'
)
# Not needed for announcements. In a large file they would fill the memory.
_UNUSED = frozenset(
    {"DTSTAMP", "CREATED", "LAST-MODIFIED", "TRANSP", "CLASS", "PRIORITY", "ATTENDEE", "ORGANIZER"}
)
_NOTES = frozenset({"DESCRIPTION", "X-ALT-DESC", "COMMENT", "CATEGORIES", "LOCATION"})
# Others could take hours to expand, such as one with a change each second.
_ZONE_RULE = quick(
    r"RRULE:(?:(?:FREQ=YEARLY|INTERVAL=1|BY(?:HOUR|MINUTE|SECOND)=\d\d?"
    r"|(?:BY(?:MONTH|DAY|MONTHDAY|SETPOS)|UNTIL|COUNT|WKST)=[^;]*)(?:;|$))*",
    re.IGNORECASE,
)
_NO_PARAMS: dict[str, str] = {}
# Programs also escape quotes and colons, which RFC 5545 does not.
_ESCAPED = quick(r"\\([\\;,:\"nN])")


@dataclass(frozen=True, slots=True)
class Property:
    """One content line, with parameter names in upper case and the value as written."""

    name: str
    value: str
    params: dict[str, str]

    def line(self) -> str:
        """Return the content line, unfolded."""
        params = "".join(f';{name}="{value}"' for name, value in self.params.items())
        return f"{self.name}{params}:{self.value}"


@dataclass(slots=True)
class RawEvent:
    """The properties of one VEVENT in file order, without those of alarms inside it."""

    properties: list[Property] = field(default_factory=list)

    def all(self, name: str) -> list[Property]:
        """Return every property of this name."""
        return [each for each in self.properties if each.name == name]

    def value(self, name: str) -> str:
        """Return the first value of this name without blanks around it, "" if there is none."""
        return next((each.value.strip() for each in self.properties if each.name == name), "")

    def texts(self, name: str) -> list[str]:
        """Return the values of this name without escapes."""
        return [
            _ESCAPED.sub(lambda match: "\n" if match[1] in "nN" else match[1], each.value.strip())
            for each in self.all(name)
        ]

    def text(self, name: str) -> str:
        """Return the first of `texts`, or ""."""
        return next(iter(self.texts(name)), "")

    def notes(self) -> tuple[str, ...]:
        """Return the texts in which people or programs say what happened to the event, besides
        `STATUS`: its description, place and categories, and a private status.
        """
        notes: list[str] = []
        for name in dict.fromkeys(each.name for each in self.properties):
            if name in _NOTES or (name.startswith("X-") and name.endswith("STATUS")):
                texts = self.texts(name)
                notes += ",".join(texts).split(",") if name == "CATEGORIES" else texts
        return tuple(notes)


@dataclass(frozen=True, slots=True)
class ZoneBlock:
    """A VTIMEZONE with a name made from its text.

    icalendar caches zones by name and for ever. With its own name, the zone of one file would be
    used for the next. `others` are further ones with the same TZID.
    """

    name: str
    text: str
    others: tuple[ZoneBlock, ...] = ()


@dataclass(slots=True)
class RawCalendar:
    """One VCALENDAR: its own properties, its events, and by TZID its time zone blocks with at most
    yearly rules.
    """

    properties: RawEvent = field(default_factory=RawEvent)
    events: list[RawEvent] = field(default_factory=list)
    zones: dict[str, ZoneBlock] = field(default_factory=dict)


def read_calendars(page: Page) -> list[RawCalendar]:
    """Return the calendars of a file.

    Raises `UnreadableCalendar` if it is cut short or not a calendar.
    """
    text = _decode_body(page)
    refuse_html(page, text, "iCalendar")
    if text.lstrip()[:15].upper() != "BEGIN:VCALENDAR":
        raise UnreadableCalendar(f"{page_name(page)}: does not begin with BEGIN:VCALENDAR")
    if text.rstrip()[-14:].lstrip().upper() != "END:VCALENDAR":
        count = sum(bool(line.strip()) for line in text.split("\n"))
        raise UnreadableCalendar(
            f"{page_name(page)}: line {count}: cut short, END:VCALENDAR is missing"
        )
    # One line at a time, because a list of all lines takes several times the memory of the file.
    lines = (line.removesuffix("\n") for line in io.StringIO(text, newline="\n") if line.strip())
    return _collect_calendars(lines, page)


def _decode_body(page: Page) -> str:
    """Return the text of a file with plain line ends and without folds.

    Raises `UnreadableCalendar` for binary data.
    """
    body = _LINE_END.sub(b"\n", page.body)
    if b"\0" in body:
        raise UnreadableCalendar(f"{page_name(page)}: contains NUL bytes, so it is not text")
    # Unfolded as bytes, because a fold may split a character.
    body = _FOLD.sub(b"", body)
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return body.decode("cp1252", errors="replace")


def _collect_calendars(lines: Iterator[str], page: Page) -> list[RawCalendar]:
    """Return the calendars of these lines.

    Raises `UnreadableCalendar` for more than `MOST_EVENTS` events.
    """
    calendars: list[RawCalendar] = []
    event_count = 0
    for line in lines:
        mark = line.strip().upper()
        if mark == "BEGIN:VCALENDAR":
            calendars.append(RawCalendar())
        elif mark == "BEGIN:VEVENT":
            event_count += 1
            if event_count > MOST_EVENTS:
                raise UnreadableCalendar(f"{page_name(page)}: more than {MOST_EVENTS} events")
            calendars[-1].events.append(_read_event(lines))
        elif mark == "BEGIN:VTIMEZONE":
            tzid, block = _read_block(line, lines, "VTIMEZONE")
            rules = (line for line in block if line.upper().startswith("RRULE"))
            if all(map(_ZONE_RULE.fullmatch, rules)):
                _add_zone(calendars[-1].zones, tzid, _make_zone_block(block))
        elif mark.startswith("BEGIN:"):
            _read_block(line, lines, mark[6:])  # skipped
        elif not mark.startswith("END:"):
            calendars[-1].properties.properties += _parse_line(line)
    return calendars


def _add_zone(zones: dict[str, ZoneBlock], tzid: str, block: ZoneBlock) -> None:
    """Add a block to those of its file. Files that were merged may have several with one TZID."""
    first = zones.setdefault(tzid, block)
    names = {first.name, *(each.name for each in first.others)}
    if block.name not in names and len(names) < _MOST_BLOCKS:
        zones[tzid] = replace(first, others=(*first.others, block))


def _read_event(lines: Iterator[str]) -> RawEvent:
    """Return the event whose lines come next, without the alarms inside it, which are skipped."""
    event = RawEvent()
    for line in lines:
        mark = line[:10].upper()
        if mark.startswith("END:VEVENT"):
            break
        if mark.startswith("BEGIN:"):
            _read_block(line, lines, line.strip()[6:].upper())  # skipped
        else:
            event.properties += _parse_line(line)
    return event


def _make_zone_block(lines: list[str]) -> ZoneBlock:
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    name = f"private-{digest[:16]}"
    own = (f"TZID:{name}" if line.upper().startswith("TZID") else line for line in lines)
    return ZoneBlock(name, "\r\n".join(own))


def _read_block(begin: str, lines: Iterator[str], name: str) -> tuple[str, list[str]]:
    """Return the TZID of a block ("" without one) and its lines, from `begin` to its end or that of
    the file.
    """
    block, tzid = [begin.strip()], ""
    for line in lines:
        block.append(line.strip())
        if line.upper().startswith("TZID"):
            tzid = _unescape_name(line.partition(":")[2].strip())
        if line.strip().upper() == f"END:{name}":
            break
    return tzid, block


def _unescape_name(text: str) -> str:
    """Return the name of a zone as its users write it: without the escapes of a text value."""
    return text.replace("\\", "")


def _parse_line(line: str) -> Iterator[Property]:
    """Yield the property of a content line, unless it is empty, not needed or not a property.

    Programs write an empty RRULE or EXDATE for an event that does not repeat.
    """
    name, colon, value = line.partition(":")
    if colon and name.isalpha():
        name = sys.intern(name.upper())
        if name not in _UNUSED and value.strip():
            yield Property(name, value, _NO_PARAMS)
        return
    match = _NAME.match(line)
    # Any other line is the rest of a text that was wrongly broken over lines.
    if match is None or not line[match.end() :].strip():
        return
    name = sys.intern(match["name"].upper())
    if name not in _UNUSED:
        params = {
            key.upper(): sys.intern(_unescape_name(quoted or plain))
            for key, quoted, plain in _PARAM.findall(match["params"])
        }
        yield Property(name, line[match.end() :], params)
