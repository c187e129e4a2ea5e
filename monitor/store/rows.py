"""The rows of the store that have no class elsewhere."""

# Fields have the names of their columns. Old words among them stay, because stores have them:
# `gone` (removed), `standing` (status), `word` (verdict) and `words` (answers).

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from schedules.slot import Slot


@dataclass(frozen=True, slots=True)
class Judged:
    """The last verdict on a release: columns for searching, and the published JSON as `body`.

    `slot` is its start.
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
    """One read of one calendar. If it is not `usable`, `fault` says why."""

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
    """A calendar's entry as last shown, kept to join entries again after a restart.

    `body` is the announcement as JSON. `gone` is when a usable read first lacked it.
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
    """The last promise for a release."""

    release: str
    producer: str
    title: str
    calendars: tuple[str, ...]
    slot: Slot


@dataclass(frozen=True, slots=True)
class Draft:
    """One version of the draft of an incident.

    `facts` is the measured report model as JSON, `words` what people typed, by field id, `by` the
    role that made it, `digest` the SHA-256 of facts and words.
    """

    incident: str
    version: int
    at: datetime
    by: str
    form: str
    edition: str
    facts: dict[str, Any]
    words: dict[str, str]
    signed: datetime | None
    digest: str


class DeliveryState(StrEnum):
    """The status of a delivery. `covered`: a digest was sent instead, which `reference` names."""

    WAITING = "waiting"
    SENT = "sent"
    COVERED = "covered"
    GIVEN_UP = "given_up"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One notice in one channel. `attempts` counts those begun."""

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
    """The last sign of life of a monitor, blind from then on unless it `stopped` normally."""

    monitor: str
    at: datetime
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class Act:
    """What an account did: `what`, a word such as `acknowledged`, to the id `subject`."""

    at: datetime
    account: str
    what: str
    subject: str
    role: str


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: the `account` identifies them for good, and published papers show their `role`.

    An account is `user:NAME` of the users file, `proxy:NAME`, `ISS SUB` of a provider,
    `token:NAME`, `link:CHANNEL` of a signed link, or `system:NAME`.
    """

    account: str
    role: str

    def act(self, what: str, subject: str, now: datetime) -> Act:
        """Return that they did `what` to `subject` at `now`."""
        return Act(now, self.account, what, subject, self.role)


CHANNEL_TESTED = "channel_tested"
"""The act by which a channel, its subject, accepted a test."""
NOBODY = Actor("", "")
"""Without a role, every act is refused."""


class SessionUse(StrEnum):
    """What the key of a session opens: every page, or only calendars and feeds by their address."""

    BROWSER = "browser"
    FEEDS = "feeds"


@dataclass(frozen=True, slots=True)
class StoredSession:
    """The sign-in of a person, found by the SHA-256 of its key, which is not stored.

    `seen` is when it was last used, a quarter of an hour early at most. `ends` is None until
    someone ends it. `name`, `right` and `client` are those at sign-in. What vouches for it is the
    hash of the person's line in the users file, a provider's `claim_values` of `claim_source`, or a
    proxy.
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


@dataclass(frozen=True, slots=True)
class ShownPromises:
    """That a calendar still showed its newest promises for these releases at `at`."""

    calendar: str
    at: datetime
    releases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ShownEntries:
    """That a calendar still showed these entries at `at`."""

    calendar: str
    at: datetime
    uids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Record:
    """Bytes kept as evidence, as a link in the chain of one monitor's records.

    `number` counts these from 1 without gaps. `file` is in the evidence folder, `sha256` of its
    bytes in hex. `chain` is the SHA-256 over this record and the `chain` before, so that a changed,
    lost or inserted one is detected. `expired` is when the bytes were deleted, as a later record of
    kind `given_up` says. With a `length` of 0, the disk refused them.
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
"""Of the lease on a monitor's name."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The exclusive right of one holder to a named thing until `until`."""

    name: str
    holder: str
    until: datetime

    def has_run_out(self, now: datetime, within: timedelta) -> bool:
        """Return whether it ran out in the time `within` before `now`.

        A monitor that stops normally drops its lease.
        """
        return timedelta() <= now - self.until < within


LEADER = "leader"
"""The key of its table's only row."""


@dataclass(frozen=True, slots=True)
class Leader:
    """The monitor that leads until `until`, by the store's clock.

    `holder` is its process, empty once it has resigned. Each new leader has a higher `epoch`.
    """

    role: str
    holder: str
    monitor: str
    epoch: int
    since: datetime
    until: datetime
