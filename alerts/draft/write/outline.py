"""The blocks of a written draft in reading order, the same for every format."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import groupby

from alerts.claim import NO_PROOF
from alerts.draft import words
from alerts.draft.letters import as_answered
from alerts.draft.report import Bars, Field, Report, Section, Table, Timeline

TICK = "Tick and time each step; what is noted here enters the report"
TICKED = "What was to be done, and when it was"
ZONE = "Europe/London"
BLANK = "Time:            By:"
HEADER = ("Information needed", "Response")
STEPS = ("Step", "Within", "Done at, by (role)")
WHAT_TO_DO = "what to do now"
SINCE = "Measured since this was written, to be compared:"
NONE = "None"
"""The text of an optional box without an answer in a signed report."""


class Document(StrEnum):
    """What is written of a draft: all of it to work on, the papers that it comes apart into, or what goes with them."""

    DRAFT = "draft"
    REPORT = "report"
    EVIDENCE = "evidence"
    STEPS = "to-do"
    COVERING = "email"
    HOLDING = "statement"
    CORRECTION = "correction"
    LINES = "lines"


TITLES = {
    Document.EVIDENCE: "Evidence",
    Document.STEPS: "What to do",
    Document.COVERING: "Covering e-mail",
    Document.HOLDING: "Statement for users",
    Document.CORRECTION: "Correction notice for users",
    Document.LINES: "Lines for ministers and press",
}
NO_STATEMENT = "Nothing was measured that users would notice: a statement is for the people dealing with this to write."


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


def outline(report: Report, document: Document | None = None) -> list[Block]:
    """Return the blocks of a document in reading order (default: the draft or, once signed, the report)."""
    match document := document or (Document.REPORT if report.signed else Document.DRAFT):
        case Document.DRAFT:
            return [*_form(report), *_annexes(report)]
        case Document.REPORT:
            # A report on a period includes the list of releases, which is an annex.
            return [*_form(report), *_signature(report), *(_annexes(report) if report.form == "period" else [])]
        case Document.EVIDENCE:
            return [*_head(report), *(block for annex in _evidence(report) for block in _under(*annex))]
        case Document.STEPS:
            return [*_head(report), *_steps(report)]
    said = _letters(report)[document] or (NO_STATEMENT,)
    told = [Piece(Tone.OPEN if "[to be completed" in text else Tone.PLAIN, text) for text in said]
    return [Heading(1, report.title), Words(tuple(told))]


def says(report: Report, document: Document) -> bool:
    """Return whether a report has content for a document. For example, a period has no steps."""
    return bool({**_letters(report), Document.STEPS: report.steps}.get(document, True))


def _letters(report: Report) -> dict[Document, tuple[str, ...]]:
    return {
        Document.COVERING: as_answered(report, report.covering),
        Document.HOLDING: as_answered(report, report.holding),
        Document.CORRECTION: as_answered(report, report.correction),
        Document.LINES: as_answered(report, report.lines),
    }


def entitled(report: Report, document: Document | None) -> Report:
    """Return a report under the title of one of its documents."""
    return replace(report, title=TITLES.get(document or Document.DRAFT, report.title))


def _form(report: Report) -> list[Block]:
    blocks: list[Block] = [Heading(1, report.title)]
    blocks += [] if report.signed else [Words(_status(report))]
    blocks += [_plain(report.preamble)] if report.preamble else []
    for section in report.sections:
        blocks += _section(section, signed=bool(report.signed))
    return blocks + _kept(report)


def _head(report: Report) -> list[Block]:
    whose = f" ({report.producer})" * (report.form != "period")
    return [Heading(1, report.title), _plain(f"{report.subject}{whose}"), Words(_status(report))]


def _under(title: str, body: list[Block]) -> list[Block]:
    return [Heading(2, "How it was measured" if title == "evidence" else words.capital(title)), *body]


def _signature(report: Report) -> list[Block]:
    # Readers of the letter do not need the second and the version. They remain in the record.
    by, _, at = report.signed.partition(" as version ")[0].rpartition(" at ")
    agreed = any("human.signoff" in field.facts for field in report.fields())
    said = [] if agreed or not report.signed else [f"{by}, {at.rpartition(' on ')[2]}."]
    said += report.amendments
    return [Heading(2, "Signature" if not agreed else "Amendments"), _plain(*said)] if said else []


def pieces(field: Field, *, signed: bool = False) -> tuple[Piece, ...]:
    """Return the pieces of an answer box: measured text, a person's unchanged words, and prompts for missing text.

    Once a report is signed off only its answers are left: an optional box without one says so.
    """
    measured = _all(Tone.PLAIN, field.paragraphs)
    answer = field.answer
    typed = (Piece(Tone.TYPED, answer.text),) if answer is not None else ()
    if signed:
        said = typed if field.replaced else (*measured, *typed)
        return said or (Piece(Tone.PLAIN, "" if field.required else NONE),)
    remarks = _all(Tone.REMARK, field.notes)
    if answer is None:
        missing = _all(Tone.OPEN, [field.placeholder] if field.placeholder else [])
        return (*measured, *missing, *remarks, *_all(Tone.ASK, field.guidance))
    if not field.replaced:
        return (*measured, *typed, *remarks)
    return (*typed, *_beside(field, measured), *remarks)


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
    anyway = [report.anyway] if report.anyway else []
    return _all(Tone.REMARK, [f"{first} {second} {stamp(report)}", *anyway, *report.amendments])


def stamp(report: Report) -> str:
    """Return the sentence that identifies a version of a draft by its time."""
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
    steps = _steps(report)
    # Only a report on a period has its evidence with it; any other has it as a document of its own.
    evidence = _evidence(report) if report.form == "period" else []
    annexes = [*evidence, *([(WHAT_TO_DO, steps)] if steps else [])]
    blocks: list[Block] = []
    for letter, (title, body) in zip("ABCDEF", annexes, strict=False):
        blocks += [Heading(2, f"Annex {letter}: {title}", new_page=not blocks), *body]
    return blocks


def _evidence(report: Report) -> list[tuple[str, list[Block]]]:
    every: list[tuple[str, list[Block]]] = [
        (
            "incidents" if report.form == "period" else "measured times",
            [*report.measured, *([report.timeline] if report.timeline else [])],
        ),
        ("where and when it went wrong", list(report.figures)),
        ("evidence", [_plain(*report.certainty), *report.annex, *_replaced(report)] if report.annex else []),
        ("claimed, not measured", [_plain(NO_PROOF), *report.claimed] if report.claimed else []),
    ]
    return [(title, body) for title, body in every if body]


def _replaced(report: Report) -> list[Block]:
    rows = tuple(
        (report.name_of(field.id), "\n".join(field.paragraphs))
        for field in report.fields()
        if field.replaced and field.paragraphs and (report.signed or not field.contested)
    )
    title = "Measured or configured answers that a person has reworded"
    return [Table(title, ("Question", "Original"), rows, (1, 2))] if rows else []


def _steps(report: Report) -> list[Block]:
    if not report.steps:
        return []
    rows = tuple((f"{'☑' if step.done else '☐'} {step.text}", step.within, step.done or BLANK) for step in report.steps)
    return [Table(TICKED if report.signed else TICK, STEPS, rows, (8.4, 3.0, 5.4))]


def footer_of(report: Report) -> str:
    """Return the footer text that precedes the page number."""
    return f"{report.producer}{'' if report.signed else f': {report.incident}'}. Page "


LINK = re.compile(r"(https?://[^\s<>|\\`\"\u201c-\u201f]*[^\s<>|\\`\"\u2018-\u201f.,;:!?')\]}])")
"""An address in a text, without what ends the sentence; whatever splits by it has the addresses at odd places."""
PLANES = "".join(f"{chr(plane | 0xFFFE)}{chr(plane | 0xFFFF)}" for plane in range(0, 0x110000, 0x10000))
CONTROL = re.compile(rf"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff{PLANES}]")


def printable(text: str) -> str:
    """Return text without characters that XML forbids or warns of: each is shown by its control picture."""
    return CONTROL.sub(lambda found: _picture(found.group()), text.replace("\r\n", "\n").replace("\r", "\n"))


def _picture(character: str) -> str:
    return chr(0x2400 + ord(character)) if ord(character) < 0x20 else "\ufffd"
