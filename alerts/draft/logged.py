"""The sentences about an incident that a person logged: what happened, when, and when it was due.

Nothing here was measured, so no other incident of the release gives any of it.
"""

from __future__ import annotations

import math
from datetime import datetime

from alerts.by_hand import has_time_of_day, logged_end, parse_instants
from alerts.draft import words
from alerts.draft.edits import TIME, parse_minute
from alerts.incident import Incident
from schedules.times.interval import Bounds
from schedules.times.words import day_text, length
from schedules.times.zone import local_date

OUTCOMES = {
    "leak": "leak",
    "access": "access before release",
    "early_exposure": "early exposure",
    "late": "late release",
    "partial": "release without all of its parts",
    "swapped": "file replaced after its release",
    "unannounced": "unannounced release",
}
"""What an incident of each sort was, in a few words."""
_ENDS = {
    "leak": "It could be seen{lasted}, until {end}.",
    "access": "Those who received it had it{lasted}, until {end}.",
    "early_exposure": "It could be seen{lasted}, until {end}.",
    "late": "It became available at {end}.",
    "partial": "The missing parts became available at {end}.",
    "swapped": "The right version was in its place at {end}.",
}
_OTHER_END = "It ended at {end}."
_LOWERED = ("a", "an", "the", "one", "two", "three", "some", "several", "we", "our", "it", "this")
"""First words of a sentence that are not names, so that they can follow a comma."""


def describe_sort(incident: Incident) -> str:
    """Return what a logged incident was, in a few words."""
    sort = incident.words.get("sort", "leak")
    return OUTCOMES.get(sort, sort.replace("_", " "))


def logged_length(incident: Incident, timezone: str) -> Bounds | None:
    """Return how long it lasted, or how late it ended; None if the typed times do not say."""
    end = logged_end(incident, timezone)
    if end is None:
        return None
    begins: datetime | None = incident.occurred if has_time_of_day(incident) else None
    if incident.words.get("sort") in ("late", "partial"):
        due = read_due(incident, timezone)
        if due is not None:
            begins = due
    if begins is None or end <= begins:
        return None
    seconds = (end - begins).total_seconds()
    return Bounds(seconds, seconds)


def write_badge(incident: Incident, timezone: str) -> str:
    """Return what a logged incident was, and how long: `access before release, 8 min`."""
    lasted = logged_length(incident, timezone)
    text = describe_sort(incident)
    if lasted is None or lasted.min is None:
        return text
    return f"{text}, {length(lasted.min, math.floor, parts=2, tenths=False)}"


def read_due(incident: Incident, timezone: str) -> datetime | None:
    """Return the instant at which the release was due; None if unknown, or if only the day is."""
    typed = incident.words.get("due", "")
    if "T" in typed:
        return parse_instants(typed, timezone)[0]
    return None if typed or incident.facts is None else incident.facts.slot


def say_what_happened(incident: Incident, timezone: str) -> list[str]:
    """Return sentences on its begin, its end, and when the release was due."""
    sentences = [_say_when(incident, timezone)]
    sentences += say_end(incident, timezone)
    if due := incident.words.get("due"):
        sentences.append(f"The release was due {format_typed(due, timezone)}.")
    return sentences


def say_end(incident: Incident, timezone: str) -> list[str]:
    """Return the sentence on when it ended and how long it had lasted; empty without an end."""
    end = logged_end(incident, timezone)
    if end is None:
        return []
    sentence = _ENDS.get(incident.words.get("sort", "leak"), _OTHER_END)
    lasted = words.round_length(logged_length(incident, timezone))
    if lasted:
        lasted = f" for {lasted}"
    end_text = words.format_clock_day(end, timezone, local_date(incident.occurred, timezone))
    return [sentence.format(end=end_text, lasted=lasted)]


def name_dates(incident: Incident, timezone: str) -> str:
    """Return the typed dates in time order, as typed if one is not ISO; empty without any."""
    typed = incident.words.get("when", "")
    dates = [date.strip() for date in filter(None, typed.split(","))]
    try:
        instants = parse_instants(typed, timezone) if dates else []
    except ValueError:
        return typed
    named = []
    for instant, date in sorted(zip(instants, dates, strict=True)):
        if _is_day(date):
            named.append(day_text(local_date(instant, timezone)))
        else:
            named.append(words.format_clock_day(instant, timezone))
    return words.join(named)


def list_texts(incident: Incident) -> list[tuple[str, str]]:
    """Return each date as typed, with the line of text on it; empty unless there are several of
    both, and as many lines as dates.
    """
    texts = [line.strip() for line in incident.words.get("what", "").splitlines() if line.strip()]
    dates = [date.strip() for date in incident.words.get("when", "").split(",")]
    if len(dates) < 2 or len(texts) != len(dates):
        return []
    return sorted(zip(dates, texts, strict=True))


def _say_when(incident: Incident, timezone: str) -> str:
    """Return the typed sentence, or each of `list_texts`, with its time before it, or after it if
    it begins with a time.
    """
    if texts := list_texts(incident):
        return " ".join(_date_text(text, date, timezone) for date, text in texts)
    what, when = incident.words.get("what", "").strip(), incident.words.get("when", "")
    if "," in when:
        return f"{_end_sentence(what)} The dates concerned are {name_dates(incident, timezone)}."
    return _date_text(what, when or f"{local_date(incident.occurred, timezone)}", timezone)


def _date_text(text: str, date: str, timezone: str) -> str:
    """Return a typed text with its date as a sentence. Of a time that the text names itself, only
    the day is added.
    """
    what = _end_sentence(text)
    if _names_time(what, date):
        date = date[: len("2016-10-01")]
    when = format_typed(date, timezone)
    first_word = what.partition(" ")[0].lower()
    if first_word in ("at", "on", "in", "from", "between"):
        return f"{what} This happened {when}."
    if first_word in _LOWERED:
        return f"{words.capitalise(when)}, {what[:1].lower()}{what[1:]}"
    return f"{words.capitalise(when)}: {what}"


def _end_sentence(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _is_day(typed: str) -> bool:
    """Return whether a typed text is only a day."""
    return len(typed) <= len("2016-10-01")


def _names_time(sentence: str, typed: str) -> bool:
    """Return whether a sentence names the time of day of a typed local date-time."""
    if "T" not in typed:
        return False
    text = sentence.lower().replace("a.m.", "am").replace("p.m.", "pm")
    named = {parse_minute(found[0]) for found in TIME.finditer(text)}
    return parse_minute(typed.partition("T")[2]) in named


def format_typed(text: str, timezone: str) -> str:
    """Return a typed date-time as `at 9.30am on Friday 5 January 2018`, or a day as `on 5 January
    2018`; as typed if it is neither.
    """
    try:
        (instant,) = parse_instants(text, timezone)
    except ValueError:
        return text
    if _is_day(text):
        return f"on {day_text(local_date(instant, timezone), weekday=True)}"
    return f"at {words.format_clock_day(instant, timezone)}"
