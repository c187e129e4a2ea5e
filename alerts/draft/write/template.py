"""A draft in an organisation's own .docx template.

The template contains names in double braces, `{{ what_happened }}`; `TEMPLATE_NAMES` lists them
all. `parts` is a list to loop over: `{%tr for part in parts %}` with `part.name`,
`part.first_seen`, `part.delay`, `part.early`.
"""

from __future__ import annotations

import zlib
from io import BytesIO
from itertools import chain
from typing import Any
from zipfile import BadZipFile

from docx.opc.exceptions import PackageNotFoundError
from docxtpl import DocxTemplate
from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import SandboxedEnvironment
from lxml.etree import LxmlError

from alerts.draft.report import Field, Report
from alerts.draft.write.outline import Tone, build_pieces, make_printable

# The fact that answers each name in a template.
BOX_FACTS = {
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
    "grade",
)
TEMPLATE_NAMES = (*REPORT_NAMES, *BOX_FACTS, "certainty", "amendments", "parts")
TEMPLATE_ERRORS = (
    BadZipFile,
    PackageNotFoundError,
    LxmlError,
    KeyError,
    ValueError,
    zlib.error,  # damaged bytes
    EOFError,
    RuntimeError,  # a file with a password
    TemplateError,
    TypeError,
    OSError,
)


class BadTemplate(ValueError):
    """The template is not a .docx file, is not well formed, or uses an unknown name."""


def fill_template(template: bytes, report: Report) -> bytes:
    """Return the report in an organisation's own .docx template as bytes.

    Texts of people are never read as markup. Raises BadTemplate.
    """
    fields = collect_values(report)
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
    measured = chain.from_iterable(table.rows for table in report.measured)
    rows = [tuple(map(make_printable, row)) for row in measured]
    parts = [
        dict(zip(("name", "first_seen", "delay", "early"), row, strict=True))
        for row in rows
        if len(row) == 4
    ]
    boxes["certainty"] = make_printable("\n".join(report.certainty))
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
