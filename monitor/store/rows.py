"""The rows of the store that have no class elsewhere, unlike releases, promises, runs, incidents
and notices.
"""

# Fields have the names of their columns. Old words among them stay, because stores have them:
# `gone` (removed), `standing` (status), `word` (verdict) and `words` (answers).

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from schedules.slot import Slot


@dataclass(frozen=True, slots=True)
class Judged:
    """The last verdict on a release: the columns for searching, and the complete verdict as JSON.

    `body` is the published JSON of one release. `slot` is the start of the slot, None if there is
    none.
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
    """A change of verdict, with the kind of verdict before and after."""

    id: str
    release: str
    at: datetime
    before: str
    after: str
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class CalendarRead:
    """One read of one calendar. If not `usable`, it changed no promise, and `fault` says why."""

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
    """A calendar's entry as it was last shown.

    It is stored so that entries can be joined again after a restart.

    `body` is the announcement as JSON, `release` its release. `gone` is when a usable read first
    did not show it.
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
    """The last promise for a release: its calendars and its slot."""

    release: str
    producer: str
    title: str
    calendars: tuple[str, ...]
    slot: Slot


@dataclass(frozen=True, slots=True)
class Draft:
    """One version of the draft of an incident.

    `facts` is the report model as JSON, filled from measurements. `words` are what people typed, by
    field id. `by` is the role that made this version. `digest` is the SHA-256 of facts and words
    together.
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
    """The status of a delivery.

    `covered` means that a digest was sent instead, which `reference` names.
    """

    WAITING = "waiting"
    SENT = "sent"
    COVERED = "covered"
    GIVEN_UP = "given_up"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One notice in one channel.

    `attempts` counts the attempts that were begun, whether or not they ended.
    """

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
    """The last successful read of a rota's calendar, with its `shifts` as JSON."""

    rota: str
    at: datetime
    shifts: str


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The last sign of life of a monitor, which was blind from then until its restart.

    `stopped`: it ended normally.
    """

    monitor: str
    at: datetime
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class Act:
    """What a person or program did: `what`, a word such as `acknowledged`, to the id `subject`.

    `account` identifies them for good. Published papers show only their `role`.
    """

    at: datetime
    account: str
    what: str
    subject: str
    role: str


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: the `account` identifies them for good, and published papers show their `role`.

    An account is `user:NAME` of the users file, `proxy:NAME`, `ISS SUB` of a provider,
    `token:NAME`, `link:CHANNEL` of a signed link, or `system:NAME` at the command line.
    """

    account: str
    role: str

    def act(self, what: str, subject: str, now: datetime) -> Act:
        """Return that they did `what` to `subject` at `now`."""
        return Act(now, self.account, what, subject, self.role)


CHANNEL_TESTED = "channel_tested"
"""The word of the act that a channel, its subject, accepted a test."""
NOBODY = Actor("", "")
"""Without a role, every act is refused."""


class SessionUse(StrEnum):
    """What the key of a session opens: every page, or only calendars and feeds by their address."""

    BROWSER = "browser"
    FEEDS = "feeds"


@dataclass(frozen=True, slots=True)
class StoredSession:
    """The sign-in of a person, found by the SHA-256 of its key. The key itself is not stored.

    `seen` is when it was last used, a quarter of an hour early at most. `ends` None: when someone
    ends it. `name` and `right` are those at sign-in, `client` is the address from then.
    `password_hash` is a hash of the person's line in the users file. Otherwise a provider sent
    `claim_values` of the claim `claim_source`, or a proxy vouches for the name.
    """

    key_hash: str
    account: str
    use: SessionUse
    began: datetime
    seen: datetime
    ends: datetime | None
    name: str
    right: str
    client: str = ""
    password_hash: str = ""
    claim_source: str = ""
    claim_values: tuple[str, ...] = ()


OFFLINE_MARK = "~"
"""Separates name and time in the monitor name of evidence that version 1.0.0rc1 kept after a start
without its store.
"""


@dataclass(frozen=True, slots=True)
class ShownPromises:
    """That a calendar still showed its newest promises for these releases at `at`.

    It is stored in the promises.
    """

    calendar: str
    at: datetime
    releases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ShownEntries:
    """That a calendar still showed these entries, by uid, at `at`. It is stored in the entries."""

    calendar: str
    at: datetime
    uids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Record:
    """Bytes that were kept as evidence, as a link in the chain of one monitor's records.

    `number` counts a monitor's records from 1 without gaps. `file` is a name in the evidence
    folder. `offset` and `length` locate the bytes in it, and `sha256` is their hash in hex. The
    bytes name target and address. `chain` is the SHA-256 over this record and the `chain` of the
    one before, so that a changed, lost or inserted record is detected. `expired` is when the bytes
    were deleted, which a later record of kind `given_up` records. A `length` of 0 means that the
    disk refused the bytes.
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
        """Return its id, which runs and people use."""
        return f"{self.monitor}-{self.number}"

    @property
    def is_lost(self) -> bool:
        """Return whether its bytes never reached the disk."""
        return self.length == 0


NAME_PREFIX = "monitor "
"""The start of the name of a lease on a monitor's name."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The exclusive right of one holder to a named thing (a monitor's name) until `until`."""

    name: str
    holder: str
    until: datetime


LEADER = "leader"
"""The key of the only row of its table."""


@dataclass(frozen=True, slots=True)
class Leader:
    """The monitor that leads until `until`, by the store's clock.

    `holder` is its process, empty after it has resigned. Each new leader has a higher `epoch`.
    """

    role: str
    holder: str
    monitor: str
    epoch: int
    since: datetime
    until: datetime
