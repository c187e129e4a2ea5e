"""Answers to the questions of a form, from measurement and configuration, and prompts for a person's answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from zoneinfo import ZoneInfo

from alerts.actions import describe_action
from alerts.by_hand import logged_end
from alerts.draft import narrative, words
from alerts.draft.chronology import write_chronology
from alerts.draft.code import CODE_URL, OUTSIDE_CODE, find_practices
from alerts.draft.history import NONE_ON_FILE, cite_earlier_incidents
from alerts.draft.input import DraftInput
from alerts.draft.report import format_amendment_date, format_report_date
from schedules.times.interval import Bounds
from schedules.times.words import day_text
from schedules.times.zone import local_date

MISSING_TEXTS: Mapping[str, str] = {
    "producer.name": "name of the producer (from the configuration)",
    "contact.dealing": "name and contact details (from the person dealing with the report)",
    "contact.hop": "name and contact details (from the Head of Profession or Lead Official)",
    "config.reporting.recipient": "who receives this (from the Head of Profession or Lead Official)",
    "human.reasons": "how and why it happened (from the person dealing with the report)",
    "human.impact": "impact inside and outside the organisation (from the person dealing with the report)",
    "human.corrective": "corrective actions taken and planned (from the person dealing with the report)",
    "human.signoff": "name and date (from the Head of Profession or Lead Official)",
    "statement.url": "link to a published statement, if there is one (from the press office)",
    "incident.narrative": "what happened, with dates and times (from the person who logged it)",
    "incident.date": "date of occurrence (from the person who logged it)",
    "clause.cite": "principle and practice (from the Head of Profession or Lead Official)",
    "incident.previous": "earlier incidents that you know of, if any (from the person dealing with the report)",
    "incident.delay": "length of the delay or exposure, if known (from the person dealing with the report)",
    "incident.evidence_list": "other supporting material, if there is any (from the person dealing with the report)",
    "release.slot": "announced release time (from the person dealing with the report)",
    "release.landing_url": "link to the output (from the person dealing with the report)",
}
GRADE_TEXTS: Mapping[str, str] = {
    "report": "Report: more than a minor delay",
    "note": "Note: a minor delay",
    "none": "None: no delay, or not proved",
}


def find_answer(fact: str, case: DraftInput) -> tuple[str, ...]:
    """Return the paragraphs that answer a fact without a person; empty if only a person can answer."""
    find = ANSWERS.get(fact)
    return tuple(each for each in find(case) if each) if find else ()


def describe_missing(fact: str) -> str:
    """Return what is missing for a fact, and which person can add it."""
    return MISSING_TEXTS.get(fact, "to be answered by the person dealing with the report")


def format_report_day(case: DraftInput) -> str:
    """Return the local date on which the draft was first issued."""
    return case.local_day(case.incident.opened)


def format_amendment_day(case: DraftInput) -> str:
    """Return the local date of the last amendment; empty if it is the date of the report."""
    today = case.local_day(case.now)
    return "" if today == format_report_day(case) else today


def group_practices_by_day(case: DraftInput) -> list[tuple[date, str]]:
    """Return each local date of occurrence with the practices that it concerns, in time order."""
    facts = case.facts
    found: dict[date, dict[str, None]] = {}
    for kind in case.kinds:
        at = case.incident.occurred
        # Each finding has its own day: a release may be exposed on Monday and late on Wednesday.
        if facts and kind == "early_exposure":
            at = (facts.exposures and facts.exposures[0].start.by) or at
        elif facts and facts.slot and case.incident.kind != "hand":
            at = facts.slot
        cites = found.setdefault(local_date(at, case.timezone), {})
        cites.update(dict.fromkeys(practice.cite for practice in find_practices(kind, case.edition)))
    return [(day, "; ".join(cites)) for day, cites in sorted(found.items())]


def _answer_date(case: DraftInput) -> tuple[str, ...]:
    """Return the dates of occurrence: those that a person typed, else the day of each finding."""
    typed = case.incident.words.get("when")
    if typed:
        return (_format_typed_dates(typed, case.timezone),)
    days = group_practices_by_day(case)
    # With several dates, name the practice that each one concerns.
    if len(days) == 1:
        return (day_text(days[0][0]),)
    return tuple(f"{day_text(day)} ({cites})" if cites else day_text(day) for day, cites in days)


def _format_typed_dates(typed: str, zone: str) -> str:
    """Return comma-separated ISO dates or date-times in readable form; return any other text unchanged."""
    instants = _parse_dates(typed, zone)
    whole = [len(each.strip()) <= len("2016-10-01") for each in typed.split(",")]
    ordered = sorted(zip(instants, whole, strict=False))
    named = [day_text(at.date()) if is_day else words.format_clock_day(at, zone) for at, is_day in ordered]
    return words.join(named) or typed


def _parse_dates(typed: str, zone: str) -> list[datetime]:
    """Return comma-separated ISO dates as instants, local without an offset; empty if one is not ISO."""
    try:
        read = [datetime.fromisoformat(each.strip()) for each in typed.split(",")]
    except ValueError:
        return []
    return [each if each.tzinfo else each.replace(tzinfo=ZoneInfo(zone)) for each in read]


def _answer_account(case: DraftInput) -> tuple[str, ...]:
    # Leave out the date if the form has a box for it.
    dates = _answer_date(case) if case.incident.kind == "hand" and "incident.date" not in case.requested_facts else ()
    when = (f"When it happened: {words.join(dates)}.",) if dates else ()
    account = describe_logged_incident(case) if case.incident.kind == "hand" else narrative.write_account(case)
    return (*when, *account, *write_chronology(case))


def _answer_grade(case: DraftInput) -> tuple[str, ...]:
    """Return the grade in words: as a person logged it, or with its reason if it was measured."""
    grade = case.incident.grade
    if case.incident.kind == "hand":
        return (words.capitalise(grade),)
    if grade == "report" and case.measured_facts is not None and case.measured_facts.exposures:
        return ("Report: available before its announced time",)
    return (GRADE_TEXTS.get(grade, grade),)


def _answer_practices(case: DraftInput) -> tuple[str, ...]:
    if not case.practices:
        return (OUTSIDE_CODE,) if case.is_outside_code else ()
    return (*(practice.citation for practice in case.practices), f"({case.edition.title}, edition {case.edition.name})")


def summarise_practices(fact: str, case: DraftInput) -> tuple[str, ...]:
    """Return our summaries of the practices cited, to help a person decide whether they apply; else empty."""
    if fact != "clause.cite":
        return ()
    briefs = [f"In brief, {each.cite}: {each.text}" for each in case.practices if not each.quoted]
    return (*briefs, f"The Code's own words: {CODE_URL}") if briefs else ()


def _answer_delay(case: DraftInput) -> tuple[str, ...]:
    facts = case.measured_facts
    return describe_logged_end(case) if facts is None else (*narrative.say_lengths(facts), *narrative.say_delays(facts))


def _answer_waits(case: DraftInput) -> tuple[str, ...]:
    """Return how long users waited, unless the form asks for lengths in another box."""
    facts = case.measured_facts
    return () if facts is None or "incident.delay" in case.requested_facts else narrative.say_delays(facts)


def _answer_accuracy(case: DraftInput) -> tuple[str, ...]:
    if case.measured_facts is None:
        return ("Dates and times are as staff recorded them.",)
    return ("Times are accurate to within two minutes, or given as a range.", *_answer_evidence(case))


def _answer_addresses(case: DraftInput) -> tuple[str, ...]:
    """Return the addresses of the statistics. Omit those typed for a leak or early access, because they show it."""
    typed = () if set(case.kinds) & {"leak", "access"} else case.incident.words.get("url", "").splitlines()
    return tuple(typed) or ((case.facts.url,) if case.facts else ())


def _answer_evidence(case: DraftInput) -> tuple[str, ...]:
    return ("The measured times and their evidence are set out in a separate document.",) if case.measured_facts else ()


ANSWERS: Mapping[str, Callable[[DraftInput], tuple[str, ...]]] = {
    "release.title": lambda case: (case.facts.title if case.facts else case.incident.title,),
    "release.landing_url": _answer_addresses,
    "producer.name": lambda case: (case.settings.get("name") or case.incident.producer,),
    "contact.hop": lambda case: (case.settings.get("head_of_profession", ""),),
    "contact.dealing": lambda case: (case.settings.get("contact", ""),),
    "config.reporting.recipient": lambda case: (case.settings.get("to", ""),),
    "report.date": lambda case: (format_report_date(format_report_day(case), format_amendment_day(case)),),
    "report.last_amended": lambda case: (format_amendment_date(format_amendment_day(case)),),
    "clause.cite": _answer_practices,
    "incident.date": _answer_date,
    "incident.narrative": _answer_account,
    "incident.previous": cite_earlier_incidents,
    "incident.delay": _answer_delay,
    "incident.certainty": _answer_accuracy,
    "incident.grade": _answer_grade,
    "incident.evidence_list": _answer_evidence,
    "impact.measured_sentence": _answer_waits,
    "release.slot": lambda case: (
        narrative.say_announcement(case.facts, "The release")
        if case.facts
        else case.incident.words.get("next_edition", ""),
    ),
    "human.corrective": lambda case: tuple(describe_action(each, case.timezone) for each in case.incident.actions),
}


def list_warnings(fact: str, case: DraftInput) -> tuple[str, ...]:
    """Return sentences on what a person should check about a fact."""
    if fact == "incident.date":
        return _check_dates(case)
    if fact == "incident.previous":
        return () if cite_earlier_incidents(case) else (NONE_ON_FILE,)
    if fact == "clause.cite" and not case.is_outside_code:
        unsure = words.join([practice.cite for practice in case.practices if not practice.is_confirmed])
        doubt = (f"The number of {unsure} is not confirmed: check it.",) if unsure else ()
        return (*doubt, *_check_slot_time(case))
    return ()


def _check_dates(case: DraftInput) -> tuple[str, ...]:
    """Return a warning for each date of occurrence that is at a weekend, long before the report, or after it."""
    typed = _parse_dates(case.incident.words.get("when", ""), case.timezone)
    days = [local_date(each, case.timezone) for each in typed or [case.incident.occurred]]
    reported = local_date(case.incident.opened, case.timezone)
    weekend = [day for day in days if day.weekday() >= 5]
    warnings = [f"Check the date: {day_text(day, weekday=True)} is not a working day." for day in weekend]
    if (reported - days[0]).days > 31:
        warnings.append("Check the date: the report is dated more than a month after the occurrence.")
    if days[0] > reported:
        warnings.append("Check the date: the occurrence is after the date of this report.")
    return tuple(warnings)


def _check_slot_time(case: DraftInput) -> tuple[str, ...]:
    """Return a sentence if the announced time is not 9.30am: such a time needs a permission on file."""
    slot: datetime | None = case.facts.slot if case.facts else None
    at = "" if slot is None else words.format_clock(slot, case.timezone)
    if at in ("", "9.30am"):
        return ()
    if reference := case.settings.get("slot_time_reference", ""):
        return (f"The announced time is {at}, not 9.30am; on file: {reference}.",)
    # Exemptions became alternative release times on 5 May 2022.
    permission = "an exemption" if case.edition.name in ("1.0", "2.0") else "an alternative release time"
    return (f"The announced time is {at}, not 9.30am: is {permission} on file?",)


def describe_logged_incident(case: DraftInput) -> tuple[str, ...]:
    """Return the account of a hand-logged incident: the person's own words, then the known facts of the release."""
    incident, typed = case.incident, case.incident.words
    what = typed.get("what", "")
    account = [f"{what}{'' if what.endswith(('.', '?', '!')) else '.'}"] if what else []
    account += () if "incident.delay" in case.requested_facts else describe_logged_end(case)
    linked = _answer_addresses(case) if "release.landing_url" in case.requested_facts else ()
    addresses = [url for url in typed.get("url", "").splitlines() if url not in linked]
    account += [f"It could be seen at {words.join(addresses)}."] if addresses else []
    account += [f"Latest published edition: {typed['last_edition'].rstrip('.')}."] if typed.get("last_edition") else []
    if "release.slot" in case.requested_facts:
        return tuple(account)
    if case.facts is not None:
        is_ahead = case.facts.slot is None or case.facts.slot > incident.occurred
        # A leak before the slot need not be of the release: it can be of the data behind it.
        subject = "The next release" if is_ahead and "leak" in case.kinds else "The release concerned"
        account.append(narrative.say_announcement(case.facts, subject))
    elif typed.get("next_edition"):
        account.append(f"Next release: {typed['next_edition'].rstrip('.')}.")
    return tuple(account)


def describe_logged_end(case: DraftInput) -> tuple[str, ...]:
    """Return when a logged incident ended and how long it lasted; empty if the person gave no end."""
    end = logged_end(case.incident, case.timezone)
    if end is None:
        return ()
    is_timed = "T" in case.incident.words["when"].split(",")[0]
    seconds = (end - case.incident.occurred).total_seconds()
    known = local_date(case.incident.occurred, case.timezone)
    after = f", after {words.round_length(Bounds(seconds, seconds))}" * is_timed
    return (f"It ended at {words.format_clock_day(end, case.timezone, known)}{after}.",)
