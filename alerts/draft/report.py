"""The model of a draft, independent of file formats.

Each writer reads it, and the store keeps it as JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, TypeAdapter

from alerts.draft.form import FilledBy, Form, Question, find_question
from alerts.steps import Step

Paragraphs = tuple[str, ...]
"""Paragraphs of a draft or letter, in order."""


def format_report_date(date_of_report: str, last_amended: str) -> str:
    """Return the date of a report, followed by the date of its last amendment if there was one."""
    return f"{date_of_report}, last amended {last_amended}" if last_amended else date_of_report


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a caption and a header row; every row is as long as the header.

    `shares` are the relative widths of the columns; empty means equal widths.
    """

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    shares: tuple[float, ...] = ()

    def widths(self, whole: float) -> tuple[float, ...]:
        """Return the width of each column when the table is `whole` wide."""
        shares = self.shares or (1.0,) * len(self.header)
        return tuple(whole * share / sum(shares) for share in shares)


@dataclass(frozen=True, slots=True)
class Answer:
    """The unchanged text that a person in the role `by` typed into a field.

    `basis` is the measured text of the field at the time of writing. If a later measurement
    differs, it is shown beside the answer. `instead`: the answer replaces the measured account and
    is not added after it.
    """

    text: str
    by: str = ""
    at: datetime | None = None
    basis: Paragraphs = ()
    instead: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """One answer box.

    `paragraphs` come from measurement or configuration, `placeholder` marks what a person must add
    (before them if it `asks_first`). `guidance` are questions that help the person to write,
    `notes` are the monitor's warnings about this box.
    """

    id: str
    label: str | None
    filled_by: FilledBy
    facts: tuple[str, ...]
    multi_line: bool
    paragraphs: Paragraphs = ()
    placeholder: str = ""
    guidance: Paragraphs = ()
    notes: Paragraphs = ()
    answer: Answer | None = None
    asks_first: bool = False

    @classmethod
    def of_question(cls, question: Question, paragraphs: Paragraphs, placeholder: str) -> Field:
        """Return the field of a question of the form, without guidance and notes."""
        copied = (
            question.id,
            question.label,
            question.filled_by,
            question.facts,
            question.multi_line,
        )
        return cls(*copied, paragraphs, placeholder)

    @property
    def required(self) -> bool:
        """Return whether the form requires an answer. A report must not be signed without it."""
        question = find_question(self.id)
        return question is None or question.required

    @property
    def has_one_answer(self) -> bool:
        """Return whether any answer of a person replaces the monitor's text and is not added after
        it.
        """
        return not (self.filled_by in (FilledBy.MIXED, FilledBy.HUMAN) and self.multi_line)

    @property
    def is_replaced(self) -> bool:
        """Return whether a person's answer is shown instead of the measured paragraphs."""
        return self.answer is not None and (self.has_one_answer or self.answer.instead)

    @property
    def is_contested(self) -> bool:
        """Return whether a measurement changed after a person had replaced it."""
        return self.is_replaced and self.answer is not None and self.answer.basis != self.paragraphs


@dataclass(frozen=True, slots=True)
class Section:
    """A section of the form."""

    id: str
    heading: str
    fields: tuple[Field, ...]


def build_sections(form: Form, build_field: Callable[[Question], Field]) -> tuple[Section, ...]:
    """Return the sections of a form, with a field for each question."""
    return tuple(
        Section(chapter.id, chapter.heading, tuple(map(build_field, chapter.questions)))
        for chapter in form.chapters
    )


@dataclass(frozen=True, slots=True)
class Span:
    """An interval on a lane of the timeline, in aware UTC, with a `state` of `alerts/plots.py`."""

    begins: datetime
    ends: datetime
    state: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Lane:
    """One part on the timeline. `left_out` counts spans that are not drawn."""

    label: str
    spans: tuple[Span, ...]
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Timeline:
    """A timeline figure: lanes between two instants, with the announced time marked.

    `alt` describes it in words. `lateness` is drawn as a bracket with its note.
    """

    title: str
    begins: datetime
    ends: datetime
    slot: datetime | None
    timezone: str
    lanes: tuple[Lane, ...]
    alt: str
    lateness: Span | None = None


@dataclass(frozen=True, slots=True)
class Bar:
    """One group of a bar chart: `number` out of `whole`."""

    label: str
    number: int
    whole: int

    @property
    def share(self) -> str:
        """Return its number in words: `2 of 14`."""
        return f"{self.number:,} of {self.whole:,}"


@dataclass(frozen=True, slots=True)
class Bars:
    """A bar chart.

    `header` names the groups, the number and the whole; `alt` describes the chart in words.
    """

    title: str
    header: tuple[str, str, str]
    bars: tuple[Bar, ...]
    alt: str

    @property
    def table(self) -> Table:
        """Return the numbers of the chart as a table."""
        rows = tuple((each.label, f"{each.number:,}", f"{each.whole:,}") for each in self.bars)
        return Table(self.title, self.header, rows, (8, 5, 4))


@dataclass(frozen=True, slots=True)
class SlotBar:
    """A release, or those of a producer on time, in seconds after their slot.

    `low` and `high` are the bounds of the delay. `exposures` are from when to when it was public
    early. `state` is its verdict, or `open` if it is not out.
    """

    label: str
    note: str
    state: str
    low: float | None
    high: float | None
    exposures: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class SlotStrip:
    """Releases on one axis around their slots. `alt` describes them in words."""

    title: str
    bars: tuple[SlotBar, ...]
    alt: str


@dataclass(frozen=True, slots=True)
class Signature:
    """Who signed which version of a report, at what local time and day.

    In JSON, it is a sentence.
    """

    by: str
    time: str
    day: str
    version: int

    def __str__(self) -> str:
        """Return `Signed off by ROLE at 10:01 GMT on 5 May 2018 as version 3`."""
        return f"Signed off by {self.by} at {self.time} on {self.day} as version {self.version}"


def _read_signature(value: Signature | str | None) -> Signature | None:
    """Return the signature in a sentence, None for an empty one. Raises ValueError."""
    if not isinstance(value, str):
        return value
    signed, _, version = value.removeprefix("Signed off by ").rpartition(" as version ")
    by, _, moment = signed.rpartition(" at ")
    time, _, day = moment.partition(" on ")
    return Signature(by, time, day, int(version)) if value else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A draft, ready to be written in any format. No content here was public before its slot.

    It includes the paragraphs of a `covering` e-mail, a `holding` statement, a `correction` (by its
    title a correction notice, or a note on a delay) and `lines` to take. `last_amended` is empty
    until it differs from `date_of_report`. `anyway` says why it was signed despite an obstacle.
    `claimed` contains the publishers' own statements, separate from all measurements.
    """

    incident: str
    form: str
    title: str
    subject: str
    producer: str
    grade: str = ""
    edition: str = ""
    practice: str = ""
    at: datetime
    date_of_report: str
    last_amended: str = ""
    preamble: str | None = None
    sections: tuple[Section, ...]
    measured: tuple[Table, ...] = ()
    timeline: Timeline | None = None
    figures: tuple[Bars, ...] = ()
    strip: SlotStrip | None = None
    certainty: Paragraphs = ()
    annex: tuple[Table, ...] = ()
    claimed: tuple[Table, ...] = ()
    steps: tuple[Step, ...] = ()
    signed: Annotated[
        Signature | None,
        BeforeValidator(_read_signature),
        PlainSerializer(lambda signed: str(signed or "")),
    ] = None
    anyway: str = ""
    amendments: Paragraphs = ()
    kept: Mapping[str, str] = field(default_factory=dict)
    covering: Paragraphs = ()
    holding: Paragraphs = ()
    correction: Paragraphs = ()
    correction_title: str = "Note on the time of publication"
    lines: Paragraphs = ()

    def fields(self) -> Iterator[Field]:
        """Yield every field of every section, in order."""
        for section in self.sections:
            yield from section.fields

    def label_of(self, name: str) -> str:
        """Return the label of a field (for a free box its section's heading), the text of a step,
        else the id.
        """
        labels: dict[str, str] = {}
        for section in self.sections:
            labels |= {each.id: each.label or section.heading for each in section.fields}
        labels |= {f"step.{step.id}": step.text for step in self.steps}
        return labels.get(name, name)

    def find_field(self, name: str) -> Field | None:
        """Return the field with this id, None if the report has no such field."""
        return next((each for each in self.fields() if each.id == name), None)


def report_json(report: Report) -> dict[str, Any]:
    """Return a report as JSON values, from which `report_from_json` makes an equal one."""
    body: dict[str, Any] = _json_adapter().dump_python(report, mode="json")
    return body


def report_from_json(body: Mapping[str, Any]) -> Report:
    """Return the report that a JSON object describes.

    Raises pydantic.ValidationError if it is not a report.
    """
    return _json_adapter().validate_python(dict(body))


@cache
def _json_adapter() -> TypeAdapter[Report]:
    return TypeAdapter(Report)
