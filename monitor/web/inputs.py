"""Models of the input of API operations.

Each reads and checks its input, and is described in OpenAPI.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    Base64Bytes,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import ErrorDetails

from alerts.by_hand import check_year
from alerts.draft.write.outline import Document
from alerts.silence import Scope
from monitor.errors import UserFault
from monitor.web.log_page import Sort
from monitor.web.request import parse_day
from schedules.contract.verdict import Grade

MOST = 1000
MOST_DAYS = 400


def _validate_limit(value: object) -> int:
    text = str(value)
    if not (
        text.isascii()
        and text.isdecimal()
        and len(text) <= len(str(MOST))
        and 1 <= int(text) <= MOST
    ):
        raise ValueError(f"not a whole number from 1 to {MOST}")
    return int(text)


ID = r"^[^\x00-\x1f\x7f-\x9f]+$"
"""The id of a release or an incident, at the end or in the middle of a path."""
_A_DAY = {"type": "string", "format": "date", "pattern": "^(19|20|21)[0-9]{2}-[0-9]{2}-[0-9]{2}$"}
Nothing = SkipJsonSchema[None]


def optional(description: str, alias: str | None = None) -> Any:  # noqa: ANN401 # as pydantic's own
    """Return the default of a field that may be left out, with its description."""
    return Field(None, alias=alias, description=description)


Day = Annotated[date, BeforeValidator(lambda text: parse_day(str(text))), WithJsonSchema(_A_DAY)]
Name = Annotated[str, Field(pattern=ID, max_length=500)]
Words = Annotated[str, Field(pattern=r"[^\s\x00-\x1f\x7f-\x9f]")]
Role = Annotated[Words, Field(max_length=80, description="Never a name.")]
Text = Annotated[str, Field(max_length=100_000, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$")]
Line = Annotated[Words, Field(max_length=1000)]
Moment = Annotated[datetime, AfterValidator(check_year)]
Instant = Annotated[AwareDatetime, AfterValidator(check_year)]
Number = Annotated[
    int,
    BeforeValidator(_validate_limit),
    WithJsonSchema({"type": "integer", "minimum": 1, "maximum": MOST}),
]
Limit = Annotated[Number, Field(description="How many at most.")]
After = Annotated[Name, Field(description="The `next` of the page before.")]


class Input(BaseModel):
    """The input of an operation: the parameters of its query, or its body. This base has none."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, extra="forbid")

    @classmethod
    def read(cls, sent: dict[str, str] | bytes) -> Self:
        """Return the input from a query's parameters or a JSON body (empty: no fields).

        Raises `UserFault`.
        """
        try:
            if isinstance(sent, dict):
                return cls.model_validate(sent)
            return cls.model_validate_json(sent or b"{}", strict=True)
        except ValidationError as exc:
            raise UserFault(_describe_faults(exc)) from exc


def _describe_faults(fault: ValidationError) -> str:
    """Return the faults of an input on one line. It contains no value of the input."""
    faults = fault.errors(include_url=False, include_context=False, include_input=False)
    # An optional field has two faults: its value is wrong, and it is not null. Only the first is
    # kept.
    first = {one["loc"][:1]: _describe_fault(one) for one in reversed(faults)}
    return "; ".join(
        ": ".join([*map(str, where), words]) for where, words in reversed(first.items())
    )


def _describe_fault(fault: ErrorDetails) -> str:
    """Return one fault in words for people."""
    if fault["type"] == "extra_forbidden":
        return "is not a field of this operation, leave it out"
    if fault["type"] == "string_pattern_mismatch":
        return "must have a visible character, and no control characters"
    return fault["msg"].removeprefix("Value error, ")


class ListInput(Input):
    """The format of a list."""

    format: Literal["json", "csv"] | Nothing = optional("Default by `Accept`, else json.")


class ReadinessDay(Input):
    """The day to assess."""

    date: Day | Nothing = optional("Default the next day with a slot.")


class AsOf(Input):
    """An instant."""

    at: Instant | Nothing = optional("Judge at this time; default now.")


class SilenceFilter(ListInput):
    """Which silences to list."""

    include: Literal["future", "all"] | Nothing = optional(
        "Also future ones, or all. Default only those in force."
    )


class DayFilter(ListInput):
    """Days, a producer, and the page of the list."""

    first: Day | Nothing = optional("The first day; of releases, default today.", "from")
    to: Day | Nothing = optional("The last day; of releases, default the first.")
    producer: Name | Nothing = optional("Only of this producer. It may have others beside it.")
    after: After | Nothing = None

    @model_validator(mode="after")
    def _check_order(self) -> Self:
        if self.first is not None and self.to is not None and self.to < self.first:
            raise ValueError("to: must not be a day before `from`")
        return self


class ReleaseFilter(DayFilter):
    """Releases by the days of their slots."""

    limit: Limit | Nothing = optional("How many at most; a page ends after 400 days in any case.")


class Span(Input):
    """Days of slots, both included."""

    first: Day | Nothing = optional("The first day.", "from")
    to: Day | Nothing = optional("The last day.")


class ExportChoice(Span):
    """What to export, of which days."""

    what: Literal["verdicts", "calendar", "events"] | Nothing = optional(
        "Default verdicts, and as `ics` or `toml` the calendar."
    )


class ReportChoice(Span):
    """The releases of a report: of a period, which needs both days, or of a series."""

    producer: Name | Nothing = optional("Only of this producer.")
    host: Name | Nothing = optional("Only on this host, such as www.gov.uk.")
    series: Name | Nothing = optional("The title of any edition of a series.")


class IncidentFilter(DayFilter):
    """Incidents by the days on which they occurred."""

    open: Literal["true"] | Nothing = optional(
        "Only those that need action: open, with a report owed, or with an overdue action."
    )
    drafts: Literal["true"] | Nothing = optional(
        "With the versions of each draft, without their texts."
    )
    limit: Limit = 500


class ActionFilter(Input):
    """Actions of incidents."""

    incident: Name | Nothing = optional("Only of this incident, those that are done too.")


class EventFilter(ListInput):
    """Changes of verdicts."""

    after: After | Nothing = None
    release: Name | Nothing = optional("Only of this release.")
    limit: Limit = MOST


class VersionChoice(Input):
    """A version of a report."""

    version: Number | Nothing = optional("Its number; default the newest.")


class DraftChoice(VersionChoice):
    """A document of a version of a report."""

    document: Document | Nothing = optional("Default draft, or report once it is signed.")


class Claiming(Input):
    """What a public record says of one publication."""

    producer: Line
    url: Line
    title: Text
    first_published: Instant
    slot: Instant | Nothing = None
    slot_source: Literal["announced", "scheduled"] | Nothing = None
    source: Line
    read_at: Instant = Field(alias="read", description="When the record was read.")


class Settling(Input):
    """Which time the doubtful text of a calendar means."""

    meant: Annotated[Instant, Field(description="One of `readings` of the slot, if any.")]


class Ticking(Input):
    """What was prepared for a release, or what the publishing tool says."""

    tick: Literal["scheduled", "files_uploaded", "list_sent", "second_named", "published"]
    time: Instant | Nothing = optional("With `scheduled`: for when. Default the announced time.")


class AddingRelease(Input):
    """A release that no calendar announces."""

    title: Line
    producer: Annotated[Line, Field(description="Its id or its name.")]
    url: Line
    slot: Annotated[Moment, Field(description="Local if it has no offset.")]


class AddingAddress(Input):
    """One more address of a release."""

    url: Line
    required: Literal[True] | Nothing = optional("The verdict needs it too. Not after the slot.")


class RemovingAddition(Input):
    """A release that was added by hand, or one of its added addresses."""

    entry: Annotated[Line, Field(description="Its `entry` in the list of additions.")]
    part: Line | Nothing = optional("The `part` of an address.")


class Silencing(Input):
    """Messages to mute, for at most 14 days."""

    of: Scope
    name: Name
    begins: Instant | Nothing = optional("Default now, at most 90 days ahead.")
    until: Instant
    reason: Annotated[Words, Field(max_length=300)]


class Answering(Input):
    """Answers by the ids of their boxes or steps, to the version that was read.

    An empty answer removes the text.
    """

    version: Annotated[int, Field(ge=1, le=1_000_000)]
    answers: dict[str, Text]
    merge: Literal[True] | Nothing = optional(
        "Keep both texts in a box that another person changed, and save the rest."
    )
    reason: Line | Nothing = optional("Why you amend the report. Required if it is signed.")


class Doing(Input):
    """A step that was done."""

    step: Annotated[Words, Field(max_length=80, description="Its id, such as `ask-platform`.")]
    at: Moment | Nothing = optional("When it was done, local if it has no offset. Default now.")
    note: Line | Nothing = optional("What the report adds, such as a reference.")
    reason: Line | Nothing = optional("Why you amend the report. Required if it is signed.")


class Grading(Input):
    """The grade, and if given the form, that a person decides for one incident."""

    grade: Grade
    form: Literal["A0", "A", "B", "C", "D", "note"] | Nothing = optional("The form of its draft.")
    reason: Line


class Attaching(Input):
    """A file that was sent or signed, of at most 7 MB. Attaching it signs nothing."""

    name: Annotated[Line, Field(description="The name of the file.")]
    content: Annotated[Base64Bytes, Field(description="Its bytes in Base64.")]


class Signing(Input):
    """The version that a person read before they sign it."""

    version: Annotated[int, Field(ge=1, le=1_000_000)] | Nothing = optional(
        "Refused if the text changed since. Default the newest."
    )
    anyway: Line | Nothing = optional("Why you sign although something is missing; it is recorded.")


class Waiving(Input):
    """Why no report will be made."""

    reason: Line


class Closing(Input):
    """Why an incident is over."""

    reason: Line | Nothing = None
    cause: Line | Nothing = None


class Noting(Input):
    """Notes on an incident.

    A `call` names the other side and needs `said`; an `action` needs an `owner` and `due`.
    """

    note: Line | Nothing = None
    at: Moment | Nothing = optional("When it happened, local if it has no offset. Default now.")
    mail: Base64Bytes | Nothing = optional("An e-mail that users got, with its headers, in Base64.")
    mailed: Line | Nothing = optional("What the e-mail says.")
    cite_others: Literal[True] | Nothing = optional(
        "Cite other producers' incidents on the same platform in the draft."
    )
    call: Line | Nothing = None
    said: Line | Nothing = None
    address: Line | Nothing = optional("Another web address where it is public.")
    cause: Line | Nothing = None
    assigned: Role | Nothing = optional("The role that must act.")
    forward: Moment | Nothing = optional(
        "The time to which it was brought forward, local if it has no offset."
    )
    action: Line | Nothing = None
    owner: Role | Nothing = optional("The role that must do the action.")
    due: Day | Nothing = optional("The last day for the action.")
    done: Annotated[int, Field(ge=1, le=10_000)] | Nothing = optional(
        "Number of an action that is done."
    )
    close: Literal[True] | Nothing = optional("The incident is over.")


class Logging(Input):
    """An incident that a person saw, about a watched `release`, or about another by its `title` and
    `producer`.
    """

    what: Line
    when: Annotated[
        Moment | Line,
        Field(description="Several local dates or times have commas. The first is the occurrence."),
    ]
    sort: Sort
    grade: Grade | Nothing = optional("Default report.")
    release: Name | Nothing = None
    title: Line | Nothing = None
    producer: Line | Nothing = None
    until: Moment | Nothing = None
    due: Moment | Day | Nothing = optional("When the release was due.")
    page: Line | Nothing = optional("The page of the statistics.")
    url: Line | Nothing = optional("Where it was seen. Several addresses are separated by blanks.")
