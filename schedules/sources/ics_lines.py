"""An iCalendar file taken apart into its events' properties, as written.

Done here and not by a parser, because parsers lose the whole file over one bad block and drop what the source text
says (a `Z` beside a TZID). Source: RFC 5545 and `facts/calendars.md` §3.
"""

from __future__ import annotations

import hashlib
import io
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field

from schedules.patterns import quick
from schedules.source import Page, UnreadableCalendar
from schedules.sources.body import place, refuse_html

MOST_EVENTS = 250_000

_FOLD = quick(rb"\n[ \t]")
_NAME = quick(r'(?P<name>[A-Za-z0-9-]+)(?P<params>(?:;[A-Za-z0-9-]+=(?:"[^"]*"|[^;:"]*))*):')
_PARAM = quick(r';([A-Za-z0-9-]+)=(?:"([^"]*)"|([^;:"]*))')
# What no announcement is made of; with the rest of a large file it would fill the memory.
_UNUSED = frozenset({"DTSTAMP", "CREATED", "LAST-MODIFIED", "TRANSP", "CLASS", "PRIORITY", "ATTENDEE", "ORGANIZER"})
_NO_PARAMS: dict[str, str] = {}
_ESCAPED = quick(r"\\([\\;,nN])")


@dataclass(frozen=True, slots=True)
class Property:
    """One content line; parameter names in upper case, the value as written."""

    name: str
    value: str
    params: dict[str, str]

    def line(self) -> str:
        """Return the content line again, unfolded."""
        params = "".join(f';{name}="{value}"' for name, value in self.params.items())
        return f"{self.name}{params}:{self.value}"


@dataclass(slots=True)
class RawEvent:
    """The properties of one VEVENT in file order; those of alarms inside it left out."""

    properties: list[Property] = field(default_factory=list)

    def all(self, name: str) -> list[Property]:
        """Return every property of this name."""
        return [each for each in self.properties if each.name == name]

    def value(self, name: str) -> str:
        """Return the first value of this name, blanks stripped; "" when there is none."""
        return next((each.value.strip() for each in self.properties if each.name == name), "")

    def text(self, name: str) -> str:
        """Return the first value of this name without escapes, line ends as blanks."""
        return _ESCAPED.sub(lambda match: " " if match[1] in "nN" else match[1], self.value(name))


@dataclass(frozen=True, slots=True)
class ZoneBlock:
    """A VTIMEZONE under a name made from its text.

    icalendar keeps the zones it has met for ever and by name: under its own one, a file's zone would be used for
    the next file too.
    """

    name: str
    text: str


@dataclass(slots=True)
class RawCalendar:
    """One VCALENDAR: its own properties, its events, its time zone blocks by TZID."""

    properties: RawEvent = field(default_factory=RawEvent)
    events: list[RawEvent] = field(default_factory=list)
    zones: dict[str, ZoneBlock] = field(default_factory=dict)


def read_calendars(page: Page) -> list[RawCalendar]:
    """Take a file apart; raises `UnreadableCalendar` for one that is cut short or no calendar at all."""
    text = _text(page)
    refuse_html(page, text, "iCalendar")
    if text.lstrip()[:15].upper() != "BEGIN:VCALENDAR":
        raise UnreadableCalendar(f"{place(page)}: does not begin with BEGIN:VCALENDAR")
    if text.rstrip()[-14:].lstrip().upper() != "END:VCALENDAR":
        count = sum(bool(line.strip()) for line in text.split("\n"))
        raise UnreadableCalendar(f"{place(page)}: line {count}: cut short, END:VCALENDAR is missing")
    calendars: list[RawCalendar] = []
    # One line at a time: all of them at once weigh several times what the file does.
    _collect((line.removesuffix("\n") for line in io.StringIO(text, newline="\n") if line.strip()), calendars, page)
    return calendars


def _text(page: Page) -> str:
    body = page.body.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if b"\0" in body:
        raise UnreadableCalendar(f"{place(page)}: holds NUL bytes, so it is no text")
    # Unfolded as bytes: a fold may cut a character in two.
    body = _FOLD.sub(b"", body)
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return body.decode("cp1252", errors="replace")


def _collect(lines: Iterator[str], calendars: list[RawCalendar], page: Page) -> None:
    events = 0
    for line in lines:
        mark = line.strip().upper()
        if mark == "BEGIN:VCALENDAR":
            calendars.append(RawCalendar())
        elif mark == "BEGIN:VEVENT":
            events += 1
            if events > MOST_EVENTS:
                raise UnreadableCalendar(f"{place(page)}: more than {MOST_EVENTS} events")
            calendars[-1].events.append(_event(lines))
        elif mark == "BEGIN:VTIMEZONE":
            tzid, kept = _block(line, lines, "VTIMEZONE")
            calendars[-1].zones.setdefault(tzid, _zone_block(kept))
        elif mark.startswith("BEGIN:"):
            _block(line, lines, mark[6:])
        elif not mark.startswith("END:"):
            calendars[-1].properties.properties += _properties(line)


def _event(lines: Iterator[str]) -> RawEvent:
    event = RawEvent()
    for line in lines:
        mark = line[:10].upper()
        if mark.startswith("END:VEVENT"):
            break
        if mark.startswith("BEGIN:"):
            _block(line, lines, line.strip()[6:].upper())
        else:
            event.properties += _properties(line)
    return event


def _zone_block(lines: list[str]) -> ZoneBlock:
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    name = f"private-{digest[:16]}"
    own = (f"TZID:{name}" if line.upper().startswith("TZID") else line for line in lines)
    return ZoneBlock(name, "\r\n".join(own))


def _block(head: str, lines: Iterator[str], name: str) -> tuple[str, list[str]]:
    """Return the TZID and the lines of a block up to its end; the file's end closes it too."""
    kept, tzid = [head.strip()], ""
    for line in lines:
        kept.append(line.strip())
        if line.upper().startswith("TZID"):
            tzid = line.partition(":")[2].strip()
        if line.strip().upper() == f"END:{name}":
            break
    return tzid, kept


def _properties(line: str) -> Iterator[Property]:
    name, colon, value = line.partition(":")
    if colon and name.isalpha():
        name = sys.intern(name.upper())
        if name not in _UNUSED:
            yield Property(name, value, _NO_PARAMS)
        return
    match = _NAME.match(line)
    # A line that is no property is the rest of a text that was broken over lines.
    if match and (name := sys.intern(match["name"].upper())) not in _UNUSED:
        params = {key.upper(): sys.intern(quoted or plain) for key, quoted, plain in _PARAM.findall(match["params"])}
        yield Property(name, line[match.end() :], params)
