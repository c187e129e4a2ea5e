"""What a reader returns of a file, and the signs of a fault that are kept of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from schedules.contract.verdict import FindingKind


class UnreadableFile(Exception):
    """The only exception of a reader: the file is damaged, encrypted or of another kind."""


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What was read inside a file.

    `headings` are the first lines of each sheet or table, and of the first page of a PDF. `lines`
    are the visible text in its order, with names of sheets, headers and footers. Those in `alone`
    have no other text beside them. None of them is complete for a large file. `people` are its
    author and who last changed it, as its properties state them. `modified` is when that was.
    `latest` is the latest day in a cell. `status` is the property of that name, such as "Draft".
    Only a PDF has `is_tagged`. `fault` is the reason if nothing was read.
    """

    headings: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    alone: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    modified: datetime | None = None
    latest: date | None = None
    status: str = ""
    has_tracked_changes: bool = False
    is_tagged: bool | None = None
    fault: str = ""


@dataclass(frozen=True, slots=True)
class FileSign:
    """One sign of a fault inside a file.

    `text` names the other edition's period, the other release, the mark, or the person.
    """

    kind: FindingKind
    text: str = ""


@dataclass(frozen=True, slots=True)
class NotRead:
    """Why nothing was read inside a file, so that no one takes it for one without faults."""

    reason: str
