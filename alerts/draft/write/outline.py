"""What stands where in a written draft: the same blocks for every format."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

from alerts.draft import words
from alerts.draft.report import Bars, Field, Report, Section, Table, Timeline

TICK = "Tick and time each step; what is noted here enters the report"
ZONE = "Europe/London"
BLANK = "Time:            By:"
HEADER = ("Information needed", "Response")
STEPS = ("Step", "Within", "Done at, by (role)")
WHAT_TO_DO = "what to do now"
SINCE = "Measured since this was written, to be compared:"


class Tone(StrEnum):
    """How a piece of text is meant: the monitor's, a person's, still open, a question, a remark."""

    PLAIN = "plain"
    TYPED = "typed"
    OPEN = "open"
    ASK = "ask"
    REMARK = "remark"


STYLES = {Tone.PLAIN: "Said", Tone.TYPED: "Typed", Tone.OPEN: "Open", Tone.ASK: "Ask", Tone.REMARK: "Remark"}
"""The name of each tone's style in word processors."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A paragraph of an answer."""

    tone: Tone
    text: str


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading; levels follow each other without gaps, and only the title has level 1.

    `new_page`: it begins a page.
    """

    level: int
    text: str
    new_page: bool = False


@dataclass(frozen=True, slots=True)
class Words:
    """Paragraphs in the open."""

    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """Questions beside their answers, with a header row."""

    caption: str
    rows: tuple[tuple[str, tuple[Piece, ...]], ...]


@dataclass(frozen=True, slots=True)
class Box:
    """The framed free answer of a section."""

    pieces: tuple[Piece, ...]


Block = Heading | Words | Grid | Box | Table | Timeline | Bars


def outline(report: Report) -> list[Block]:
    """Return the blocks of a report in reading order: the form, then the annexes."""
    blocks: list[Block] = [Heading(1, report.title), Words(_status(report))]
    blocks += [_plain(report.preamble)] if report.preamble else []
    for section in report.sections:
        blocks += _section(section, signed=bool(report.signed))
    return blocks + _kept(report) + _annexes(report)


def pieces(field: Field, *, signed: bool = False) -> tuple[Piece, ...]:
    """Return what stands in an answer box. A person's words are whole; what is open says who must add it.

    Once a draft is signed off its guidance has done its work and is left out.
    """
    remarks = _all(Tone.REMARK, field.notes)
    measured = _all(Tone.PLAIN, field.paragraphs)
    answer = field.answer
    if answer is None:
        guidance = () if signed else field.guidance
        missing = _all(Tone.OPEN, [field.placeholder] if field.placeholder else [])
        return (*measured, *missing, *remarks, *_all(Tone.ASK, guidance))
    typed = Piece(Tone.TYPED, answer.text)
    if not field.replaced:
        return (*measured, typed, *remarks)
    return (typed, *_beside(field, measured), *remarks)


def _beside(field: Field, measured: tuple[Piece, ...]) -> tuple[Piece, ...]:
    if not field.contested or not measured:
        return ()
    return (Piece(Tone.REMARK, SINCE), *measured)


def _all(tone: Tone, texts: Iterable[str]) -> tuple[Piece, ...]:
    return tuple(Piece(tone, text) for text in texts)


def _plain(*texts: str) -> Words:
    return Words(_all(Tone.PLAIN, texts))


def _status(report: Report) -> tuple[Piece, ...]:
    form = {"note": "Short note", "period": "Period report"}.get(report.form, f"Form {report.form}")
    amended = f"; last amended {report.last_amended}" if report.last_amended else ""
    code = f"Code of Practice edition {report.edition}" if report.edition else ""
    practice = f", {report.practice}" if report.practice else ""
    first = f"{report.signed or 'Draft, not signed off'}. {form}; date of report {report.date_of_report}{amended}."
    second = f"{code}{practice}. Incident {report.incident}." if code else f"Reference {report.incident}."
    return _all(Tone.REMARK, [f"{first} {second} {stamp(report)}", *report.amendments])


def stamp(report: Report) -> str:
    """Return the sentence that tells one version of a draft from another."""
    return f"Version of {words.brief(report.at, ZONE)}."


def _section(section: Section, *, signed: bool) -> list[Block]:
    blocks: list[Block] = [Heading(2, section.heading)]
    for labelled, fields in groupby(section.fields, key=lambda field: field.label is not None):
        members = list(fields)
        if labelled:
            rows = tuple((field.label or "", pieces(field, signed=signed)) for field in members)
            blocks.append(Grid(section.heading, rows))
        else:
            blocks += [Box(pieces(field, signed=signed)) for field in members]
    return blocks


def _kept(report: Report) -> list[Block]:
    if not report.kept:
        return []
    texts = [(Piece(Tone.REMARK, f"{name}:"), Piece(Tone.TYPED, text)) for name, text in report.kept.items()]
    heading = Heading(2, "Text kept from an earlier form of this draft")
    return [heading, *(Words(pair) for pair in texts)]


def _annexes(report: Report) -> list[Block]:
    letters = iter("ABCDEF")
    blocks: list[Block] = []
    for title, body in (
        ("measured times", [*report.measured, *([report.timeline] if report.timeline else [])]),
        ("where and when it went wrong", list(report.figures)),
        ("evidence", [_plain(*report.certainty), *report.annex, *_replaced(report)] if report.annex else []),
        (WHAT_TO_DO, _steps(report)),
    ):
        if body:
            blocks += [Heading(2, f"Annex {next(letters)}: {title}", new_page=not blocks), *body]
    return blocks


def _replaced(report: Report) -> list[Block]:
    rows = tuple(
        (report.name_of(field.id), "\n".join(field.paragraphs))
        for field in report.fields()
        if field.replaced and not field.contested and field.paragraphs
    )
    title = "Measured or configured answers that a person has reworded"
    return [Table(title, ("Question", "Original"), rows, (1, 2))] if rows else []


def _steps(report: Report) -> list[Block]:
    if not report.steps:
        return []
    rows = tuple((f"{'☑' if step.done else '☐'} {step.text}", step.within, step.done or BLANK) for step in report.steps)
    return [Table(TICK, STEPS, rows, (8.4, 3.0, 5.4))]


CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def printable(text: str) -> str:
    """Return text without characters that XML forbids: each is shown by its control picture, none is dropped."""
    return CONTROL.sub(lambda found: _picture(found.group()), text.replace("\r\n", "\n").replace("\r", "\n"))


def _picture(character: str) -> str:
    return chr(0x2400 + ord(character)) if ord(character) < 0x20 else "\ufffd"
