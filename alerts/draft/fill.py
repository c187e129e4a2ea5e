"""Fills the fields of a form with measured and configured answers, and marks what a person must
complete.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime
from itertools import chain

from alerts.actions import describe_action
from alerts.by_hand import parse_instants
from alerts.draft import guidance, logged, narrative, words
from alerts.draft.certainty import explain_certainty, tabulate_evidence, tabulate_parts
from alerts.draft.chronology import write_chronology
from alerts.draft.code import (
    CODE_URL,
    OUTSIDE_CODE,
    Editions,
    cite_findings,
    find_edition,
    find_practices,
)
from alerts.draft.form import FilledBy, Form, Question
from alerts.draft.history import cite_earlier_incidents, say_none_recorded
from alerts.draft.input import DraftInput, SeriesRecord, sort_parts
from alerts.draft.letters import (
    title_correction,
    write_correction,
    write_covering_email,
    write_lines_to_take,
    write_statement,
)
from alerts.draft.report import Field, Paragraphs, Report, build_sections, format_report_date
from alerts.draft.timeline import build_figure
from alerts.finding import title_part
from alerts.incident import Incident
from schedules.contract.verdict import LATE_VERDICTS
from schedules.times.words import day_text
from schedules.times.zone import local_date

OPTIONAL_FACTS = (
    "impact.measured_sentence",
    "incident.exposure",
    "incident.previous",
    "release.calendar_sources",
    "incident.evidence_list",
)
LABELS_OF_LOGGED = {
    "What happened (measured)": "What happened",
    "Measured delay or exposure": "How long it lasted",
}
"""The labels of boxes of an incident that a person logged, because nothing of it was measured."""


def fill_form(  # noqa: PLR0913 # one for each thing that a draft is made of
    incident: Incident,
    form: Form,
    configured: Mapping[str, str],
    previous: Sequence[Incident],
    now: datetime,
    editions: Editions | None = None,
    *,
    typed: Mapping[str, str] | None = None,
    series: SeriesRecord = SeriesRecord(),  # noqa: B008 # it never changes
    recorded_since: datetime | None = None,
) -> Report:
    """Return the draft of an incident on a form, as of `now`.

    `configured` are the producer's settings, `typed` the texts of people, `series` what is known of
    the series, and `recorded_since` the time of the first record, all as in `DraftInput`.
    `previous` are earlier incidents to cite. `editions` replace the shipped editions of the Code.
    """
    edition = find_edition(incident.occurred, editions, incident.producer)
    kinds = guidance.list_finding_kinds(incident)
    requested = frozenset(chain.from_iterable(each.facts for each in form.questions))
    practices = cite_findings(kinds, edition)
    inputs = DraftInput(
        incident,
        configured,
        previous,
        now,
        edition,
        practices,
        kinds,
        requested,
        typed or {},
        series,
        recorded_since,
    )
    return _build_report(inputs, form)


def _build_report(inputs: DraftInput, form: Form) -> Report:
    # An incident that a person logged, such as a leak, does not depend on the measurements of the
    # release.
    measured = inputs.measured_facts
    return Report(
        incident=inputs.incident.id,
        form=form.id,
        title=form.title,
        subject=inputs.title,
        producer=inputs.producer_name,
        grade=inputs.incident.grade,
        edition="" if inputs.is_outside_code else inputs.edition.name,
        practice="; ".join(practice.cite for practice in inputs.practices),
        at=inputs.now,
        date_of_report=_format_report_day(inputs),
        last_amended=_format_amendment_day(inputs),
        preamble=form.preamble,
        sections=build_sections(form, lambda question: _build_field(question, inputs)),
        measured=tabulate_parts(measured) if measured else (),
        timeline=build_figure(measured) if measured else None,
        certainty=explain_certainty(inputs),
        annex=tabulate_evidence(inputs),
        steps=guidance.list_steps(inputs.kinds),
        covering=write_covering_email(inputs),
        holding=write_statement(inputs),
        correction=write_correction(inputs),
        correction_title=title_correction(inputs),
        lines=write_lines_to_take(inputs),
    )


def _build_field(question: Question, inputs: DraftInput) -> Field:
    """Return the field of a question with the known answers, a prompt for missing ones, guidance
    and warnings.
    """
    # A fact without a function can only be answered by a person.
    known = {
        fact: tuple(filter(None, ANSWERS[fact](inputs))) if fact in ANSWERS else ()
        for fact in question.facts
    }
    # If a question has several facts, the optional ones need no answer. A single one always does.
    is_single = len(question.facts) == 1
    missing = [
        fact
        for fact in question.facts
        if not known[fact] and (is_single or fact not in OPTIONAL_FACTS)
    ]
    asks_first = question.facts[0] in missing
    facts = inputs.measured_facts
    # Who was given the content that was at another address?
    if "human.impact" in missing and facts and narrative.list_later_alternatives(facts):
        missing.insert(missing.index("human.impact"), "human.given")
    facts_with_help = list(missing)
    # We fill in `clause.cite`, but a person who completes the answer (MIXED) must check it, and
    # needs help for that. Producers outside the Code have no practices.
    if (
        "clause.cite" in question.facts
        and question.filled_by is FilledBy.MIXED
        and not inputs.is_outside_code
    ):
        facts_with_help.append("clause.cite")
    help_texts: list[str] = []
    for fact in dict.fromkeys(facts_with_help):
        # Most facts get help from only one of these three functions, or from none.
        help_texts += _summarise_practices(fact, inputs)
        help_texts += guidance.list_questions(fact, inputs.kinds)
        help_texts += guidance.ask_about_clock_change(fact, facts)
    if "incident.date" in known:
        help_texts += _question_dates(inputs)
    if "incident.narrative" in known and _is_date_without_text(inputs):
        help_texts.append("What happened on each of the dates?")
    label = question.label
    if label is not None and facts is None:
        label = LABELS_OF_LOGGED.get(label, label)
    paragraphs = tuple(chain.from_iterable(known.values()))
    placeholder = " ".join(
        f"[to be completed: {guidance.describe_missing(fact)}]" for fact in missing
    )
    return replace(
        Field.of_question(question, paragraphs, placeholder),
        label=label,
        asks_first=asks_first,
        guidance=tuple(dict.fromkeys(help_texts)),
        notes=tuple(chain.from_iterable(_list_warnings(fact, inputs) for fact in question.facts)),
    )


def _format_report_day(inputs: DraftInput) -> str:
    return inputs.local_day(inputs.incident.opened)


def _format_amendment_day(inputs: DraftInput) -> str:
    """Return the local date of the last amendment; empty if it is the date of the report."""
    today = inputs.local_day(inputs.now)
    return "" if today == _format_report_day(inputs) else today


def _group_practices_by_day(inputs: DraftInput) -> list[tuple[date, str]]:
    """Return each local date on which a finding occurred, with the practices that it concerns, in
    time order.
    """
    facts = inputs.facts
    cites_of_day: dict[date, list[str]] = {}
    for kind in inputs.kinds:
        occurred = inputs.incident.occurred
        # A release may be exposed on Monday and late on Wednesday, so an exposure has the day on
        # which it began. Other findings have the day of the slot, or the day that a person logged.
        if facts and kind == "early_exposure":
            began = facts.exposures[0].start.by if facts.exposures else None
            occurred = began or occurred
        elif facts and facts.slot and inputs.incident.kind != "hand":
            occurred = facts.slot
        cites = cites_of_day.setdefault(local_date(occurred, inputs.timezone), [])
        cites += [practice.cite for practice in find_practices(kind, inputs.edition)]
    return [(day, "; ".join(dict.fromkeys(cites))) for day, cites in sorted(cites_of_day.items())]


def _answer_date(inputs: DraftInput) -> Paragraphs:
    """Return the dates of occurrence: those that a person typed (as typed if not ISO), else the day
    of each finding, each of several with its broken practices.
    """
    if typed := logged.name_dates(inputs.incident, inputs.timezone):
        return (typed,)
    days = _group_practices_by_day(inputs)
    if len(days) == 1:
        return (day_text(days[0][0]),)
    return tuple(f"{day_text(day)} ({cites})" if cites else day_text(day) for day, cites in days)


def _answer_account(inputs: DraftInput) -> Paragraphs:
    if inputs.incident.kind != "hand":
        account = narrative.write_account(inputs)
    else:
        account = _describe_logged_incident(inputs)
    return (*account, *write_chronology(inputs))


def _answer_practices(inputs: DraftInput) -> Paragraphs:
    if inputs.is_outside_code:
        return (OUTSIDE_CODE,)
    if not inputs.practices:
        return ()
    return (
        *(practice.citation for practice in inputs.practices),
        f"({inputs.edition.title}, edition {inputs.edition.name})",
    )


def _summarise_practices(fact: str, inputs: DraftInput) -> Paragraphs:
    """Return our summaries of the practices cited, to help a person decide whether they apply; else
    empty.
    """
    if fact != "clause.cite" or all(each.quoted for each in inputs.practices):
        return ()
    briefs = (f"In brief, {each.cite}: {each.text}" for each in inputs.practices if not each.quoted)
    return (*briefs, f"The Code's own words: {CODE_URL}")


def _answer_delay(inputs: DraftInput) -> Paragraphs:
    facts = inputs.measured_facts
    if facts is None:
        return tuple(logged.say_end(inputs.incident, inputs.timezone))
    return (*narrative.say_lengths(facts), *narrative.say_delays(facts))


def _answer_impact(inputs: DraftInput) -> Paragraphs:
    """Return how long parts were public early or delayed, unless another question asks for that."""
    facts = inputs.measured_facts
    if facts is None or "incident.delay" in inputs.requested_facts:
        return ()
    # The account says how early they were public.
    return (*narrative.say_lengths(facts, has_lead=False), *narrative.say_delays(facts))


def _answer_addresses(inputs: DraftInput) -> Paragraphs:
    """Return the address of the statistics, then those of its other parts that were early or late;
    never one at which a person saw something.
    """
    page = inputs.incident.words.get("page") or (inputs.facts.url if inputs.facts else "")
    addresses = [page]
    if inputs.measured_facts:
        for part in sort_parts(inputs.measured_facts):
            line = f"{words.capitalise(title_part(part))}: {part.shown_at}"
            is_affected = part.exposures or part.verdict in LATE_VERDICTS
            if part.can_be_late and is_affected and not line.endswith(f" {page}"):
                addresses.append(line)
    return tuple(addresses)


def _answer_slot(inputs: DraftInput) -> Paragraphs:
    if due := inputs.incident.words.get("due"):
        return (f"The release was due {logged.format_typed(due, inputs.timezone)}.",)
    if inputs.facts is not None:
        return (narrative.say_announcement(inputs.facts, "The release"),)
    return (inputs.incident.words.get("next_edition", ""),)


ANSWERS: Mapping[str, Callable[[DraftInput], Paragraphs]] = {
    "release.title": lambda inputs: (inputs.title,),
    "release.landing_url": _answer_addresses,
    "producer.name": lambda inputs: (inputs.producer_name,),
    "contact.hop": lambda inputs: (inputs.settings.get("head_of_profession", ""),),
    "contact.dealing": lambda inputs: (inputs.settings.get("contact", ""),),
    "config.reporting.recipient": lambda inputs: (inputs.settings.get("to", ""),),
    "report.date": lambda inputs: (
        format_report_date(_format_report_day(inputs), _format_amendment_day(inputs)),
    ),
    "clause.cite": _answer_practices,
    "incident.date": _answer_date,
    "incident.narrative": _answer_account,
    "incident.previous": cite_earlier_incidents,
    "incident.delay": _answer_delay,
    "incident.evidence_list": lambda inputs: (
        narrative.EVIDENCE_IS_SEPARATE if inputs.measured_facts else "",
    ),
    "impact.measured_sentence": _answer_impact,
    "release.slot": _answer_slot,
    "human.corrective": lambda inputs: tuple(
        describe_action(act, inputs.timezone) for act in inputs.incident.actions
    ),
}


def _list_warnings(fact: str, inputs: DraftInput) -> Paragraphs:
    """Return sentences on what a person should check about a fact of the draft, such as
    `clause.cite`.
    """
    if fact == "incident.previous" and not cite_earlier_incidents(inputs):
        return (say_none_recorded(inputs),)
    # `clause.cite` names the practices of the Code of Practice that were broken. Some producers are
    # outside this Code.
    if fact != "clause.cite" or inputs.is_outside_code:
        return ()
    unsure = [practice.cite for practice in inputs.practices if not practice.is_confirmed]
    warnings = _check_slot_time(inputs)  # the Code also requires releases at 9.30am
    if unsure:
        doubt = f"The number of {words.join(unsure)} is not confirmed: check it."
        warnings = (doubt, *warnings)
    return warnings


def _is_date_without_text(inputs: DraftInput) -> bool:
    """Return whether a person logged several dates, but not what happened on each."""
    has_several = "," in inputs.incident.words.get("when", "")
    return has_several and not logged.list_texts(inputs.incident)


def _question_dates(inputs: DraftInput) -> Paragraphs:
    """Return a question about each unlikely date: at a weekend, more than a month before the
    report, or after it.
    """
    dates = [inputs.incident.occurred]
    with suppress(ValueError):  # without typed dates, or if one is not ISO
        dates = parse_instants(inputs.incident.words.get("when", ""), inputs.timezone)
    days = [local_date(each, inputs.timezone) for each in dates]
    reported = local_date(inputs.incident.opened, inputs.timezone)
    questions = [
        f"{day_text(day)} was a {day:%A}: check the date." for day in days if day.weekday() >= 5
    ]
    first = day_text(days[0])
    if (reported - days[0]).days > 31:
        questions.append(f"{first} was more than a month before this report: check the date.")
    if days[0] > reported:
        questions.append(f"{first} is after the date of this report: check the date.")
    return tuple(questions)


def _check_slot_time(inputs: DraftInput) -> Paragraphs:
    """Return a sentence if the announced time is not 9.30am: such a time needs a permission on
    file.
    """
    if inputs.facts is None or inputs.facts.slot is None:
        return ()
    at = words.format_clock(inputs.facts.slot, inputs.timezone)
    if at == "9.30am":
        return ()
    if permission_on_file := inputs.settings.get("slot_time_reference", ""):
        return (f"The announced time is {at}, not 9.30am; on file: {permission_on_file}.",)
    # the edition of the Code of Practice that applied; since 5 May 2022 it has another word
    code = inputs.edition
    permission = "an exemption" if code.name in ("1.0", "2.0") else "an alternative release time"
    return (f"The announced time is {at}, not 9.30am: is {permission} on file?",)


def _describe_logged_incident(inputs: DraftInput) -> Paragraphs:
    """Return the account of an incident that a person logged: one paragraph, then where it was
    seen, and the last edition.
    """
    typed = inputs.incident.words
    happened = logged.say_what_happened(inputs.incident, inputs.timezone)
    account = [" ".join([*happened, *_say_announced_time(inputs)])]
    if seen_at := typed.get("url", "").splitlines():
        account.append(f"It could be seen at {words.join(seen_at)}.")
    account += _say_contrary_measurement(inputs)
    if last_edition := typed.get("last_edition"):
        account.append(f"Latest published edition: {last_edition.rstrip('.')}.")
    return tuple(account)


def _say_contrary_measurement(inputs: DraftInput) -> list[str]:
    """Return what was measured of the release, if a person logged it as late or early and that was
    not seen; empty if it was, or if nothing was measured.
    """
    facts, sort = inputs.facts, inputs.incident.words.get("sort")
    if facts is None or facts.verdict not in ("on_time", *LATE_VERDICTS):
        return []
    was_seen_late = facts.verdict in LATE_VERDICTS
    is_early_unseen = sort == "early_exposure" and not facts.exposures
    is_contrary = is_early_unseen or (sort in ("late", "partial") and not was_seen_late)
    if not is_contrary:
        return []
    measured = narrative.say_availability(facts, is_named=False)
    return [f"The measurement of the release differs. {' '.join(measured)}"]


def _say_announced_time(inputs: DraftInput) -> list[str]:
    """Return when the release of a logged incident, or the next one, was announced for, in one
    sentence; empty if a person typed when it was due.
    """
    facts, typed = inputs.facts, inputs.incident.words
    if typed.get("due"):
        return []
    if facts is None:
        next_edition = typed.get("next_edition", "").rstrip(".")
        return [f"Next release: {next_edition}."] if next_edition else []
    subject = "The release concerned"
    # Before the slot, perhaps not the release itself was leaked, but its data. So do not call it
    # the release concerned.
    if "leak" in inputs.kinds and (facts.slot is None or facts.slot > inputs.incident.occurred):
        subject = "The next release"
    return [narrative.say_announcement(facts, subject)]
