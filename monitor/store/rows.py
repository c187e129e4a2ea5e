"""What the store keeps besides releases, promises, runs, incidents and notices."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from schedules.slot import Slot


@dataclass(frozen=True, slots=True)
class Judged:
    """The verdict on a release as last judged: the columns people search by, and the whole as JSON.

    `body` is the JSON of one release of the interface. `slot` is when the slot begins, None without one.
    """

    release: str
    producer: str
    slot: datetime | None
    word: str
    grade: str
    final: bool
    at: datetime
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Event:
    """A change of verdict: what it was and what it became."""

    id: str
    release: str
    at: datetime
    before: str
    after: str
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class CalendarRead:
    """One read of one calendar. `usable` False: nothing in force was changed by it, and `fault` says why."""

    calendar: str
    started: datetime
    finished: datetime
    usable: bool
    entries: int = 0
    digest: str = ""
    fault: str = ""
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Announced:
    """An announcement as last shown by a calendar, kept so that joins can be made again after a restart.

    `body` is the announcement as JSON and `release` what it was joined into; `gone` is the first usable read that no
    longer showed it.
    """

    calendar: str
    uid: str
    body: dict[str, Any]
    seen_first: datetime
    seen_last: datetime
    gone: datetime | None = None
    release: str = ""


@dataclass(frozen=True, slots=True)
class SeriesEdition:
    """What was last promised of a release: by which calendars, and for when."""

    release: str
    producer: str
    title: str
    calendars: tuple[str, ...]
    slot: Slot


@dataclass(frozen=True, slots=True)
class Draft:
    """One version of the draft of an incident.

    `facts` is the report model as JSON, filled from measurements; `words` are what people typed, by
    field id. `by` is the role that made this version; `digest` the SHA-256 of facts and words together.
    """

    incident: str
    version: int
    at: datetime
    by: str
    form: str
    edition: str
    facts: dict[str, Any]
    words: dict[str, str] = field(default_factory=dict)
    signed: datetime | None = None
    digest: str = ""


class DeliveryState(StrEnum):
    """Where a delivery stands. `covered`: a digest stands in its place, and `reference` names it."""

    WAITING = "waiting"
    SENT = "sent"
    COVERED = "covered"
    GIVEN_UP = "given_up"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One notice on its way through one channel. `attempts` counts those begun, finished or not."""

    notice: str
    channel: str
    standing: DeliveryState
    due: datetime
    attempts: int = 0
    began: datetime | None = None
    finished: datetime | None = None
    reason: str = ""
    reference: str = ""


@dataclass(frozen=True, slots=True)
class RotaRead:
    """What the calendar of a rota said when it was last read with success: `shifts` as JSON."""

    rota: str
    at: datetime
    shifts: str


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The last sign of life of a monitor, from which a restart learns how long it was blind.

    `stopped` is True when it stopped in good order.
    """

    monitor: str
    at: datetime
    stopped: bool = False


APART = "~"
"""What parts a monitor's name from the time at which it began without its store, in the name of its evidence."""


@dataclass(frozen=True, slots=True)
class Record:
    """Bytes that were kept as evidence, and their link in the chain of one monitor's records.

    `number` counts a monitor's records from 1 without gaps. `file` is a name in the evidence folder;
    `offset` and `length` are bytes in it, `sha256` is that of those bytes, in hex. The bytes name target
    and address. `chain` is the SHA-256 over this record and the `chain` of the one before, so that a
    record altered, lost or slipped in shows. `expired` is when the bytes were given up, as a later record of kind
    `given_up` says; with a `length` of nothing they could not be kept in the first place, since the disk refused them.
    """

    monitor: str
    number: int
    kind: str
    at: datetime
    file: str
    offset: int
    length: int
    sha256: str
    chain: str
    expired: datetime | None = None

    @property
    def id(self) -> str:
        """Return the name by which runs and people refer to it."""
        return f"{self.monitor}-{self.number}"

    @property
    def is_lost(self) -> bool:
        """Tell whether its bytes never reached the disk."""
        return self.length == 0


@dataclass(frozen=True, slots=True)
class Lease:
    """The right of one holder to a named thing (the outbox, a monitor's name) until an instant, exclusive.

    `since` is when its holder took it without having held it before, or having let it run out: what was decided under
    an earlier one binds nobody.
    """

    name: str
    holder: str
    until: datetime
    since: datetime | None = None
