"""What answers each question of a form: from measurement, from configuration, or left to a person."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from zoneinfo import ZoneInfo

from alerts.actions import describe_action
from alerts.by_hand import logged_end
from alerts.draft import narrative, words
from alerts.draft.chronology import chronology
from alerts.draft.code import OUTSIDE_CODE, PUBLISHED, clauses
from alerts.draft.history import NONE_ON_FILE, previous
from alerts.draft.input import DraftInput
from alerts.draft.report import amended_text, dated
from schedules.times.interval import Bounds
from schedules.times.words import day_text
from schedules.times.zone import local_date

OPEN: Mapping[str, str] = {
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
GRADES: Mapping[str, str] = {
    "report": "Report: more than a minor delay",
    "note": "Note: a minor delay",
    "none": "None: no delay, or not proved",
}


def known(fact: str, case: DraftInput) -> tuple[str, ...]:
    """Return the paragraphs that a machine can give for a fact; empty when only a person can."""
    find = KNOWN.get(fact)
    return tuple(each for each in find(case) if each) if find else ()


def asks_for(fact: str) -> str:
    """Return what a person is asked to add for a fact, and who."""
    return OPEN.get(fact, "to be answered by the person dealing with the report")


def report_day(case: DraftInput) -> str:
    """Return the local date on which the draft was first issued."""
    return case.local_day(case.incident.opened)


def amended_day(case: DraftInput) -> str:
    """Return the local date of the last amendment, empty when it is that of the report."""
    today = case.local_day(case.now)
    return "" if today == report_day(case) else today


def occurrences(case: DraftInput) -> list[tuple[date, str]]:
    """Return each London date of occurrence with the practices it concerns, in time order."""
    zone = case.timezone
    facts = case.facts
    found: dict[date, dict[str, None]] = {}
    for kind in case.kinds:
        at = case.incident.occurred
        # A release may be exposed on Monday and late on Wednesday: each finding has its own day.
        if facts and facts.slot and kind != "early_exposure" and case.incident.kind != "hand":
            at = facts.slot
        if facts and kind == "early_exposure" and facts.exposures:
            at = facts.exposures[0].start.by or at
        cites = found.setdefault(local_date(at, zone), {})
        cites.update(dict.fromkeys(clause.cite for clause in clauses(kind, case.edition)))
    return [(day, "; ".join(cites)) for day, cites in sorted(found.items())]


def _date(case: DraftInput) -> tuple[str, ...]:
    typed = case.incident.words.get("when")
    if typed:
        return (_typed_dates(typed, case.timezone),)
    days = occurrences(case)
    # With several dates, name the practice that each one concerns.
    if len(days) == 1:
        return (day_text(days[0][0]),)
    return tuple(f"{day_text(day)} ({cites})" if cites else day_text(day) for day, cites in days)


def _typed_dates(typed: str, zone: str) -> str:
    """Return comma-separated ISO dates or date-times in readable form; return any other text unchanged."""
    instants = _read_dates(typed, zone)
    whole = [len(each.strip()) <= len("2016-10-01") for each in typed.split(",")]
    told = sorted(zip(instants, whole, strict=False))
    named = [day_text(at.date()) if is_day else words.clock_on(at, zone) for at, is_day in told]
    return words.joined(named) or typed


def _read_dates(typed: str, zone: str) -> list[datetime]:
    try:
        read = [datetime.fromisoformat(each.strip()) for each in typed.split(",")]
    except ValueError:
        return []
    return [each if each.tzinfo else each.replace(tzinfo=ZoneInfo(zone)) for each in read]


def _account(case: DraftInput) -> tuple[str, ...]:
    # A form with a box for the date has no need of it here.
    dates = _date(case) if case.incident.kind == "hand" and "incident.date" not in case.asked else ()
    when = (f"When it happened: {words.joined(dates)}.",) if dates else ()
    told = logged_by_hand(case) if case.incident.kind == "hand" else narrative.account(case)
    return (*when, *told, *chronology(case))


def _grade(case: DraftInput) -> tuple[str, ...]:
    grade = case.incident.grade
    if case.incident.kind == "hand":
        return (words.capital(grade),)
    if grade == "report" and case.measured is not None and case.measured.exposures:
        return ("Report: available before its announced time",)
    return (GRADES.get(grade, grade),)


def _clauses(case: DraftInput) -> tuple[str, ...]:
    if not case.clauses:
        return (OUTSIDE_CODE,) if case.is_outside_code else ()
    return (*(clause.cited for clause in case.clauses), f"({case.edition.title}, edition {case.edition.name})")


def summaries(fact: str, case: DraftInput) -> tuple[str, ...]:
    """Return our summaries of the cited practices, to help a person decide whether they apply."""
    told = [f"In brief, {each.cite}: {each.text}" for each in case.clauses if not each.quoted]
    return (*told, f"The Code's own words: {PUBLISHED}") if fact == "clause.cite" and told else ()


def _slot(case: DraftInput) -> tuple[str, ...]:
    typed = case.incident.words.get("next_edition", "")
    return (narrative.announcement(case.facts, "The release") if case.facts else typed,)


def _measure(case: DraftInput) -> tuple[str, ...]:
    facts = case.measured
    return lasted(case) if facts is None else (*narrative.lengths(facts), *narrative.delays(facts))


def _say_waits(case: DraftInput) -> tuple[str, ...]:
    """Return how long users waited, unless the form asks for lengths in another box."""
    return () if case.measured is None or "incident.delay" in case.asked else narrative.delays(case.measured)


def _say_accuracy(case: DraftInput) -> tuple[str, ...]:
    if case.measured is None:
        return ("Dates and times are as staff recorded them.",)
    return ("Times are accurate to within two minutes, or given as a range.", *_evidence(case))


def _link(case: DraftInput) -> tuple[str, ...]:
    """Return the addresses of the statistics. For a leak or early access, ignore the typed ones: they show the leak."""
    typed = () if set(case.kinds) & {"leak", "access"} else case.incident.words.get("url", "").splitlines()
    return tuple(typed) or ((case.facts.url,) if case.facts else ())


def _evidence(case: DraftInput) -> tuple[str, ...]:
    facts = case.measured
    if facts is None:
        return ()
    return ("The measured times and their evidence are set out in a separate document.",)


KNOWN: Mapping[str, Callable[[DraftInput], tuple[str, ...]]] = {
    "release.title": lambda case: (case.facts.title if case.facts else case.incident.title,),
    "release.landing_url": _link,
    "producer.name": lambda case: (case.settings.get("name") or case.incident.producer,),
    "contact.hop": lambda case: (case.settings.get("head_of_profession", ""),),
    "contact.dealing": lambda case: (case.settings.get("contact", ""),),
    "config.reporting.recipient": lambda case: (case.settings.get("to", ""),),
    "report.date": lambda case: (dated(report_day(case), amended_day(case)),),
    "report.last_amended": lambda case: (amended_text(amended_day(case)),),
    "clause.cite": _clauses,
    "incident.date": _date,
    "incident.narrative": _account,
    "incident.previous": previous,
    "incident.delay": _measure,
    "incident.certainty": _say_accuracy,
    "incident.grade": _grade,
    "incident.evidence_list": _evidence,
    "impact.measured_sentence": _say_waits,
    "release.slot": _slot,
    "human.corrective": lambda case: tuple(describe_action(each, case.timezone) for each in case.incident.actions),
}


def warnings(fact: str, case: DraftInput) -> tuple[str, ...]:
    """Return what a person should check about a fact."""
    if fact == "incident.date":
        return _date_warnings(case)
    if fact == "incident.previous":
        return () if previous(case) else (NONE_ON_FILE,)
    if fact == "clause.cite" and not case.is_outside_code:
        unsure = words.joined([clause.cite for clause in case.clauses if not clause.sure])
        doubt = (f"The number of {unsure} is not confirmed: check it.",) if unsure else ()
        return (*doubt, *_register_question(case))
    return ()


def _date_warnings(case: DraftInput) -> tuple[str, ...]:
    typed = _read_dates(case.incident.words.get("when", ""), case.timezone)
    days = [local_date(each, case.timezone) for each in typed or [case.incident.occurred]]
    reported = local_date(case.incident.opened, case.timezone)
    off = [f"Check the date: {day_text(day, weekday=True)} is not a working day." for day in days if day.weekday() >= 5]
    if (reported - days[0]).days > 31:
        off.append("Check the date: the report is dated more than a month after the occurrence.")
    if days[0] > reported:
        off.append("Check the date: the occurrence is after the date of this report.")
    return tuple(off)


def _register_question(case: DraftInput) -> tuple[str, ...]:
    slot: datetime | None = case.facts.slot if case.facts else None
    at = "" if slot is None else words.style_clock(slot, case.timezone)
    if at in ("", "9.30am"):
        return ()
    if reference := case.settings.get("slot_time_reference", ""):
        return (f"The announced time is {at}, not 9.30am; on file: {reference}.",)
    # Exemptions became alternative release times on 5 May 2022.
    asked = "an exemption" if case.edition.name in ("1.0", "2.0") else "an alternative release time"
    return (f"The announced time is {at}, not 9.30am: is {asked} on file?",)


def logged_by_hand(case: DraftInput) -> tuple[str, ...]:
    """Return the account of a hand-logged incident: the person's own words, then the known facts of the release."""
    incident, typed = case.incident, case.incident.words
    what = typed.get("what", "")
    said = [f"{what}{'' if what.endswith(('.', '?', '!')) else '.'}"] if what else []
    said += () if "incident.delay" in case.asked else lasted(case)
    linked = _link(case) if "release.landing_url" in case.asked else ()
    addresses = [url for url in typed.get("url", "").splitlines() if url not in linked]
    said += [f"It could be seen at {words.joined(addresses)}."] if addresses else []
    said += [f"Latest published edition: {typed['last_edition'].rstrip('.')}."] if typed.get("last_edition") else []
    if "release.slot" in case.asked:
        return tuple(said)
    if case.facts is not None:
        is_ahead = case.facts.slot is None or case.facts.slot > incident.occurred
        said.append(narrative.announcement(case.facts, "The next release" if is_ahead else "The release concerned"))
    elif typed.get("next_edition"):
        said.append(f"Next release: {typed['next_edition'].rstrip('.')}.")
    return tuple(said)


def lasted(case: DraftInput) -> tuple[str, ...]:
    """Return when a logged incident ended and how long it lasted; empty if the person gave no end."""
    end = logged_end(case.incident, case.timezone)
    if end is None:
        return ()
    is_timed = "T" in case.incident.words["when"].split(",")[0]
    seconds = (end - case.incident.occurred).total_seconds()
    long = Bounds(seconds, seconds)
    known = local_date(case.incident.occurred, case.timezone)
    told = f", after {words.roughly(long)}" * is_timed
    return (f"It ended at {words.clock_on(end, case.timezone, known)}{told}.",)
