"""A draft in an organisation's own .docx template.

The template contains names in double braces, `{{ what_happened }}`; `TEMPLATE_NAMES` lists them
all. `parts` is a list to loop over: `{%tr for part in parts %}` with `part.name`,
`part.first_seen`, `part.delay`, `part.early`.
"""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from typing import Any

from docxtpl import DocxTemplate
from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import SandboxedEnvironment
from markupsafe import escape

from alerts.draft.read.docx import FILE_ERRORS
from alerts.draft.report import Field, Report
from alerts.draft.write.outline import Tone, build_pieces, make_printable

# The fact that answers each name in a template.
BOX_FACTS: Mapping[str, str] = {
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
REPORT_NAMES = (
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
TEMPLATE_NAMES: tuple[str, ...] = (*REPORT_NAMES, *BOX_FACTS, "amendments", "parts")
TEMPLATE_ERRORS = (*FILE_ERRORS, TemplateError, TypeError, OSError)
# The last private-use characters of Unicode, which no text contains.
BEGIN_MARK, TEXT_MARK, END_MARK = "\U0010fff0", "\U0010fff1", "\U0010fff2"


class BadTemplate(ValueError):
    """The template is not a .docx file, is not well formed, or uses an unknown name."""


class Marked(str):
    """The text of a box that a template shows between marks, with its name, so that a reader finds
    it again.
    """

    __slots__ = ("name",)
    name: str

    def __html__(self) -> str:
        """Return the name and the escaped text between their marks."""
        return f"{BEGIN_MARK}{self.name}{TEXT_MARK}{escape(str(self))}{END_MARK}"

    @classmethod
    def of(cls, name: str, text: str) -> Marked:
        """Return the text of the box with this name."""
        made = cls(text)
        made.name = name
        return made


def fill_template(template: bytes, report: Report, *, marks: bool = False) -> bytes:
    """Return the report in an organisation's own .docx template as bytes, with `marks` around the
    text of each box.

    Texts of people are never read as markup. Raises BadTemplate.
    """
    fields = collect_values(report)
    if marks:
        fields |= {
            name: Marked.of(name, fields[name]) for name in BOX_FACTS if find_box(report, name)
        }
    content = BytesIO()
    try:
        document = DocxTemplate(BytesIO(template))
        document.render(fields, jinja_env=_make_environment())
        document.save(content)
    except TEMPLATE_ERRORS as exc:
        raise BadTemplate(f"the template cannot be filled: {exc}") from exc
    return content.getvalue()


def find_unknown_names(template: bytes) -> list[str]:
    """Return the unknown names that a template uses, sorted. Raises BadTemplate."""
    try:
        asked = DocxTemplate(BytesIO(template)).get_undeclared_template_variables(
            _make_environment()
        )
    except TEMPLATE_ERRORS as exc:
        raise BadTemplate(f"the template cannot be read: {exc}") from exc
    return sorted(set(asked) - set(TEMPLATE_NAMES))


def collect_values(report: Report) -> dict[str, Any]:
    """Return the value in a report of each name in `TEMPLATE_NAMES`."""
    plain = {name: make_printable(str(getattr(report, name))) for name in REPORT_NAMES}
    boxes = {name: make_printable(_write_box(report, name)) for name in BOX_FACTS}
    rows = [tuple(map(make_printable, row)) for table in report.measured for row in table.rows]
    parts = [
        dict(zip(("name", "first_seen", "delay", "early"), row, strict=True))
        for row in rows
        if len(row) == 4
    ]
    return {
        **plain,
        **boxes,
        "amendments": [*map(make_printable, report.amendments)],
        "parts": parts,
    }


def find_box(report: Report, name: str) -> Field | None:
    """Return the field that a name in a template shows, None if the form has no such field."""
    return next((each for each in report.fields() if BOX_FACTS[name] in each.facts), None)


def _write_box(report: Report, name: str) -> str:
    """Return the text that a template shows for a name: its answer, or a prompt if the form does
    not ask for it.
    """
    field = find_box(report, name)
    signed = bool(report.signed)
    if field is None:
        return "" if signed else f"[to be completed: not asked for on form {report.form}]"
    return "\n".join(
        piece.text for piece in build_pieces(field, signed=signed) if piece.tone is not Tone.ASK
    )


def _make_environment() -> SandboxedEnvironment:
    # Without autoescape, text after an ampersand would be lost.
    return SandboxedEnvironment(autoescape=True, undefined=StrictUndefined)
