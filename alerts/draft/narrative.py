"""The sentences of reports and letters in civil-service style: what users could get, where and since when.

They contain no cause, intent or number of readers. Seconds, UTC and the method are in the evidence document.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from urllib.parse import unquote, urlsplit

from alerts import fact_rules
from alerts.draft import words
from alerts.draft.input import DraftInput, sort_parts
from alerts.finding import ROLE_NAMES, ReleaseFacts
from alerts.status import list_late_parts, was_public_at_slot, was_released
from schedules.contract.verdict import Ended, Exposure, PartVerdict
from schedules.times.interval import Bounds, Interval, magnitude, since
from schedules.times.words import count
from schedules.times.zone import local_date

SITE_NAMES: Mapping[str, str] = {"govuk": " on GOV.UK", "ons": " on the ONS website"}
"""The site on which each calendar announces, by the calendar's name. Other calendars are not named in sentences."""
ALTERNATIVE_NAMES: Mapping[str, str] = {
    "report": "the report",
    "bulletin": "the bulletin",
    "news": "a news story on the release",
    "post": "a post on the release",
}
"""The content of an alternative address, by its id. An address with another id may show only part of the release."""
FINDING_SENTENCES: Mapping[str, str] = {
    "swapped": "A file was replaced after it had been published.",
    "withdrawn": "Part of the release was removed after it had been published.",
    "calendars_disagree": "Different release times had been announced for it.",
    "short_notice": "Its release time was announced or changed at short notice.",
    "promise_in_doubt": "It is not certain that the announced time still applied.",
    "brought_forward": "An earlier release time had been announced.",
    "unannounced": "It had not been pre-announced.",
    "wrong_edition": "Another edition was shown in its place.",
    "wrong_content": "Other content was shown in its place.",
}
"""The sentence for each kind of finding that is not about times of availability. Details are in the evidence."""
EVIDENCE_IS_SEPARATE = "The measured times and their evidence are set out in a separate document."
ON_TIME_TOLERANCE = timedelta(minutes=1)
CAP_SUBJECT, SUBJECT, WAS, CAP_IT, IT = "\x00S", "\x00s", "\x00w", "\x00I", "\x00i"
"""Marks in a sentence for its subject, `was` or `were`, and `it` or `they`; CAP_: at the start of a sentence."""


def write_account(inputs: DraftInput) -> tuple[str, ...]:
    """Return the account: announced time and availability, a new time, and remarks on findings; empty without facts."""
    facts = inputs.facts
    if facts is None:
        return ()
    # Other questions of the form may ask for the lengths and the announced time.
    has_lengths, has_slot = "incident.delay" not in inputs.requested_facts, "release.slot" not in inputs.requested_facts
    times = say_availability(facts, has_lengths=has_lengths, is_named=has_slot)
    opening = [say_announcement(facts, "The release")] if has_slot else []
    paragraphs = [" ".join([*opening, *times])]
    if new_time := find_brought_forward_time(inputs):
        to, role = words.format_clock_day(new_time, facts.timezone), inputs.incident.words.get("brought_forward_by")
        decided = f"The {role} decided to bring the release forward" if role else "It was brought forward"
        paragraphs.append(f"{decided} to {to}.")
    return tuple(paragraph for paragraph in (*paragraphs, *_say_remarks(facts)) if paragraph)


def write_headline(inputs: DraftInput) -> str:
    """Return the announced time, and when and where users could get the release; empty without a measurement."""
    facts = inputs.measured_facts
    if facts is None:
        return ""
    # An e-mail must not spread the address of content that is public before its slot.
    is_due = facts.slot is None or facts.at >= facts.slot
    return " ".join([say_announcement(facts), *say_availability(facts, has_addresses=is_due)])


def say_announcement(facts: ReleaseFacts, subject: str = "") -> str:
    """Return the sentence on the announced time and site of the release. `subject` replaces its title."""
    name = subject or f"“{facts.title}”"
    if facts.slot is None and not facts.slot_text:
        return f"{name} had no announced release time."
    slot = words.format_clock_day(facts.slot, facts.timezone) if facts.slot else facts.slot_text
    return f"{name} was pre-announced{SITE_NAMES.get(facts.slot_source or '', '')} for {slot}."


def say_availability(
    facts: ReleaseFacts, *, has_lengths: bool = True, has_addresses: bool = True, is_named: bool = True
) -> list[str]:
    """Return sentences on when parts were public early, then on their release. Parts with the same times share one.

    `has_lengths`: add how early it was and for how long. `has_addresses`: add the addresses of files that were public
    early, and where else the release could be read. `is_named`: the sentence before has named the release.
    """
    parts = sort_parts(facts)
    awaited = [part for part in parts if part.can_be_late]
    # The sentences have marks for their subject. `_fill_subjects` replaces them by the parts that share a sentence.
    exposures = [(part, _say_exposures(part, facts, has_lengths=has_lengths)) for part in parts if part.exposures]
    releases = [(part, SENTENCE_WRITERS.get(part.verdict, _say_released)(part, facts)) for part in awaited]
    sentences = _fill_subjects(exposures, facts, has_addresses=has_addresses)
    # If a part was public early, readers want to know about those that are still to come.
    not_early = [part for part in awaited if not part.exposures and part.verdict == "pending"]
    if not_early and any(part.exposures for part in awaited):
        name, _ = _name_parts(not_early, facts)
        sentences.append(f"No early publication of {name} was found.")
    sentences += _fill_subjects(releases, facts)
    if is_named and sentences:
        sentences[0] = re.sub("^The release ", "It ", sentences[0])
    return [*sentences, *(_say_elsewhere(facts) if has_addresses else [])]


def say_lengths(facts: ReleaseFacts) -> tuple[str, ...]:
    """Return sentences on how long parts were public early, and how long before the slot. Equal parts share one."""
    sentences = []
    for part in sort_parts(facts):
        for exposure in part.exposures:
            lead = _format_lead(exposure, facts)
            # An exposure that lasted until the slot is as long as its lead.
            length = "" if exposure.ended is Ended.SLOT else words.round_length(exposure.seconds)
            details = ", ".join(filter(None, (f"for {length}" if length else "", f"from {lead}" if lead else "")))
            available = f"available {details}" if details else "available"
            sentences.append((part, f"{CAP_SUBJECT} {WAS} {available} before the announced time."))
    return tuple(_fill_subjects(sentences, facts))


def say_delays(facts: ReleaseFacts) -> tuple[str, ...]:
    """Return sentences on how long users waited for parts; empty if no wait is known to be a minute or longer.

    If part of the release could be read at another address, a sentence on the first such address comes first.
    """
    # A wait is the delay of the publication, or of users' access if a cache kept it for longer (`is_hidden`).
    wait_by_part = {part.id: (part, delay) for part, delay in list_late_parts(facts)}
    wait_by_part |= {part.id: (part, part.wait) for part in facts.parts if part.required and part.is_hidden}
    waits = [(part, wait) for part, wait in wait_by_part.values() if wait and (wait.min or 0.0) >= words.MINUTE]
    if not waits:
        return ()
    sentences = [
        (part, f"Access to {SUBJECT} was delayed by {words.round_length(wait)}{' so far' if wait.max is None else ''}.")
        for part, wait in waits
    ]
    # Sentences on other addresses with content of the release. Only the first one is used.
    elsewhere = []
    for part in _list_found_alternatives(facts):  # the earliest first
        delay = part.delay or Bounds()
        # An alternative that may have been out before the announced time does not count.
        if delay.max and delay.min is not None and delay.min >= 0:
            name, length = words.capitalise(_name_alternative(part)), words.round_length(delay)
            elsewhere.append(f"{name} could be read elsewhere {length} after the announced time.")
    return (*elsewhere[:1], *_fill_subjects(sentences, facts))


def find_brought_forward_time(inputs: DraftInput) -> datetime | None:
    """Return the new time if a person recorded that the release was brought forward, else None."""
    typed = inputs.incident.words.get("brought_forward")
    return datetime.fromisoformat(typed) if typed else None


def _say_remarks(facts: ReleaseFacts) -> list[str]:
    """Return one paragraph with sentences on findings other than the times of this release; empty without any."""
    kinds = dict.fromkeys(finding.kind for finding in facts.findings)  # each once, in order
    sentences = [sentence for sentence in map(FINDING_SENTENCES.get, kinds) if sentence is not None]
    if "platform" in kinds:
        # Do not name them. Only the list of earlier incidents may, if a person includes other producers there.
        sentences.append(f"Releases of other producers on {facts.host} were late at the same time.")
    return [" ".join(sentences)] if sentences else []


def _find_slot_day(facts: ReleaseFacts) -> date | None:
    """Return the local day of the announced time, None without one. Readers already know this day."""
    return local_date(facts.slot, facts.timezone) if facts.slot else None


def _format_interval(seen: Interval, facts: ReleaseFacts, prefix: str = "at about ") -> str:
    return words.round_interval(seen, facts.timezone, _find_slot_day(facts), prefix)


def _format_time(at: datetime, facts: ReleaseFacts) -> str:
    return words.format_clock_day(at, facts.timezone, _find_slot_day(facts))


def _say_exposures(part: PartVerdict, facts: ReleaseFacts, *, has_lengths: bool) -> str:
    """Return sentences on when a part was public before its slot, and how each exposure ended."""
    sentences = []
    for place, exposure in enumerate(part.exposures):
        lead = _format_lead(exposure, facts) if has_lengths else ""
        again = " again" if place else ""
        early = f", {lead} early" if lead else ""
        sentences.append(f"{CAP_SUBJECT} became available{again} {_format_interval(exposure.start, facts)}{early}.")
        sentences.append(_say_how_it_ended(part, exposure, facts, has_lengths=has_lengths))
    return " ".join(sentences)


def _format_lead(exposure: Exposure, facts: ReleaseFacts) -> str:
    """Return how long before the slot a part was public, empty if that is not known."""
    if facts.slot is None:
        return ""
    return words.round_length(magnitude(since(exposure.start, facts.slot)))


def _say_how_it_ended(part: PartVerdict, exposure: Exposure, facts: ReleaseFacts, *, has_lengths: bool) -> str:
    """Return the sentence on the end of an exposure: open, slot, removal (`has_lengths`: after how long), unknown."""
    # The sentence on the start already gave the day.
    began = exposure.start.by or exposure.start.after
    named_day = local_date(began, facts.timezone) if began else _find_slot_day(facts)
    if exposure.open:
        # If the last look did not show the part, `seen_until` is when an earlier look did. Else it is None.
        last_seen = part.seen_until or facts.at
        # The sentence on the start rounds its time, so a time less than a minute later could seem to be before it.
        is_too_near_to_start = began is not None and last_seen - began < ON_TIME_TOLERANCE
        if not is_too_near_to_start:
            return f"{CAP_IT} {WAS} still available at {words.format_clock_day(last_seen, facts.timezone, named_day)}."
        if part.seen_until is None:
            return f"{CAP_IT} had not yet been removed."
        return f"It is not known whether {IT} {WAS} removed."
    if exposure.ended is Ended.SLOT:
        return f"{CAP_IT} remained available until the announced time."
    if exposure.ended is not Ended.REMOVED:
        return f"It is not known whether {IT} {WAS} removed before the announced time."
    lasted = words.round_length(exposure.seconds) if has_lengths else ""
    after = f", after {lasted}" if lasted else ""
    return f"{CAP_IT} {WAS} removed {words.round_interval(exposure.to, facts.timezone, named_day)}{after}."


def _say_late(part: PartVerdict, facts: ReleaseFacts) -> str:
    """Return the sentence on when a late part came (to the minute, or a range), and how long a cache then hid it."""
    seen = fact_rules.find_appearance(part)
    if _is_hidden_for_minutes(part):
        return f"{CAP_SUBJECT} {WAS} published {_format_interval(seen, facts)}, but {_say_hidden_until(part, facts)}."
    is_range = words.find_nearest_minute(seen) is None
    if is_range:
        return f"{CAP_SUBJECT} became available {_format_interval(seen, facts)}."
    return f"{CAP_SUBJECT} {WAS} not available until {_format_interval(seen, facts, prefix='')}."


def _say_on_time(part: PartVerdict, facts: ReleaseFacts) -> str:
    slot = f" at {_format_time(facts.slot, facts)}" if facts.slot else ""
    hidden = f", but {_say_hidden_until(part, facts)}" if _is_hidden_for_minutes(part) else ""
    return f"{CAP_SUBJECT} {WAS} published as announced{slot}{hidden}."


def _is_hidden_for_minutes(part: PartVerdict) -> bool:
    """Return whether a cache kept a part from users for a minute or longer after its slot and its publication."""
    published = part.delay.max if part.delay and part.delay.max else 0.0
    return part.is_hidden and ((part.wait or Bounds()).min or 0.0) - max(published, 0.0) >= words.MINUTE


def _say_hidden_until(part: PartVerdict, facts: ReleaseFacts) -> str:
    """Return the words on until when users had no access to a part. `part.wait` bounds how long they waited."""
    wait, slot = part.wait or Bounds(), facts.slot or facts.at
    last_hidden = None if wait.min is None else slot + timedelta(seconds=wait.min)
    if wait.max is None:
        return f"users still had no access at {_format_time(last_hidden or facts.at, facts)}"
    access_began = Interval(last_hidden, slot + timedelta(seconds=wait.max))
    # A short interval is written as one minute (`until 9.51am`), a longer one as `until some time between … and …`.
    until = "until some time " if words.find_nearest_minute(access_began) is None else "until "
    return f"users had no access {until}{_format_interval(access_began, facts, prefix='')}"


def _say_overdue(part: PartVerdict, facts: ReleaseFacts) -> str:
    """Return the sentence that a part was still absent, at the latest time at which absence is proved."""
    proved = facts.at
    if facts.slot and part.delay and part.delay.min:
        proved = facts.slot + timedelta(seconds=part.delay.min)
    absent = "not available" if part.address == "announced" else "not found"
    return f"{CAP_SUBJECT} {WAS} still {absent} at {_format_time(proved, facts)}."


def _say_released(part: PartVerdict, facts: ReleaseFacts) -> str:
    """Return the sentence on when a part was released; empty if it is unseen, or was public early until its slot."""
    appeared = fact_rules.find_appearance(part)
    if appeared.by is None or was_public_at_slot(part):
        return ""
    # A part that was public early has the verdict `early`, even if it was also released on time or late.
    is_late = any(finding.kind == "late" and finding.part == part.id for finding in facts.findings)
    if is_late:
        return _say_late(part, facts)
    if not was_released(part):
        # The part may have come long before it was first seen, so do not say that it was published then.
        return f"{CAP_SUBJECT} {WAS} available {_format_interval(Interval(None, appeared.by), facts)}."
    was_early = bool(part.exposures)
    if was_early and facts.slot is not None and appeared.by <= facts.slot + ON_TIME_TOLERANCE:
        return _say_on_time(part, facts)
    return f"{CAP_SUBJECT} {WAS} published {_format_interval(appeared, facts)}."


def _say_unproven(part: PartVerdict, facts: ReleaseFacts) -> str:
    """Return the sentence on a part that is not proved on time, with the interval in which it was first seen."""
    seen = part.first_seen
    unknown = f"It is not known whether {SUBJECT} {WAS} published as announced"
    if seen.by is None:
        return f"{unknown}."
    came = "became available" if seen.after is not None else f"{WAS} available"
    return f"{unknown}; {IT} {came} {_format_interval(seen, facts)}."


SENTENCE_WRITERS: Mapping[str, Callable[[PartVerdict, ReleaseFacts], str]] = {
    "late": _say_late,
    "on_time": _say_on_time,
    "overdue": _say_overdue,
    "not_published": lambda _part, facts: f"{CAP_SUBJECT} had not been found by {_format_time(facts.at, facts)}.",
    "unproven": _say_unproven,
}


def _fill_subjects(
    texts: Iterable[tuple[PartVerdict, str]], facts: ReleaseFacts, *, has_addresses: bool = False
) -> list[str]:
    """Return each different sentence once, with all the parts that share it as its subject.

    `texts` are parts and sentences. Marks in these (`SUBJECT`, `WAS`, `IT`) become the parts' names, a verb, a pronoun.
    `has_addresses`: add the address if the only subject is a file or another page.
    """
    groups: dict[str, list[PartVerdict]] = {}
    for part, text in texts:
        if text:
            groups.setdefault(text, []).append(part)
    sentences = []
    for text, parts in groups.items():
        name, is_plural = _name_parts(parts, facts)
        if has_addresses and len(parts) == 1 and parts[0].role != "page":
            name += f" at {parts[0].url}"
        pronoun, verb = ("they", "were") if is_plural else ("it", "was")
        sentence = text.replace(CAP_SUBJECT, words.capitalise(name)).replace(SUBJECT, name).replace(WAS, verb)
        sentences.append(sentence.replace(CAP_IT, words.capitalise(pronoun)).replace(IT, pronoun))
    return sentences


def _name_parts(parts: Sequence[PartVerdict], facts: ReleaseFacts) -> tuple[str, bool]:
    """Return a name of parts for a sentence (`the release` if they are all of it), and whether it names several."""
    required = {part.id for part in facts.parts if part.can_be_late}
    has_all = bool(required) and required <= {part.id for part in parts}
    # If content was also found at another address, “the release” would be wrong for these parts, so name them.
    if has_all and not _list_found_alternatives(facts):
        return "the release", False
    by_role: dict[str, list[PartVerdict]] = {}
    for part in parts:
        by_role.setdefault(part.role, []).append(part)
    names = [_name_role(role, alike, facts) for role, alike in by_role.items()]
    return words.join(names), len(parts) > 1


def _name_role(role: str, parts: Sequence[PartVerdict], facts: ReleaseFacts) -> str:
    """Return a name for `parts`, which all have the same `role` in their release, such as `page` or `data`.

    If the release has no other part of this role: `the data file` or `the 2 data files`. If it has, they are named by
    their file names, or counted if an address has none: `one data file`.
    """
    if role == "alternative":
        # Each is another address with some content of the release, so it is named by that content.
        return words.join([_name_alternative(part) for part in parts])
    noun = "landing page" if role == "page" else ROLE_NAMES.get(role, role)
    is_one = len(parts) == 1
    number_in_release = sum(part.role == role for part in facts.parts)
    if len(parts) == number_in_release:
        return f"the {noun}" if is_one else f"the {count(len(parts), noun)}"
    file_names = [unquote(urlsplit(part.url).path.rsplit("/", 1)[-1]) for part in parts]
    if all("." in name for name in file_names):
        return f"the {noun if is_one else f'{noun}s'} {words.join(file_names)}"
    return f"one {noun}" if is_one else count(len(parts), noun)


def _list_found_alternatives(facts: ReleaseFacts) -> list[PartVerdict]:
    """Return the other addresses at which part of the release was found, earliest first."""
    alternatives = (part for part in facts.parts if part.role == "alternative" and not part.exposures)
    found = [(part.first_seen.by, part) for part in alternatives if part.first_seen.by]
    return [part for _, part in sorted(found, key=lambda seen_and_part: seen_and_part[0])]


def _name_alternative(part: PartVerdict) -> str:
    """Return what an alternative address has of the release: `the report`, or `content of the release` if unknown."""
    return ALTERNATIVE_NAMES.get(part.id, "content of the release")


def _say_elsewhere(facts: ReleaseFacts) -> list[str]:
    """Return one sentence on the content found at other addresses, with the start of each; empty if none was."""
    places = []
    for number, part in enumerate(_list_found_alternatives(facts)):
        # The verb of the first one is for all.
        verb = "" if number else " was available"
        places.append(f"{_name_alternative(part)}{verb} at {part.url} {say_since(part.first_seen, facts)}")
    return [f"{words.capitalise(words.join(places))}."] if places else []


def say_since(seen: Interval, facts: ReleaseFacts) -> str:
    """Return the start of availability in words: `from about 9.51am`, `by 10am`."""
    start = _format_interval(seen, facts, "from about ")
    return f"from some time {start}" if start.startswith("between") else start
