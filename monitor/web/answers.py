"""Models of the objects in API answers.

Tests compare answers with them. Fields that old stores lack are optional.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from alerts import incident
from alerts.silence import Scope
from alerts.ticks import Tick
from monitor.readiness.line import Area, Readiness
from schedules.announcement import Address, Origin, Role
from schedules.contract.verdict import Ended, FindingKind, Grade, VerdictKind
from schedules.slot import Precision

Instant = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
FindingKindJson = Annotated[FindingKind, WithJsonSchema({"type": "string", "enum": [*FindingKind]})]
IncidentKindJson = Annotated[
    incident.IncidentKind, WithJsonSchema({"type": "string", "enum": [*incident.IncidentKind]})
]
Next = Annotated[
    str | None,
    Field(description="The value of `after` for the next page; null if this is the last one."),
]


class Answer(BaseModel):
    """An object of an answer."""

    model_config = ConfigDict(frozen=True)


class Interval(Answer):
    """When something happened: not before `after` and not later than `by`.

    Null if a bound is not known.
    """

    after: Instant | None
    by: Instant | None


class Bounds(Answer):
    """A length in seconds, between two bounds."""

    min: float | None
    max: float | None


class Settled(Answer):
    """Who said which time a calendar's text means (a role), when, and which it could mean."""

    by: str
    at: Instant
    readings: list[Instant]


class Slot(Answer):
    """The promised time of a release, and the calendar that announced it.

    `end` is when a slot without time passes. `readings` are the times that a doubtful text can
    mean, or the one that a person chose.
    """

    start: Instant | None
    precision: Precision
    timezone: str
    announced: Instant | None
    source: str | None
    end: Instant | None = None
    raw: str = ""
    doubt: str | None = None
    readings: list[str] = []
    settled: Settled | None = None


class Exposure(Answer):
    """A span in which a part was public before its slot.

    `open`: it still is; `ended` is why it no longer is.
    """

    part: str
    begins: Interval = Field(alias="from")
    to: Interval
    seconds: Bounds | None
    open: bool
    ended: Ended | None = None


class Measured(Answer):
    """The measurements of a release's landing page or of a part.

    `released` is when the content came out that stayed. `delay` is from the slot to first seen:
    negative if early, and growing while overdue. `users_delay` also includes the time in caches.
    `early_bound` is how many seconds before the slot absence was last proved.
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
    """A page or file of a release, how it was found, and whether the verdict on the release
    requires it.
    """

    role: Role
    origin: Origin | None = None
    required: bool


class IncidentFinding(Answer):
    """One fact that the evidence shows. `detail` is empty for viewers who may not read it."""

    kind: str
    part: str | None
    detail: str


class Finding(IncidentFinding):
    """One fact that the evidence shows, with its length."""

    kind: FindingKindJson
    seconds: Bounds | None


class Code(Answer):
    """The edition of the Code of Practice in force, and the practice that applies to the
    findings.
    """

    edition: str
    practice: str | None


class BroughtForward(Answer):
    """A decision to bring a release forward, as a role recorded it."""

    to: Instant
    by: str | None


class Due(Answer):
    """A part whose slot has passed without a verdict: for how long, and the result of the last
    looks.
    """

    part: str
    seconds: float
    got: str
    looks: int


class Elsewhere(Answer):
    """A span in which an alternative address had the release. `to` is empty while it still has
    it.
    """

    part: str
    url: str
    begins: Interval = Field(alias="from")
    to: Interval


class Release(Measured):
    """A release: its promise, its verdict, and what was measured of its landing page and parts.

    `producers` are all organisations of its announcement. `url` is empty for viewers who may not
    know it yet, and `address` says how it is known. `available_elsewhere` lists the alternatives
    that were public, the first one first. `final`: the measurement is complete. `due` is null
    unless its slot has passed without a verdict. `promise_confirmed` is when a calendar last
    confirmed its slot. `at` is the time of this state. `joined_into` is present only if it now
    belongs to another release.
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
    """Releases in the order of their slots, and the days of the query."""

    releases: list[Release]
    first: str = Field(alias="from")
    to: str
    next: Next


class Acknowledged(Answer):
    """The role that acknowledged an incident, and when."""

    at: Instant
    by: str


class ExplainedRelease(Release):
    """A release with the facts behind its verdict, and what would change it."""

    explanation: dict[str, object]


class History(Answer):
    """The promises of a release, the changes between them, and what the public record claims.

    `promised` is a slot in words.
    """

    release: str
    title: str
    producer: str
    url: str
    calendar: list[str]
    joined_by: str | None
    joined_into: str | None
    promises: list[dict[str, object]]
    events: list[dict[str, object]]
    claims: list[dict[str, object]]
    incidents: list[str]


class Status(Answer):
    """The reasons why the monitor is not reliable now, and its checks under their headings."""

    unready: list[str]
    status: dict[str, dict[str, str]]


class ChannelTest(Answer):
    """Whether a channel accepted a test notice, with its own `reference`, or why not.

    If that is `permanent`, no retry can help.
    """

    channel: str
    accepted: bool
    reference: str | None
    reason: str | None
    permanent: bool


class Claim(Answer):
    """What a public record, found at `source`, says of one publication. It is `new` if it was not
    kept before.
    """

    claimed: Literal[True]
    producer: str
    title: str
    url: str
    slot: Instant | None
    slot_source: str | None
    first_published: Instant
    source: str
    read: Instant
    new: bool


class Reloaded(Answer):
    """Whether the configuration was taken, or the faults for which it was not."""

    taken: bool
    faults: list[str]


class LinkedRelease(Answer):
    """A release that the same platform fault delayed, with its own incident and its status."""

    incident: str
    release: str
    producers: list[str]
    stands: str


class Draft(Answer):
    """One version of a draft, with the edition of the Code and the SHA-256 of its facts and
    texts.
    """

    version: int
    at: Instant
    by: str
    form: str
    edition: str
    signed: Instant | None
    digest: str


class Attachment(Answer):
    """A file that a role attached, such as the report that was sent."""

    name: str
    at: Instant
    by: str
    sha256: str


class ListedIncident(Answer):
    """An incident.

    `verdict`, `delay` and `findings` are as of `as_of`; people log `ended` and `urls`.

    `has_time` is false if only the day of `occurred` is known.

    `release` is the id of its release, empty if it has none. `releases` are those that one platform
    fault delayed. `to_do` is what to do now, for staff who read its drafts too.
    """

    id: str
    kind: IncidentKindJson
    release: str
    producer: str
    producers: list[str]
    title: str
    opened: Instant
    occurred: Instant
    has_time: bool
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
    timeline: list[incident.Entry]
    actions: list[incident.Action]
    attachments: list[Attachment]
    to_do: list[str] = []


class Act(Answer):
    """What an account did, and in which role."""

    at: Instant
    account: str
    role: str
    what: str


class Acts(Answer):
    """What accounts did to an incident."""

    acts: list[Act]


class OpenBox(Answer):
    """A box that a person must still complete."""

    id: str
    label: str | None


class Incident(ListedIncident):
    """An incident with the versions of its draft, and the ids of incidents that the same platform
    fault explains.

    The answer to logging one has `is_new`: false if the same texts came before. Staff who read one
    incident get the `words` that people typed, and the boxes `to_complete`.
    """

    drafts: list[Draft]
    related: list[str] = []
    is_new: bool | None = None
    words: dict[str, str] = {}
    to_complete: list[OpenBox] = []


class IncidentWithDrafts(ListedIncident):
    """An incident in a list, with the versions of its draft if they were requested."""

    drafts: list[Draft] | None = None


class Incidents(Answer):
    """Incidents, the newest first."""

    incidents: list[IncidentWithDrafts]
    next: Next


class ListedAction(incident.Action):
    """An action, its incident and its number there."""

    incident: str
    number: int
    overdue: bool


class Actions(Answer):
    """Actions, the first due first."""

    actions: list[ListedAction]


class Version(Draft):
    """One version of a draft, and the boxes that changed in it."""

    changed: list[OpenBox]


class Versions(Answer):
    """The versions of a draft, the oldest first."""

    versions: list[Version]


class WholeVersion(Draft):
    """One version of a draft with the facts of the report, and the texts that roles typed, by
    box.
    """

    report: dict[str, object]
    words: dict[str, str]


class Producer(Answer):
    """A producer: its id and its name for people."""

    id: str
    name: str


class Producers(Answer):
    """Producers."""

    producers: list[Producer]


class Event(Answer):
    """A change of verdict, and the release at that time. `before` is null for the first verdict."""

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
    """A calendar: its last usable read with the number of entries, and its last read with its
    fault.
    """

    name: str
    last_usable_read: Instant | None
    entries: int | None
    last_read: Instant | None
    fault: str | None


class Entries(Answer):
    """The announcements of a calendar, as `calendar read` prints them."""

    entries: list[dict[str, object]]


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


class ReadinessLine(Answer):
    """The result of one check. `release` is empty if it is about what several releases share.

    `todo` is empty if it is ready.
    """

    area: Area
    check: str
    subject: str
    release: str
    state: Readiness
    reason: str
    todo: str


class Assessment(Answer):
    """Whether everything is ready for the slots from `from` to before `to` that are ahead.

    It is `ready` if no line is not ready.
    """

    begin: Instant = Field(alias="from")
    to: Instant
    at: Instant
    slots: list[Instant]
    ready: bool
    lines: list[ReadinessLine]


class Addition(Answer):
    """A release that a person added, or an address of one if it has a `part`.

    `entry` is the id of its entry in the calendar. `of` is the release of another calendar to which
    an address was added, or empty.
    """

    entry: str
    part: str
    title: str
    url: str
    reason: str
    of: str


class Additions(Answer):
    """What people added by hand and did not remove, the newest first.

    `release` is that of an addition just made. It is empty until a monitor has read the calendar.
    """

    additions: list[Addition]
    release: str = ""


class Ticked(Answer):
    """What an account ticked, and in which role.

    `scheduled_otherwise`: the publishing tool has another time than the announced one.
    """

    tick: Tick
    at: Instant
    account: str
    role: str


class Ticks(Answer):
    """What was ticked about a release, in time order."""

    ticks: list[Ticked]


class OnCall(Answer):
    """The `roles` of a rota that are on call now, and in `words` also until when, and who is
    next.
    """

    rota: str
    roles: list[str]
    words: str


class Rotas(Answer):
    """Who is on call."""

    rotas: list[OnCall]


class Silence(Answer):
    """A rule that mutes messages. `by` and `ended_by` are roles."""

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
    """The current silences."""

    silences: list[Silence]


class Given(Answer):
    """The text that a role wrote into a box."""

    text: str
    by: str
    at: Instant | None


class Box(Answer):
    """A question of the form, its `measured` or configured values, and the `answer` that a role
    wrote.

    `placeholder` says what to add, empty if nothing is missing. `notes` are warnings of the
    monitor. `unmeasured` are figures of the answer that are not in the measured text.
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
    filled_by: str
    standing: Literal["contested", "said", "filled", "to complete"]
    unmeasured: list[str]


class Step(Answer):
    """One immediate step, its time limit `within`, and the text that was written when it was done,
    empty until then.
    """

    id: str
    text: str
    within: str
    done: str


class Clashing(Answer):
    """A box into which another person wrote since it was read: the stored text `stood`, and the
    `sent` text.
    """

    box: str
    stood: str
    sent: str


class Form(Answer):
    """A version of an incident's draft as a form.

    `kept` are texts for which it has no box, by name.
    """

    incident: str
    version: int
    form: str
    signed: Instant | None
    boxes: list[Box]
    steps: list[Step]
    kept: dict[str, str]
    conflicts: list[Clashing] = []


class Problem(Answer):
    """The reason why a request failed (RFC 9457): the status, and one line for a person.

    `conflicts` are present only if answers were sent to a version that is no longer the newest,
    `faults` if several texts are not valid, `obstacles` if a report cannot be signed yet.
    """

    type: Literal["about:blank"]
    title: str
    status: int
    detail: str
    conflicts: list[Clashing] | None = None
    faults: list[str] | None = None
    obstacles: list[str] | None = None
