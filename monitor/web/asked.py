"""What the API is asked: one model an operation, which reads it, says what is wrong with it, and describes it."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
)
from pydantic.json_schema import SkipJsonSchema

from alerts.draft.write.outline import Document
from alerts.silence import Scope
from monitor.errors import UserFault
from monitor.web.log_page import Sort
from monitor.web.request import FIRST_YEAR, LAST_YEAR, day_of

MOST = 1000


def _day(text: object) -> date:
    try:
        return day_of(str(text))
    except ValueError as exc:
        raise ValueError('not a day, write "2026-11-26"') from exc


def _of_our_times(value: datetime) -> datetime:
    # Beyond these a local time may be of no year at all.
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise ValueError(f"not of the years {FIRST_YEAR} to {LAST_YEAR}")
    return value


def _number(text: object) -> int:
    told = str(text)
    if not (told.isascii() and told.isdecimal() and len(told) <= len(str(MOST)) and 1 <= int(told) <= MOST):
        raise ValueError(f"not a whole number from 1 to {MOST}")
    return int(told)


NAME = r"^[^\x00-\x1f\x7f-\x9f]+$"
SEGMENT = r"^[^/\x00-\x1f\x7f-\x9f]+$"
"""A name as one part of a path."""
_A_DAY = {"type": "string", "format": "date", "pattern": "^(19|20|21)[0-9]{2}-[0-9]{2}-[0-9]{2}$"}
Nothing = SkipJsonSchema[None]
Day = Annotated[date, BeforeValidator(_day), WithJsonSchema(_A_DAY)]
Name = Annotated[str, Field(pattern=NAME, max_length=500)]
Words = Annotated[str, Field(pattern=r"[^\s\x00-\x1f\x7f-\x9f]")]
Role = Annotated[Words, Field(max_length=80, description="Never a name.")]
Text = Annotated[str, Field(max_length=100_000, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$")]
Line = Annotated[Words, Field(max_length=1000)]
Moment = Annotated[datetime, AfterValidator(_of_our_times)]
Limit = Annotated[
    int,
    BeforeValidator(_number),
    WithJsonSchema({"type": "integer", "minimum": 1, "maximum": MOST}),
    Field(description="How many at most."),
]
After = Annotated[Name, Field(description="The `next` of the page before.")]


class Asked(BaseModel):
    """What an operation is asked: its parameters, or the body that is sent to it."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    @classmethod
    def read(cls, sent: dict[str, str] | bytes) -> Self:
        """Read the parameters of a query, or a body. Raises `UserFault`."""
        try:
            if isinstance(sent, dict):
                return cls.model_validate(sent)
            return cls.model_validate_json(sent or b"{}", strict=True)
        except ValidationError as exc:
            raise UserFault(_told(exc)) from exc


def _told(fault: ValidationError) -> str:
    """Return what is wrong with each part of what was asked, on one line; it shows no value."""
    faults = fault.errors(include_url=False, include_context=False, include_input=False)
    # What may be left out is faulty twice: it is not left out either.
    told = {one["loc"][:1]: one["msg"].removeprefix("Value error, ") for one in reversed(faults)}
    return "; ".join(": ".join([*map(str, where), words]) for where, words in reversed(told.items()))


class Listed(Asked):
    """In which form a list is told."""

    format: Literal["json", "csv"] | Nothing = Field(None, description="Default by `Accept`, else json.")


class Span(Listed):
    """Which days, whose, and which page."""

    first: Day | Nothing = Field(None, alias="from", description="The first day; of releases, default today.")
    to: Day | Nothing = Field(None, description="The last day; of releases, default the first.")
    producer: Name | Nothing = Field(None, description="Only of this producer, alone or with others.")
    after: After | Nothing = None


class OfReleases(Span):
    """Which releases."""

    limit: Limit | Nothing = Field(None, description="How many at most; a page ends after 400 days in any case.")


class OfIncidents(Span):
    """Which incidents, by the days on which they occurred."""

    open: Literal["true"] | Nothing = Field(
        None, description="Those that want somebody: not over, a report owed, or an action overdue."
    )
    limit: Limit = 500


class OfEvents(Listed):
    """Which changes."""

    after: After | Nothing = None
    release: Name | Nothing = Field(None, description="Only of this release.")
    limit: Limit = MOST


class OfDraft(Asked):
    """Which paper."""

    document: Document | Nothing = Field(None, description="Default draft, once signed report.")


class Taking(Asked):
    """In which role somebody has an incident."""

    role: Role


class Silencing(Asked):
    """Messages to be muted, until an end within 14 days of their begin."""

    of: Scope
    name: Name
    begins: AwareDatetime | Nothing = Field(None, description="Default now, at most 90 days ahead.")
    until: AwareDatetime
    reason: Annotated[Words, Field(max_length=300)]
    role: Role


class Answering(Asked):
    """Answers by the ids of their boxes or steps, to the version that was read; an empty one takes the words away."""

    role: Role
    version: Annotated[int, Field(ge=1, le=1_000_000)]
    answers: dict[str, Text]


class Noting(Asked):
    """What is noted of an incident: a call is with whom it was and what was `said`, an action has an `owner`, `due`."""

    role: Role
    note: Line | Nothing = None
    call: Line | Nothing = None
    said: Line | Nothing = None
    address: Line | Nothing = Field(None, description="Another web address where it stands.")
    cause: Line | Nothing = None
    assigned: Role | Nothing = Field(None, description="The role that is to act.")
    forward: Moment | Nothing = Field(None, description="To when it was brought forward; local without an offset.")
    action: Line | Nothing = None
    owner: Role | Nothing = Field(None, description="The role that is to do the action.")
    due: Day | Nothing = Field(None, description="The last day for the action.")
    done: Annotated[int, Field(ge=1, le=10_000, description="Number of an action that was done.")] | Nothing = None
    close: Literal[True] | Nothing = Field(None, description="It is over.")


class Logging(Asked):
    """What a person saw, of a watched `release`, or of another by its `title` and `producer`."""

    role: Role
    what: Line
    when: Moment
    sort: Sort
    release: Name | Nothing = None
    title: Line | Nothing = None
    producer: Line | Nothing = None
    until: Moment | Nothing = None
    url: Line | Nothing = Field(None, description="Where it stood; several with blanks between them.")
