"""Facts → fields of a form; the rest is marked for a person to complete."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from alerts.draft import guidance
from alerts.draft.answers import amended_day, asks_for, known, report_day, summaries, warnings
from alerts.draft.certainty import annex, certainty, measured
from alerts.draft.code import Book, cited, edition_at
from alerts.draft.form import Chapter, FilledBy, Form, Question
from alerts.draft.input import DraftInput
from alerts.draft.letters import correction, covering, holding, lines
from alerts.draft.report import Field, Report, Section
from alerts.draft.timeline import timeline
from alerts.incident import Incident


def fill(  # noqa: PLR0913 # one for each thing that a draft is made of
    incident: Incident,
    form: Form,
    configured: Mapping[str, str],
    previous: Sequence[Incident],
    now: datetime,
    book: Book | None = None,
    *,
    typed: Mapping[str, str] | None = None,
) -> Report:
    """Return the draft of an incident on a form, as of `now`.

    `configured` holds the producer's own entries: `name`, `head_of_profession`, `contact`, `to`; what is
    missing there is marked for completion. `previous` are earlier incidents to cite. `book` replaces the
    editions of the Code as shipped; `typed` is what people wrote into the draft, where steps were ticked.
    """
    edition = edition_at(incident.occurred, book, incident.producer)
    kinds = guidance.failures(incident)
    asked = frozenset(fact for chapter in form.chapters for question in chapter.questions for fact in question.facts)
    case = DraftInput(incident, configured, previous, now, edition, cited(kinds, edition), kinds, asked, typed or {})
    return _report(case, form)


def _report(case: DraftInput, form: Form) -> Report:
    facts = case.facts
    # A hand-logged incident, such as a leak, does not depend on the release's verdict: leave that out.
    found = case.measured
    return Report(
        incident=case.incident.id,
        form=form.id,
        title=form.title,
        subject=facts.title if facts else case.incident.title,
        producer=case.settings.get("name") or case.incident.producer,
        edition="" if case.is_outside_code else case.edition.name,
        practice="; ".join(clause.cite for clause in case.clauses),
        at=case.now,
        date_of_report=report_day(case),
        last_amended=amended_day(case),
        preamble=form.preamble,
        sections=tuple(_section(chapter, case) for chapter in form.chapters),
        measured=measured(found) if found else (),
        timeline=timeline(found) if found else None,
        certainty=certainty(case),
        annex=annex(case),
        steps=guidance.steps(case.kinds),
        covering=covering(case),
        holding=holding(case),
        correction=correction(case),
        lines=lines(case),
    )


def _section(chapter: Chapter, case: DraftInput) -> Section:
    return Section(chapter.id, chapter.heading, tuple(_field(question, case) for question in chapter.questions))


def _field(question: Question, case: DraftInput) -> Field:
    found = {fact: known(fact, case) for fact in question.facts}
    missing = [fact for fact in question.facts if not found[fact] and _owed(fact, question)]
    is_practice_to_confirm = question.filled_by is FilledBy.MIXED and found.get("clause.cite")
    return Field(
        id=question.id,
        # An incident that a person logged has no measurements.
        label=question.label and question.label.removesuffix(" (measured)" * (case.measured is None)),
        filled_by=question.filled_by,
        facts=question.facts,
        multi_line=question.multi_line,
        paragraphs=tuple(text for texts in found.values() for text in texts),
        placeholder=" ".join(f"[to be completed: {asks_for(fact)}]" for fact in missing),
        guidance=tuple(
            text
            for fact in (*missing, *["clause.cite"] * bool(is_practice_to_confirm))
            for text in (
                *summaries(fact, case),
                *guidance.questions(fact, case.kinds),
                *guidance.clock_change(fact, case.measured),
            )
        ),
        notes=tuple(text for fact in question.facts for text in warnings(fact, case)),
    )


def _owed(fact: str, question: Question) -> bool:
    # A sentence that only measurement can give is not asked of a person while another fact answers the question.
    optional = (
        "impact.measured_sentence",
        "incident.exposure",
        "incident.previous",
        "release.calendar_sources",
        "incident.evidence_list",
    )
    return fact not in optional or len(question.facts) == 1
