"""A draft in an organisation's own .docx template.

The template holds names in double braces, `{{ what_happened }}`; `FIELDS` lists them all. `parts` is a list
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

from alerts.draft.report import Report
from alerts.draft.write.outline import Tone, pieces, printable

# name in a template → the fact whose box of the form it shows
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
MISSING = "[to be completed: not asked for on form {}]"


class BadTemplate(ValueError):
    """The template is no .docx file, is not well formed, or asks for what there is not."""


def write_template(template: bytes, report: Report) -> bytes:
    """Return the report in an organisation's own .docx template, as bytes.

    Text stays text: nothing a person typed is read as markup. Raises BadTemplate.
    """
    held = BytesIO()
    try:
        document = DocxTemplate(BytesIO(template))
        document.render(fields_of(report), jinja_env=_environment())
        document.save(held)
    except FAULTS as exc:
        raise BadTemplate(f"the template cannot be filled: {exc}") from exc
    return held.getvalue()


def unknown_fields(template: bytes) -> list[str]:
    """Return the names a template asks for that there are not, sorted. Raises BadTemplate."""
    try:
        asked = DocxTemplate(BytesIO(template)).get_undeclared_template_variables(_environment())
    except FAULTS as exc:
        raise BadTemplate(f"the template cannot be read: {exc}") from exc
    return sorted(set(asked) - set(FIELDS))


def fields_of(report: Report) -> dict[str, Any]:
    """Return what each name of `FIELDS` stands for in a report."""
    plain = {name: printable(str(getattr(report, name))) for name in PLAIN}
    boxes = {name: printable(_box(report, fact)) for name, fact in BOXES.items()}
    rows = [row for table in report.measured for row in table.rows]
    parts = [dict(zip(("name", "first_seen", "delay", "early"), row, strict=True)) for row in rows if len(row) == 4]
    return {**plain, **boxes, "amendments": list(report.amendments), "parts": parts}


def _box(report: Report, fact: str) -> str:
    field = next((each for each in report.fields() if fact in each.facts), None)
    signed = bool(report.signed)
    if field is None:
        return "" if signed else MISSING.format(report.form)
    return "\n".join(piece.text for piece in pieces(field, signed=signed) if piece.tone is not Tone.ASK)


def _environment() -> SandboxedEnvironment:
    # Without autoescape an ampersand would cut the text short without a word.
    return SandboxedEnvironment(autoescape=True, undefined=StrictUndefined)
