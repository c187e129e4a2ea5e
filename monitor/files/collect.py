"""Collects the facts of one file while its reader goes through it."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from monitor.files.archive import Archive, local_name, text_of
from monitor.files.facts import FileFacts
from schedules.clean import clean_text
from schedules.patterns import quick

MOST_ROWS = 200
"""The most rows that are read of one sheet or table."""
MOST_COLUMNS = 100
MOST_TABLES = 12
_MOST_LINES = 1500
_LONGEST_LINE = 300
_HEADINGS_OF_TABLE = 4
_PROPERTIES = (
    "title",
    "creator",
    "initial-creator",
    "lastModifiedBy",
    "modified",
    "date",
    "contentStatus",
)
_PEOPLE = ("creator", "initial-creator", "lastModifiedBy")
_TIMES = ("modified", "date")
_DAY = quick(r"\d{4}-\d\d-\d\d")


@dataclass(slots=True)
class Collector:
    """The facts of a file so far. `_alone` are the lines without others in their row."""

    has_tracked_changes: bool = False
    is_tagged: bool | None = None
    modified: datetime | None = None
    latest: date | None = None
    status: str = ""
    _headings: list[str] = field(default_factory=list)
    _lines: list[str] = field(default_factory=list)
    _alone: list[str] = field(default_factory=list)
    _people: list[str] = field(default_factory=list)
    _headings_left: int = _HEADINGS_OF_TABLE

    def begin_table(self, name: str = "") -> None:
        """Begin a sheet, page or table, with its name if it has one."""
        self.add_margin(name)
        self._headings_left = _HEADINGS_OF_TABLE

    def add_row(self, texts: Iterable[str], *, has_others: bool = False) -> None:
        """Add the visible texts of a row, or a paragraph. The first ones of a table are headings.

        `has_others`: the row has other cells, such as numbers.
        """
        lines = [line for line in map(self.add_line, texts) if line]
        headings = lines[: self._headings_left]
        self._headings += headings
        self._headings_left -= len(headings)
        if len(lines) == 1 and not has_others:
            self._alone += lines

    def add_margin(self, text: str) -> None:
        """Add a text that stands outside of the table, such as a footer."""
        if line := self.add_line(text):
            self._alone.append(line)

    def add_heading(self, text: str) -> None:
        """Add a heading that consists of lines which are added already."""
        self._headings.append(clean_text(text, _LONGEST_LINE))

    def add_line(self, text: str) -> str:
        """Add a text that has no place of its own. Return it as it was added."""
        line = clean_text(text, _LONGEST_LINE)
        if line and len(self._lines) < _MOST_LINES:
            self._lines.append(line)
        return line

    def add_person(self, name: str) -> None:
        """Add an author, or who last changed the file."""
        if line := clean_text(name, _LONGEST_LINE):
            self._people.append(line)

    def add_day(self, day: date) -> None:
        """Add a day that a cell of the data has."""
        self.latest = day if self.latest is None else max(self.latest, day)

    def add_day_text(self, text: str) -> None:
        """Add a day that is written as `2017-11-30`. Any other text adds nothing."""
        if _DAY.fullmatch(text):
            with suppress(ValueError):
                self.add_day(date.fromisoformat(text))

    def read_properties(self, archive: Archive, part: str) -> None:
        """Add the properties that a document states about itself in this part."""
        for element in archive.elements(part, *_PROPERTIES):
            name, text = local_name(element), text_of(element)
            if name in _PEOPLE:
                self.add_person(text)
            elif name in _TIMES:
                self.modified = _read_time(text) or self.modified
            elif name == "contentStatus":
                self.status = clean_text(text, _LONGEST_LINE)
            else:
                self.add_margin(text)

    def facts(self) -> FileFacts:
        """Return the facts."""
        return FileFacts(
            headings=tuple(self._headings),
            lines=tuple(self._lines),
            alone=tuple(self._alone),
            people=tuple(dict.fromkeys(self._people)),
            modified=self.modified,
            latest=self.latest,
            status=self.status,
            has_tracked_changes=self.has_tracked_changes,
            is_tagged=self.is_tagged,
        )


def _read_time(text: str) -> datetime | None:
    """Return the time of a property, None if it is not readable. Without a zone it is in UTC."""
    try:
        time = datetime.fromisoformat(text)
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
