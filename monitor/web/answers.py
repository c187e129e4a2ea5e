"""What the API answers: a model an object, which tests hold answers against; what old stores lack is not required."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from alerts import incident
from alerts.finding import Ended
from alerts.silence import Scope
from monitor.judge import verdict
from monitor.judge.policy import Grade
from monitor.judge.verdict import VerdictKind
from schedules.announcement import Address, Origin, Role
from schedules.slot import Precision

Instant = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
FindingKind = Annotated[verdict.Kind, WithJsonSchema({"type": "string", "enum": [*verdict.Kind]})]
IncidentKind = Annotated[incident.Kind, WithJsonSchema({"type": "string", "enum": [*incident.Kind]})]
Next = Annotated[str | None, Field(description="What to give as `after` for the next page; null: there is none.")]


class Answer(BaseModel):
    """An object of an answer."""

    model_config = ConfigDict(frozen=True)


class Interval(Answer):
    """When something happened: not before `after`, by `by` at the latest; null where that is not known."""

    after: Instant | None
    by: Instant | None


class Bounds(Answer):
    """A length in seconds, between two bounds."""

    min: float | None
    max: float | None


class Slot(Answer):
    """When a release is promised, by which calendar, and since when; `end` is when a slot without a time has passed."""

    start: Instant | None
    precision: Precision
    timezone: str
    announced: Instant | None
    source: str | None
    end: Instant | None = None
    raw: str = ""
    doubt: str | None = None


class Exposure(Answer):
    """A span in which a part was out before its slot; `open`: it lasts, `ended` is why it does not."""

    part: str
    begins: Interval = Field(alias="from")
    to: Interval
    seconds: Bounds | None
    open: bool
    ended: Ended | None = None


class Measured(Answer):
    """What was measured of a release's landing page or of a part.

    `released` is when what stayed came out, `delay` from the slot to first seen: negative when early, growing while
    overdue. `users_delay` is the same until users could get it, caches included. `early_bound` is how many seconds
    before the slot absence was last proved.
    """

    id: str
    url: str
    verdict: VerdictKind
    first_seen: Interval
    released: Interval | None = None
    delay: Bounds | None
    users_delay: Bounds | None = None
    early_bound: float | None = None
    exposures: list[Exposure]
    unproven_because: str | None = None


class Part(Measured):
    """A page or file of a release, how it is known, and whether the verdict on the release waits for it."""

    role: Role
    origin: Origin | None = None
    required: bool


class IncidentFinding(Answer):
    """One thing that the evidence shows; its `detail` in words is empty for whoever may not read them."""

    kind: str
    part: str | None
    detail: str


class Finding(IncidentFinding):
    """One thing that the evidence shows, with its length; its `detail` is empty for whoever may not read it."""

    kind: FindingKind
    seconds: Bounds | None


class Code(Answer):
    """The edition of the Code of Practice in force, and the practice that the findings call for."""

    edition: str
    practice: str | None


class BroughtForward(Answer):
    """A decision to bring a release forward, as a role recorded it."""

    to: Instant
    by: str | None


class Due(Answer):
    """A part whose slot has passed without a verdict: for how long, and what the last looks got."""

    part: str
    seconds: float
    got: str
    looks: int


class Elsewhere(Answer):
    """A span in which an alternative address had the release; `to` is empty while it is still there."""

    part: str
    url: str
    begins: Interval = Field(alias="from")
    to: Interval


class Release(Measured):
    """A release: its promise, its verdict, and what was measured of its landing page and parts.

    `producers` are all organisations of its announcement; `url` is empty for whoever may not know it yet, `address` how
    it is known. `available_elsewhere` are the alternatives that were public, first one first. `final`: nothing more
    will be measured. `due` is null unless its slot passed and it has no verdict yet. `promise_confirmed` is when a
    calendar last bore its slot out, `at` as of when this is so. `joined_into` stands only where it belongs to another
    release by now.
    """

    title: str
    producer: str
    producers: list[str] = []
    calendar: list[str]
    address: Address | None = None
    slot: Slot | None
    grade: Grade
    final: bool
    parts: list[Part]
    findings: list[Finding]
    code: Code | None
    incident: str | None
    available_elsewhere: list[Elsewhere] = []
    due: Due | None = None
    promise_confirmed: Instant | None = None
    at: Instant | None = None
    brought_forward: BroughtForward | None = None
    joined_into: str | None = None


class Releases(Answer):
    """Releases in the order of their slots, and the days that were asked for."""

    releases: list[Release]
    first: str = Field(alias="from")
    to: str
    next: Next


class Acknowledged(Answer):
    """A role, and since when it has an incident."""

    at: Instant
    by: str


class Entry(Acknowledged):
    """A line of the account of what happened, by a role or the monitor."""

    text: str


class LinkedRelease(Answer):
    """A release that one fault of a platform held up, with its own incident, and how it stands."""

    incident: str
    release: str
    producers: list[str]
    stands: str


class Draft(Answer):
    """One version of a draft, with the edition of the Code and the SHA-256 of what was measured and written."""

    version: int
    at: Instant
    by: str
    form: str
    edition: str
    signed: Instant | None
    digest: str


class ListedIncident(Answer):
    """An incident; `verdict`, `delay` and `findings` are as of `as_of`, `ended` and `urls` as people logged them.

    `release` is the id of its release, empty for none; `releases` are those that one fault of a platform held up.
    """

    id: str
    kind: IncidentKind
    release: str
    producer: str
    producers: list[str]
    title: str
    opened: Instant
    occurred: Instant
    ended: Instant | None
    closed: Instant | None
    urls: list[str]
    grade: Grade
    releases: list[LinkedRelease]
    report_owed: bool
    acknowledged: Acknowledged | None
    assigned: str | None
    verdict: str | None
    delay: Bounds | None
    as_of: Instant | None
    findings: list[IncidentFinding]
    timeline: list[Entry]
    actions: list[incident.Action]


class Incident(ListedIncident):
    """An incident with the versions of its draft, and the ids of those that the same fault of a platform made."""

    drafts: list[Draft]
    related: list[str] = []


class Incidents(Answer):
    """Incidents, the newest first."""

    incidents: list[ListedIncident]
    next: Next


class Event(Answer):
    """A change of verdict, and the release as it stood then; `before` is null for the first."""

    id: str
    release: str
    at: Instant
    before: str | None
    after: str
    body: Release


class Events(Answer):
    """Changes of verdicts, the oldest first."""

    events: list[Event]
    next: Next


class Calendar(Answer):
    """A calendar: its last usable read with its entries, and its last read with what was wrong."""

    name: str
    last_usable_read: Instant | None
    entries: int | None
    last_read: Instant | None
    fault: str | None


class Read(Answer):
    """One read of a calendar, with the SHA-256 of its answer."""

    calendar: str
    started: Instant
    finished: Instant
    usable: bool
    entries: int
    digest: str
    fault: str | None


class Calendars(Answer):
    """Every calendar, and the last reads of all, the newest first."""

    calendars: list[Calendar]
    reads: list[Read]


class Silence(Answer):
    """Messages held back; `by` and `ended_by` are roles."""

    id: str
    of: Scope
    name: str
    begins: Instant
    until: Instant
    by: str
    reason: str
    ended: Instant | None
    ended_by: str


class Silences(Answer):
    """The silences that hold messages back now."""

    silences: list[Silence]


class Given(Answer):
    """What a role wrote into a box."""

    text: str
    by: str
    at: Instant | None


class Box(Answer):
    """A question of the form: what was `measured` or configured for it, and the `answer` that a role wrote.

    `placeholder` says what is to be added, empty for nothing; `notes` are warnings of the monitor about it.
    """

    id: str
    section: str
    label: str | None
    required: bool
    measured: list[str]
    placeholder: str
    guidance: list[str]
    notes: list[str]
    answer: Given | None


class Step(Answer):
    """One thing to do at once, `within` how long, and what was written when it was done, empty until then."""

    id: str
    text: str
    within: str
    done: str


class Form(Answer):
    """The newest version of the draft of an incident as a form; `kept` are words for which it has no box, by name."""

    incident: str
    version: int
    form: str
    signed: Instant | None
    boxes: list[Box]
    steps: list[Step]
    kept: dict[str, str]


class Clashing(Answer):
    """A box into which somebody else wrote meanwhile: what stands there, and what was sent."""

    box: str
    stood: str
    sent: str


class Problem(Answer):
    """Why there is no answer (RFC 9457): the status with its words, and one line for a person.

    `conflicts` are there only where answers were written to a version that is no longer the newest.
    """

    type: Literal["about:blank"]
    title: str
    status: int
    detail: str
    conflicts: list[Clashing] | None = None
