"""A draft in an organisation's own .docx template.

The template contains names in double braces, `{{ what_happened }}`; `FIELDS` lists them all. `parts` is a list
to loop over: `{%tr for part in parts %}` with `part.name`, `part.first_seen`, `part.delay`, `part.early`.
"""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any
from zipfile import BadZipFile

from docxtpl import DocxTemplate
from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import SandboxedEnvironment
from lxml.etree import LxmlError
from markupsafe import escape

from alerts.draft.report import Field, Report
from alerts.draft.write.outline import Tone, pieces, printable

# name in a template → the fact that the box asks for
BOXES: Mapping[str, str] = {
    "output": "release.title",
    "producer_name": "producer.name",
    "contact": "contact.dealing",
    "head_of_profession": "contact.hop",
    "recipient": "config.reporting.recipient",
    "clause": "clause.cite",
    "occurred": "incident.date",
    "announced": "release.slot",
    "what_happened": "incident.narrative",
    "measured": "incident.delay",
    "certainty": "incident.certainty",
    "grade": "incident.grade",
    "reasons": "human.reasons",
    "impact": "human.impact",
    "corrective_actions": "human.corrective",
    "statement": "statement.url",
    "previous": "incident.previous",
    "agreed_by": "human.signoff",
}
PLAIN = (
    "incident",
    "form",
    "title",
    "subject",
    "producer",
    "edition",
    "practice",
    "date_of_report",
    "last_amended",
    "signed",
)
FIELDS: tuple[str, ...] = (*PLAIN, *BOXES, "amendments", "parts")
FAULTS = (TemplateError, BadZipFile, LxmlError, KeyError, ValueError, TypeError, OSError)
# Characters for private use, at the far end of what there is.
BEGIN, SAYS, END = "\U0010fff0", "\U0010fff1", "\U0010fff2"
MISSING = "[to be completed: not asked for on form {}]"


class BadTemplate(ValueError):
    """The template is not a .docx file, is not well formed, or uses an unknown name."""


class Marked(str):
    """The text of a box that is shown between marks, by which it is found again: first its name, then what it says."""

    __slots__ = ("name",)
    name: str

    def __html__(self) -> str:
        """Return it as a template shows it."""
        return f"{BEGIN}{self.name}{SAYS}{escape(str(self))}{END}"


def marked(name: str, text: str) -> Marked:
    """Return the text of a box of this name."""
    made = Marked(text)
    made.name = name
    return made


def write_template(template: bytes, report: Report, *, marks: bool = False) -> bytes:
    """Return the report in an organisation's own .docx template, as bytes; with `marks` around what each box says.

    A person's text is never read as markup. Raises BadTemplate.
    """
    fields = fields_of(report)
    if marks:
        fields |= {name: marked(name, fields[name]) for name in BOXES if field_of(report, name)}
    held = BytesIO()
    try:
        document = DocxTemplate(BytesIO(template))
        document.render(fields, jinja_env=_environment())
        document.save(held)
    except FAULTS as exc:
        raise BadTemplate(f"the template cannot be filled: {exc}") from exc
    return held.getvalue()


def unknown_fields(template: bytes) -> list[str]:
    """Return the unknown names that a template uses, sorted. Raises BadTemplate."""
    try:
        asked = DocxTemplate(BytesIO(template)).get_undeclared_template_variables(_environment())
    except FAULTS as exc:
        raise BadTemplate(f"the template cannot be read: {exc}") from exc
    return sorted(set(asked) - set(FIELDS))


def fields_of(report: Report) -> dict[str, Any]:
    """Return the value in a report of each name in `FIELDS`."""
    plain = {name: printable(str(getattr(report, name))) for name in PLAIN}
    boxes = {name: printable(_box(report, name)) for name in BOXES}
    rows = [row for table in report.measured for row in table.rows]
    parts = [dict(zip(("name", "first_seen", "delay", "early"), row, strict=True)) for row in rows if len(row) == 4]
    return {**plain, **boxes, "amendments": list(report.amendments), "parts": parts}


def field_of(report: Report, name: str) -> Field | None:
    """Return the box that a name in a template shows, None where the form has none."""
    return next((each for each in report.fields() if BOXES[name] in each.facts), None)


def _box(report: Report, name: str) -> str:
    field = field_of(report, name)
    signed = bool(report.signed)
    if field is None:
        return "" if signed else MISSING.format(report.form)
    return "\n".join(piece.text for piece in pieces(field, signed=signed) if piece.tone is not Tone.ASK)


def _environment() -> SandboxedEnvironment:
    # Without autoescape an ampersand would cut the text short without a word.
    return SandboxedEnvironment(autoescape=True, undefined=StrictUndefined)
