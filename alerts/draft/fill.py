"""Fills the fields of a form from facts, and marks what a person must complete."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from alerts.draft import guidance
from alerts.draft.answers import (
    describe_missing,
    find_answer,
    format_amendment_day,
    format_report_day,
    list_warnings,
    summarise_practices,
)
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
    case = DraftInput(incident, configured, previous, now, edition, practices, kinds, requested, typed or {})
    return _build_report(case, form)


def _build_report(case: DraftInput, form: Form) -> Report:
    facts = case.facts
    # An incident that a person logged, such as a leak, does not depend on the measurements of the release.
    found = case.measured_facts
    return Report(
        incident=case.incident.id,
        form=form.id,
        title=form.title,
        subject=facts.title if facts else case.incident.title,
        producer=case.settings.get("name") or case.incident.producer,
        edition="" if case.is_outside_code else case.edition.name,
        practice="; ".join(practice.cite for practice in case.practices),
        at=case.now,
        date_of_report=format_report_day(case),
        last_amended=format_amendment_day(case),
        preamble=form.preamble,
        sections=tuple(
            Section(chapter.id, chapter.heading, tuple(_build_field(each, case) for each in chapter.questions))
            for chapter in form.chapters
        ),
        measured=tabulate_parts(found) if found else (),
        timeline=build_figure(found) if found else None,
        certainty=explain_certainty(case),
        annex=tabulate_evidence(case),
        steps=guidance.list_steps(case.kinds),
        covering=write_covering_email(case),
        holding=write_statement(case),
        correction=write_correction(case),
        lines=write_lines_to_take(case),
    )


def _build_field(question: Question, case: DraftInput) -> Field:
    """Return the field of a question with the known answers, a prompt for missing ones, guidance and warnings."""
    found = {fact: find_answer(fact, case) for fact in question.facts}
    # A fact that only measurement gives need not be answered if another fact of the question is.
    is_single = len(question.facts) == 1
    missing = [fact for fact in question.facts if not found[fact] and (is_single or fact not in OPTIONAL_FACTS)]
    # A person must also confirm the practices that are cited.
    is_confirmed = "clause.cite" in question.facts and question.filled_by is FilledBy.MIXED and not case.is_outside_code
    guided = [*missing, "clause.cite"] if is_confirmed and "clause.cite" not in missing else missing
    return Field(
        id=question.id,
        # An incident that a person logged has no measurements.
        label=question.label and question.label.removesuffix(" (measured)" * (case.measured_facts is None)),
        filled_by=question.filled_by,
        facts=question.facts,
        multi_line=question.multi_line,
        paragraphs=tuple(text for texts in found.values() for text in texts),
        placeholder=" ".join(f"[to be completed: {describe_missing(fact)}]" for fact in missing),
        guidance=tuple(text for fact in guided for text in _list_guidance(fact, case)),
        notes=tuple(text for fact in question.facts for text in list_warnings(fact, case)),
    )


def _list_guidance(fact: str, case: DraftInput) -> list[str]:
    """Return the texts that help a person to answer a fact."""
    about_clocks = guidance.ask_about_clock_change(fact, case.measured_facts)
    return [*summarise_practices(fact, case), *guidance.list_questions(fact, case.kinds), *about_clocks]
