"""The blocks of a written draft in reading order, the same for every format."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

from alerts.claim import NO_PROOF
from alerts.draft import words
from alerts.draft.letters import insert_answers
from alerts.draft.report import Bars, Field, Paragraphs, Report, Section, SlotStrip, Table, Timeline
from alerts.one_line import remove_invisible_marks
from schedules.times.zone import LONDON

STEPS_CAPTION = "Tick and time each step; what is noted here enters the report"
SIGNED_STEPS_CAPTION = "What was to be done, and when it was"
BLANK_NOTE = "Time:            By:"
GRID_HEADER = ("Information needed", "Response")
STEPS_HEADER = ("Step", "Within", "Done at, by (role)")
MEASURED_SINCE = "Measured since this was written, to be compared:"


class Document(StrEnum):
    """A document that can be written: the whole draft, the report alone, or one of the papers that
    go with it.
    """

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
    Document.LINES: "Lines for ministers and press",
}
NO_STATEMENT = (
    "Nothing was measured that users would notice: a statement is for the people dealing with this"
    " to write."
)


class Tone(StrEnum):
    """The role of a piece of text: the monitor's, a person's, a prompt for missing text, a question
    or a remark.
    """

    PLAIN = "plain"
    TYPED = "typed"
    OPEN = "open"
    ASK = "ask"
    REMARK = "remark"


STYLES = {
    Tone.PLAIN: "Said",
    Tone.TYPED: "Typed",
    Tone.OPEN: "Open",
    Tone.ASK: "Ask",
    Tone.REMARK: "Remark",
}
"""The name of each tone's style in word processors."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A paragraph of an answer."""

    tone: Tone
    text: str


BLANK = Piece(Tone.PLAIN, "")
"""The content of a box of a signed report that no one answered: silence is never put into words."""


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading. Only the title has level 1, and levels have no gaps. `new_page`: it begins a
    page.
    """

    level: int
    text: str
    new_page: bool = False


@dataclass(frozen=True, slots=True)
class Words:
    """Paragraphs outside tables and boxes."""

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


Block = Heading | Words | Grid | Box | Table | Timeline | Bars | SlotStrip


def build_outline(report: Report, document: Document | None = None) -> list[Block]:
    """Return the blocks of a document in reading order (default: the draft or, once signed, the
    report).
    """
    if document is None:
        document = Document.REPORT if report.signed else Document.DRAFT
    match document:
        case Document.DRAFT:
            return [*_build_form(report), *_build_annexes(report)]
        case Document.REPORT:
            return [*_build_form(report), *_build_signature(report), *_build_annexes(report)]
        case Document.EVIDENCE:
            blocks = _build_head(report)
            how = "How it was measured" if report.measured else "What was recorded"
            for title, body in _build_evidence(report):
                heading = {"evidence": how}.get(title, words.capitalise(title))
                blocks += [Heading(2, heading), *body]
            return blocks
        case Document.STEPS:
            return [*_build_head(report), *_tabulate_steps(report)]
        case letter:  # an e-mail, a statement or notice for users, or lines to take
            pieces = []
            for text in _fill_letters(report)[letter] or (NO_STATEMENT,):
                tone = Tone.OPEN if "[to be completed" in text else Tone.PLAIN
                pieces.append(Piece(tone, text))
            return [Heading(1, report.title), Words(tuple(pieces))]


def has_content(report: Report, document: Document) -> bool:
    """Return whether a report has content for a document. For example, a period has no steps."""
    return bool({**_fill_letters(report), Document.STEPS: report.steps}.get(document, True))


def _fill_letters(report: Report) -> dict[Document, Paragraphs]:
    letters = {
        Document.COVERING: report.covering,
        Document.HOLDING: report.holding,
        Document.CORRECTION: report.correction,
        Document.LINES: report.lines,
    }
    return {name: insert_answers(report, letter) for name, letter in letters.items()}


def _build_form(report: Report) -> list[Block]:
    blocks: list[Block] = [Heading(1, report.title)]
    if not report.signed:
        blocks.append(Words(_describe_status(report)))
    if report.preamble:
        blocks.append(_make_paragraphs(report.preamble))
    for section in report.sections:
        blocks += _build_section(section, signed=bool(report.signed))
    if report.kept:
        blocks.append(Heading(2, "Text kept from an earlier form of this draft"))
    for name, text in report.kept.items():
        blocks.append(Words((Piece(Tone.REMARK, f"{name}:"), Piece(Tone.TYPED, text))))
    return blocks


def _build_head(report: Report) -> list[Block]:
    subject = report.subject
    if report.form != "period":
        subject += f" ({report.producer})"
    return [Heading(1, report.title), _make_paragraphs(subject), Words(_describe_status(report))]


def _build_signature(report: Report) -> list[Block]:
    """Return the heading and the paragraphs of the signature and the later amendments; empty
    without any.
    """
    texts = list(report.amendments)
    heading = "Amendments"
    if not any("human.signoff" in field.facts for field in report.fields()):
        heading = "Signature"
        if report.signed:
            texts.insert(0, f"Signed off by {report.signed.by}, {report.signed.day}.")
    return [Heading(2, heading), _make_paragraphs(*texts)] if texts else []


def build_pieces(field: Field, *, signed: bool = False) -> tuple[Piece, ...]:
    """Return the pieces of an answer box: measured text, the words that a person typed, and prompts
    for missing text.

    `signed`: the box is in a signed report, so it has no prompts, questions and remarks.
    """
    pieces = _make_pieces(Tone.PLAIN, field.paragraphs)
    measured = pieces
    if field.answer is not None:  # the words that a person typed
        typed = Piece(Tone.TYPED, field.answer.text)
        # They replace the measured text, or are added to it.
        pieces = [typed] if field.is_replaced else [*measured, typed]
    if signed:
        return tuple(pieces) or (BLANK,)
    if field.answer is None:
        missing = _make_pieces(Tone.OPEN, filter(None, [field.placeholder]))
        pieces = [*missing, *measured] if field.asks_first else [*measured, *missing]
    elif field.is_contested and measured:
        # A later measurement that differs is shown below them, to be compared.
        pieces += [Piece(Tone.REMARK, MEASURED_SINCE), *measured]
    pieces += _make_pieces(Tone.REMARK, field.notes)
    if field.answer is None:
        pieces += _make_pieces(Tone.ASK, field.guidance)
    return tuple(pieces)


def _make_pieces(tone: Tone, texts: Iterable[str]) -> list[Piece]:
    return [Piece(tone, text) for text in texts]


def _make_paragraphs(*texts: str) -> Words:
    return Words(tuple(_make_pieces(Tone.PLAIN, texts)))


def _describe_status(report: Report) -> tuple[Piece, ...]:
    """Return remarks on a draft or a signed report: signature, form, dates, practice, incident and
    amendments.
    """
    form = {"note": "Short note", "period": "Period report"}.get(report.form, f"Form {report.form}")
    first = (
        f"{report.signed or 'Draft, not signed off'}. {form}; date of report"
        f" {report.date_of_report}"
    )
    if report.last_amended:
        first += f"; last amended {report.last_amended}"
    # A report on a period, or of a producer outside the Code of Practice, has no edition.
    second = f"Reference {report.incident}."
    if report.edition:
        edition = ", ".join(filter(None, (report.edition, report.practice)))
        second = f"Code of Practice edition {edition}. Incident {report.incident}."
    # `anyway` is the reason why the report was signed despite an obstacle, empty without an
    # obstacle.
    texts = (f"{first}. {second} {write_stamp(report)}", report.anyway, *report.amendments)
    return tuple(_make_pieces(Tone.REMARK, filter(None, texts)))


def write_stamp(report: Report) -> str:
    """Return the sentence that identifies a version of a draft by its time."""
    return f"Version of {words.format_instant(report.at, LONDON)}."


def _build_section(section: Section, *, signed: bool) -> list[Block]:
    blocks: list[Block] = [Heading(2, section.heading)]
    for labelled, fields in groupby(section.fields, key=lambda field: field.label is not None):
        if not labelled:
            blocks += [Box(build_pieces(field, signed=signed)) for field in fields]
            continue
        rows = []
        for field in fields:
            pieces = build_pieces(field, signed=signed)
            # A signed report leaves out an optional question that no one answered.
            if pieces != (BLANK,) or field.required:
                rows.append((field.label or "", pieces))
        if rows:
            blocks.append(Grid(section.heading, tuple(rows)))
    return blocks


def _build_annexes(report: Report) -> list[Block]:
    """Return the annexes of a report on a period: its evidence. For an incident, that and the steps
    for its producer are documents of their own.
    """
    blocks: list[Block] = []
    if report.form == "period":
        for letter, (title, body) in zip("ABCDEF", _build_evidence(report), strict=False):
            blocks += [Heading(2, f"Annex {letter}: {title}", new_page=not blocks), *body]
    return blocks


def _build_evidence(report: Report) -> list[tuple[str, list[Block]]]:
    """Return (title, blocks) for each chapter of the evidence document that has content."""
    all_times = (report.strip, *report.measured, report.timeline)
    times: list[Block] = [block for block in all_times if block is not None]
    title_of_times = "incidents" if report.form == "period" else "measured times"
    chapters: list[tuple[str, list[Block]]] = [
        (title_of_times, times),
        ("where and when it went wrong", [*report.figures]),
    ]
    if report.annex:
        # `certainty` are paragraphs on how sure the times are, `annex` tables of the evidence.
        certainty = _make_paragraphs(*report.certainty)
        proof = [certainty, *report.annex, *_tabulate_replaced(report)]
        chapters.append(("evidence", proof))
    if report.claimed:  # the publishers' own statements
        chapters.append(("claimed, not measured", [_make_paragraphs(NO_PROOF), *report.claimed]))
    return [(title, body) for title, body in chapters if body]


def _tabulate_replaced(report: Report) -> list[Block]:
    """Return a table of the measured texts that a person's answers replace, or an empty list if
    there are none.
    """
    # An answer is contested if the measurement has changed since the person replaced it. The draft
    # shows the changed measurement beside that answer, so the table leaves it out. A signed report
    # shows the measurement only here.
    rows = tuple(
        (report.label_of(field.id), "\n".join(field.paragraphs))
        for field in report.fields()
        if field.is_replaced and field.paragraphs and (report.signed or not field.is_contested)
    )
    title = "Measured or configured answers that a person has reworded"
    return [Table(title, ("Question", "Original"), rows, (1, 2))] if rows else []


def _tabulate_steps(report: Report) -> list[Block]:
    if not report.steps:
        return []
    rows = tuple(
        (f"{'☑' if step.done else '☐'} {step.text}", step.within, step.done or BLANK_NOTE)
        for step in report.steps
    )
    caption = SIGNED_STEPS_CAPTION if report.signed else STEPS_CAPTION
    return [Table(caption, STEPS_HEADER, rows, (8.4, 3.0, 5.4))]


def format_footer(report: Report) -> str:
    """Return the footer text that precedes the page number."""
    if report.signed:
        return f"{report.producer}. Page "
    return f"{report.producer}: {report.incident}. Page "


WEB_ADDRESS = re.compile(
    r"(https?://[^\s<>|\\`\"\u201c-\u201f]*[^\s<>|\\`\"\u2018-\u201f.,;:!?')\]}])"
)
"""A web address in a text, without the punctuation that ends a sentence."""
NONCHARACTERS = "".join(
    f"{chr(plane | 0xFFFE)}{chr(plane | 0xFFFF)}" for plane in range(0, 0x110000, 0x10000)
)
UNPRINTABLE = re.compile(
    rf"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff{NONCHARACTERS}]"
)


def write_parts(
    text: str, write_address: Callable[[str], str], write_text: Callable[[str], str]
) -> Iterator[str]:
    """Yield the web addresses in a text and the parts between them in order, each as one of these
    functions writes it.
    """
    for place, part in enumerate(WEB_ADDRESS.split(text)):
        write = write_address if place % 2 else write_text
        yield write(part)


def make_printable(text: str) -> str:
    """Return text with line feeds as its only line ends, a symbol for each character that XML
    forbids, and no invisible marks.
    """

    def replace_character(found: re.Match[str]) -> str:
        code = ord(found.group())
        # Unicode has a symbol for each control character below 32, such as ␀ for 0.
        return chr(0x2400 + code) if code < 0x20 else "\N{REPLACEMENT CHARACTER}"

    lines = remove_invisible_marks(text).replace("\r\n", "\n").replace("\r", "\n")
    return UNPRINTABLE.sub(replace_character, lines)
