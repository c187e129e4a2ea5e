"""Fills the fields of a form from facts, and marks what a person must complete."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from alerts.draft import answers, guidance
from alerts.draft.certainty import explain_certainty, tabulate_evidence, tabulate_parts
from alerts.draft.code import Editions, cite_findings, find_edition
from alerts.draft.form import FilledBy, Form, Question
from alerts.draft.input import DraftInput
from alerts.draft.letters import write_correction, write_covering_email, write_lines_to_take, write_statement
from alerts.draft.report import Field, Report, Section
from alerts.draft.timeline import build_figure
from alerts.incident import Incident

OPTIONAL_FACTS = (
    "impact.measured_sentence",
    "incident.exposure",
    "incident.previous",
    "release.calendar_sources",
    "incident.evidence_list",
)


def fill_form(  # noqa: PLR0913 # one for each thing that a draft is made of
    incident: Incident,
    form: Form,
    configured: Mapping[str, str],
    previous: Sequence[Incident],
    now: datetime,
    editions: Editions | None = None,
    *,
    typed: Mapping[str, str] | None = None,
) -> Report:
    """Return the draft of an incident on a form, as of `now`.

    `configured` are the producer's settings: `name`, `head_of_profession`, `contact`, `to`. A person must complete
    those that are missing. `previous` are earlier incidents to cite. `editions` replace the shipped editions of the
    Code. `typed` are the texts that people wrote into the draft, by id of field or step.
    """
    edition = find_edition(incident.occurred, editions, incident.producer)
    kinds = guidance.list_finding_kinds(incident)
    requested = frozenset(fact for chapter in form.chapters for each in chapter.questions for fact in each.facts)
    practices = cite_findings(kinds, edition)
    inputs = DraftInput(incident, configured, previous, now, edition, practices, kinds, requested, typed or {})
    return _build_report(inputs, form)


def _build_report(inputs: DraftInput, form: Form) -> Report:
    # An incident that a person logged, such as a leak, does not depend on the measurements of the release.
    measured = inputs.measured_facts
    return Report(
        incident=inputs.incident.id,
        form=form.id,
        title=form.title,
        subject=inputs.title,
        producer=inputs.producer_name,
        edition="" if inputs.is_outside_code else inputs.edition.name,
        practice="; ".join(practice.cite for practice in inputs.practices),
        at=inputs.now,
        date_of_report=answers.format_report_day(inputs),
        last_amended=answers.format_amendment_day(inputs),
        preamble=form.preamble,
        sections=tuple(
            Section(chapter.id, chapter.heading, tuple(_build_field(each, inputs) for each in chapter.questions))
            for chapter in form.chapters
        ),
        measured=tabulate_parts(measured) if measured else (),
        timeline=build_figure(measured) if measured else None,
        certainty=explain_certainty(inputs),
        annex=tabulate_evidence(inputs),
        steps=guidance.list_steps(inputs.kinds),
        covering=write_covering_email(inputs),
        holding=write_statement(inputs),
        correction=write_correction(inputs),
        lines=write_lines_to_take(inputs),
    )


def _build_field(question: Question, inputs: DraftInput) -> Field:
    """Return the field of a question with the known answers, a prompt for missing ones, guidance and warnings."""
    known = {fact: answers.find_answer(fact, inputs) for fact in question.facts}
    # If a question has several facts, the optional ones need no answer.
    is_single = len(question.facts) == 1
    missing = [fact for fact in question.facts if not known[fact] and (is_single or fact not in OPTIONAL_FACTS)]
    # A person must also confirm the practices that are cited.
    is_mixed = question.filled_by is FilledBy.MIXED
    is_to_confirm = "clause.cite" in question.facts and is_mixed and not inputs.is_outside_code
    help_texts: list[str] = []
    facts_for_person = [*missing, "clause.cite"] if is_to_confirm else missing
    # Each of these functions returns nothing for the facts that it does not concern.
    for fact in dict.fromkeys(facts_for_person):
        help_texts += answers.summarise_practices(fact, inputs)
        help_texts += guidance.list_questions(fact, inputs.kinds)
        help_texts += guidance.ask_about_clock_change(fact, inputs.measured_facts)
    label = question.label
    if label is not None and inputs.measured_facts is None:
        label = label.removesuffix(" (measured)")  # a person logged the incident
    paragraphs = tuple(text for texts in known.values() for text in texts)
    placeholder = " ".join(f"[to be completed: {guidance.describe_missing(fact)}]" for fact in missing)
    return replace(
        Field.of_question(question, paragraphs, placeholder),
        label=label,
        guidance=tuple(help_texts),
        notes=tuple(text for fact in question.facts for text in answers.list_warnings(fact, inputs)),
    )
