"""The sentences of reports and letters in civil-service style: what users could get, and when.

They contain no cause, intent or number of readers. Seconds, UTC and the method are in the evidence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from urllib.parse import unquote, urlsplit

from alerts import fact_rules
from alerts.draft import words
from alerts.draft.input import DraftInput, sort_parts
from alerts.draft.report import Paragraphs
from alerts.finding import ReleaseFacts, title_part
from alerts.one_line import one_line
from alerts.status import list_late_parts, say_instead, was_public_at_slot, was_released
from schedules.contract.verdict import (
    LATE_VERDICTS,
    Ended,
    Exposure,
    Finding,
    FindingKind,
    PartVerdict,
    VerdictKind,
)
from schedules.times.interval import Bounds, Interval, magnitude, since
from schedules.times.words import count
from schedules.times.zone import local_date

ALTERNATIVE_NAMES = {
    "report": "the report",
    "bulletin": "the bulletin",
    "news": "a news story on the release",
    "post": "a post on the release",
}
"""What an alternative address has, by its id. Others may show only part of the release."""
WHOLE = "the release"
"""The subject if it is true of every required part."""
FINDING_SENTENCES = {
    "swapped": "A file was replaced after it had been published.",
    "withdrawn": "Part of the release was removed after it had been published.",
    "calendars_disagree": "Different release times had been announced for it.",
    "short_notice": "Its release time was announced or changed at short notice.",
    "promise_in_doubt": "It is not certain that the announced time still applied.",
    "brought_forward": "Its announced release time was brought forward.",
    "unannounced": "It had not been pre-announced.",
    "wrong_edition": "Another edition was shown in its place.",
    "wrong_content": "Other content was shown in its place.",
    "marked_draft": "A file was marked as not to be published.",
}
"""For findings that are not about times. Details are in the evidence."""
MARKED_WITHDRAWN = "Part of the release was marked as withdrawn after it had been published."
EVIDENCE_IS_SEPARATE = "The measured times and their evidence are set out in a separate document."
ON_TIME_TOLERANCE = timedelta(minutes=1)
_MARK = re.compile(r"<(\w+)>")
"""A word of a sentence that depends on its subject: `_fill_sentence` says which there are."""


def write_account(inputs: DraftInput) -> Paragraphs:
    """Return the account in paragraphs, empty without facts."""
    facts = inputs.facts
    if facts is None:
        return ()
    # Another question of the form may ask for these.
    has_slot = "release.slot" not in inputs.requested_facts
    has_lengths = "incident.delay" not in inputs.requested_facts
    times = say_availability(facts, has_lengths=has_lengths, is_named=has_slot)
    opening = [*_say_readings(facts), *times]
    if has_slot:
        opening.insert(0, say_announcement(facts, "The release"))
    paragraphs = [" ".join(opening)]
    if new_time := find_brought_forward_time(inputs):
        decided = "It was brought forward"
        if role := inputs.incident.words.get("brought_forward_by"):
            decided = f"The {role} decided to bring the release forward"
        paragraphs.append(f"{decided} to {words.format_clock_day(new_time, facts.timezone)}.")
    paragraphs.append(_say_remarks(facts))
    if inputs.series.last_edition:
        paragraphs.append(f"The last edition before it was {inputs.series.last_edition}.")
    return tuple(filter(None, paragraphs))


def write_headline(facts: ReleaseFacts) -> str:
    """Return the announced time, and when and where users got the release."""
    # An e-mail must not spread the address of an exposure.
    is_due = facts.slot is None or facts.at >= facts.slot
    return " ".join([say_announcement(facts), *say_availability(facts, has_addresses=is_due)])


def say_announcement(facts: ReleaseFacts, subject: str = "") -> str:
    """Return the sentence on the announced time and site. `subject` replaces the title."""
    name = subject or f"“{facts.title}”"
    if facts.slot is None and not facts.slot_text:
        return f"{name} had no announced release time."
    slot = facts.slot_text
    if facts.slot:
        slot = words.format_clock_day(facts.slot, facts.timezone)
    # Other calendars are not named.
    site = {"govuk": " on GOV.UK", "ons": " on the ONS website"}.get(facts.slot_source or "", "")
    return f"{name} was pre-announced{site} for {slot}."


def _say_readings(facts: ReleaseFacts) -> list[str]:
    """Return sentences on what a doubtful text could mean, and who settled it."""
    readings = facts.readings
    if readings is None:
        return []
    day = _find_slot_day(facts)
    could_be = "gave no clear time"
    if readings.times:
        times = [words.format_clock_day(time, facts.timezone, day) for time in readings.times]
        could_be = f"could be read as {' or '.join(times)}"
    sentences = [f"The time as announced, “{one_line(readings.text)}”, {could_be}."]
    if readings.at is not None and facts.slot is not None:
        said = words.format_clock_day(readings.at, facts.timezone, day)
        meant = words.format_clock_day(facts.slot, facts.timezone, day)
        sentences.append(f"The {readings.by} said at {said} that {meant} was meant.")
    return sentences


def say_availability(
    facts: ReleaseFacts,
    *,
    has_lengths: bool = True,
    has_addresses: bool = True,
    is_named: bool = True,
) -> list[str]:
    """Return sentences on when parts were public early, then on their release.

    `has_lengths` adds how early, `has_addresses` where. `is_named`: the sentence before has named
    the release.
    """
    parts = sort_parts(facts)
    announced = [part for part in parts if part.can_be_late]
    exposures = [
        (part, _say_exposures(part, facts, has_lengths=has_lengths))
        for part in parts
        if part.exposures
    ]
    sentences = _fill_subjects(exposures, facts, has_addresses=has_addresses)
    sentences += _say_not_early(announced, facts)
    releases = [
        (part, SENTENCE_WRITERS.get(part.verdict, _say_released)(part, facts)) for part in announced
    ]
    sentences += _fill_subjects(releases, facts)
    if is_named and sentences:
        sentences[0] = re.sub("^The release ", "It ", sentences[0])
    if has_addresses:
        for part in _list_found_alternatives(facts):
            name = words.capitalise(_name_alternative(part))
            since = say_since(part.first_seen, facts)
            sentences.append(f"{name} was available at {part.shown_at} {since}.")
    return sentences


def _say_not_early(announced: Sequence[PartVerdict], facts: ReleaseFacts) -> list[str]:
    """Return that the other parts were not public early, before the slot that none was found."""
    others = [part for part in announced if not part.exposures]
    if len(others) == len(announced):
        return []
    sentences = []
    if pending := [part for part in others if part.verdict == "pending"]:
        name, _ = _name_parts(pending, facts)
        sentences.append(f"No early publication of {name} was found.")
    not_early = "<Subject> <was> not <available> before the announced time."
    # Looks prove that these were absent until their slot.
    absent = [
        (part, not_early)
        for part in others
        if part.early_bound is not None or part.verdict in LATE_VERDICTS
    ]
    return [*sentences, *_fill_subjects(absent, facts)]


def say_lengths(facts: ReleaseFacts, *, has_lead: bool = True) -> Paragraphs:
    """Return sentences on how long parts were public early, and with `has_lead` how early."""
    sentences = []
    for part in sort_parts(facts):
        for exposure in part.exposures:
            details = []
            # One that lasted until the slot is as long as it was early.
            if exposure.ended is not Ended.SLOT and (
                length := words.round_length(exposure.seconds)
            ):
                details.append(f"for {length}")
            if has_lead and (how_early := _say_how_early(exposure, facts)):
                details.append(f"from {how_early}")
            if has_lead or details:
                available = f"available {', '.join(details)}".strip()
                sentence = f"<Subject> <was> {available} before the announced time."
                sentences.append((part, sentence))
    return tuple(_fill_subjects(sentences, facts))


def say_delays(facts: ReleaseFacts) -> Paragraphs:
    """Return sentences on how long users waited for parts, a minute or more, the longest first.

    Other addresses that had part of the release come last.
    """
    # The delay of the publication, or of users if a cache hid it.
    wait_by_part = {part.id: (part, delay) for part, delay in list_late_parts(facts)}
    wait_by_part |= {
        part.id: (part, part.wait) for part in facts.parts if part.required and part.is_hidden
    }
    waits = [
        (part, wait)
        for part, wait in wait_by_part.values()
        if wait and (wait.min or 0.0) >= words.MINUTE
    ]
    if not waits:
        return ()
    # One that still lasts comes first, then the longest.
    waits.sort(key=lambda one: (one[1].max is not None, -(one[1].max or 0.0)))
    sentences = []
    for part, wait in waits:
        delayed = f"was delayed by {words.round_length(wait)}"
        if wait.max is None:
            delayed += " so far"
        sentences.append((part, f"Access to <subject><place> {delayed}."))
    elsewhere = [
        f"{words.capitalise(_name_alternative(part))} was at another address"
        f" {say_since(part.first_seen, facts)}."
        for part in list_later_alternatives(facts)
    ]
    return (*_fill_subjects(sentences, facts), *elsewhere)


def list_later_alternatives(facts: ReleaseFacts) -> list[PartVerdict]:
    """Return other addresses that surely had content only after the slot, in order."""
    later = []
    for part in _list_found_alternatives(facts):
        delay = part.delay or Bounds()
        if delay.max and delay.min is not None and delay.min >= 0:
            later.append(part)
    return later


def find_brought_forward_time(inputs: DraftInput) -> datetime | None:
    """Return the new time if a person recorded that it was brought forward, else None."""
    typed = inputs.incident.words.get("brought_forward")
    return datetime.fromisoformat(typed) if typed else None


def _say_remarks(facts: ReleaseFacts) -> str:
    """Return one paragraph on findings that are not about times, empty without any."""
    wrong_file = fact_rules.find_wrong_file(facts)
    kinds = dict.fromkeys(finding.kind for finding in facts.findings if finding is not wrong_file)
    sentences = [FINDING_SENTENCES[kind] for kind in kinds if kind in FINDING_SENTENCES]
    withdrawals = [finding for finding in facts.findings if finding.kind == FindingKind.WITHDRAWN]
    if withdrawals and all(finding.is_readable for finding in withdrawals):
        place = sentences.index(FINDING_SENTENCES["withdrawn"])
        sentences[place] = MARKED_WITHDRAWN
    if wrong_file is not None:
        sentences.append(_say_wrong_file(wrong_file, facts))
    if "platform" in kinds:
        # The finding `platform`: several producers on one host were late together. Do not name the
        # other producers.
        sentences.append(f"Releases of other producers on {facts.host} were late at the same time.")
    return " ".join(sentences)


def _say_wrong_file(wrong_file: Finding, facts: ReleaseFacts) -> str:
    """Return which file was another one, from when to when as far as known, and what it was."""
    parts = [part for part in facts.parts if part.id == wrong_file.part]
    file_names = (urlsplit(part.url).path.rpartition("/")[2] for part in parts)
    sentence = " ".join(filter(None, ("The file", next(file_names, ""), "was there")))
    began, stay = wrong_file.at, wrong_file.seconds
    if began is not None:
        began_at = words.format_clock_day(began, facts.timezone, _find_slot_day(facts))
        sentence += f" from {began_at}"
        if stay is not None and stay.min is not None and stay.max is not None:
            limits = (began + timedelta(seconds=seconds) for seconds in (stay.min, stay.max))
            sentence += f" {_say_until(Interval(*limits), facts)}"
    if wrong_file.instead:
        return f"{sentence}, but it was {say_instead(wrong_file)}."
    # Of two releases with the same file, no one knows whose it is.
    if any(part.verdict is VerdictKind.UNPROVEN for part in parts):
        return f"{sentence}, but it is not certain that it was this release's."
    return f"{sentence}, but it was not this release's."


def _find_slot_day(facts: ReleaseFacts) -> date | None:
    return facts.slot and local_date(facts.slot, facts.timezone)


def _was_early_on_another_day(facts: ReleaseFacts) -> bool:
    """Return whether the text names another day, so that a time needs the slot's day too."""
    limits = (each.by for exposure in facts.exposures for each in (exposure.start, exposure.to))
    days = {local_date(at, facts.timezone) for at in limits if at is not None}
    return bool(days - {_find_slot_day(facts)})


def _format_interval(seen: Interval, facts: ReleaseFacts, prefix: str = "at about ") -> str:
    names_day = _was_early_on_another_day(facts)
    day = _find_slot_day(facts)
    return words.round_interval(seen, facts.timezone, day, prefix, names_day=names_day)


def _format_time(at: datetime, facts: ReleaseFacts) -> str:
    names_day = _was_early_on_another_day(facts)
    return words.format_clock_day(at, facts.timezone, _find_slot_day(facts), names_day=names_day)


def _say_exposures(part: PartVerdict, facts: ReleaseFacts, *, has_lengths: bool) -> str:
    """Return sentences on when a part was public before its slot, and how each exposure ended.

    `has_lengths`: they also say how early it was.
    """
    sentences: list[str] = []
    for exposure in part.exposures:
        again = " again" if sentences else ""
        start = _format_interval(exposure.start, facts)
        if has_lengths and (how_early := _say_how_early(exposure, facts)):
            start += f", {how_early} early"
        sentences.append(f"<Subject> became available{again} {start}.")
        sentences.append(_say_how_it_ended(part, exposure, facts))
    # it came and went: only the first start and the last end matter
    if (returns := len(part.exposures) - 1) > 1:
        sentences[1:-1] = [f"<It> <was> removed and became available again {returns} times."]
    return " ".join(sentences)


def _say_how_early(exposure: Exposure, facts: ReleaseFacts) -> str:
    if facts.slot is None:
        return ""
    return words.round_length(magnitude(since(exposure.start, facts.slot)))


def _say_how_it_ended(part: PartVerdict, exposure: Exposure, facts: ReleaseFacts) -> str:
    # The sentence before, on the start of the exposure, has named its day.
    began = exposure.start.by or exposure.start.after
    named_day = local_date(began, facts.timezone) if began else _find_slot_day(facts)
    if exposure.open:
        return _say_still_open(part, began, facts, named_day)
    if exposure.ended is Ended.SLOT:
        return "<It> remained available until the announced time."
    if exposure.ended is not Ended.REMOVED:
        return "It is not known whether <it> <was> removed before the announced time."
    removed = words.round_interval(exposure.to, facts.timezone, named_day)
    return f"<It> <was> removed {removed}."


def _say_still_open(
    part: PartVerdict, began: datetime | None, facts: ReleaseFacts, named_day: date | None
) -> str:
    """Return that a part was still public when last seen, or was not seen removed."""
    # `seen_until` is None while looks show the part.
    last_seen = part.seen_until or facts.at
    # In minutes, a sight soon after the start could seem to be before it.
    if began is None or last_seen - began >= timedelta(minutes=1):
        last_seen_at = words.format_clock_day(last_seen, facts.timezone, named_day)
        return f"<It> <was> still available at {last_seen_at}."
    if part.seen_until is None:
        return "<It> had not yet been removed."
    return "It is not known whether <it> <was> removed."


def _say_late(part: PartVerdict, facts: ReleaseFacts) -> str:
    """Return when a late part came, and until when a cache then hid it."""
    appeared = fact_rules.find_appearance(part)
    if _is_hidden_for_minutes(part):
        published = f"<Subject> <was> published {_format_interval(appeared, facts)}"
        return f"{published}, but {_say_hidden_until(part, facts)}."
    until = _say_until(appeared, facts)
    if (out_by := fact_rules.find_earlier_publication(facts, part)) is not None:
        by = _format_interval(Interval(None, out_by), facts)
        return f"<Subject> <was> published {by}, but users had no access {until}."
    return f"<Subject> <was> not <available>{_say_again(part)} {until}."


def _say_again(part: PartVerdict) -> str:
    """Return `" again"` if a part was public before its slot."""
    return " again" if part.exposures else ""


def _say_until(seen: Interval, facts: ReleaseFacts) -> str:
    """Return `until 9.51am`, `until about 9.51am` or `until some time between 9.40am
    and 9.51am`.
    """
    about = "about "
    if words.find_nearest_minute(seen) is None:
        about = "some time "
    elif words.is_one_minute(seen):
        about = ""
    return f"until {about}{_format_interval(seen, facts, prefix='')}"


def _say_on_time(part: PartVerdict, facts: ReleaseFacts) -> str:
    sentence = "<Subject> <was> published as announced"
    if facts.slot:
        sentence += f" at {_format_time(facts.slot, facts)}"
    if _is_hidden_for_minutes(part):
        sentence += f", but {_say_hidden_until(part, facts)}"
    return f"{sentence}."


def _is_hidden_for_minutes(part: PartVerdict) -> bool:
    """Return whether a cache hid a part for a minute or longer after slot and publication."""
    published = (part.delay or Bounds()).max or 0.0
    wait = (part.wait or Bounds()).min or 0.0
    return part.is_hidden and wait - max(published, 0.0) >= words.MINUTE


def _say_hidden_until(part: PartVerdict, facts: ReleaseFacts) -> str:
    """Return `users had no access until 9.51am`, or `users still had no access at 9.51am`."""
    wait, slot = part.wait or Bounds(), facts.slot or facts.at
    without_access = None
    if wait.min is not None:
        without_access = slot + timedelta(seconds=wait.min)
    if wait.max is None:
        return f"users still had no access at {_format_time(without_access or facts.at, facts)}"
    access_began = Interval(without_access, slot + timedelta(seconds=wait.max))
    return f"users had no access {_say_until(access_began, facts)}"


def _say_overdue(part: PartVerdict, facts: ReleaseFacts) -> str:
    """Return that a part was still absent when that was last proved, or hidden by a cache."""
    is_published = any(
        finding.kind == FindingKind.STALE_EDGE and finding.part == part.id
        for finding in facts.findings
    )
    if is_published and part.is_hidden:
        return f"<Subject> <was> published, but {_say_hidden_until(part, facts)}."
    proved = facts.at
    if facts.slot and part.delay and part.delay.min:
        proved = facts.slot + timedelta(seconds=part.delay.min)
    absent = "<available>" if part.address == "announced" else "found"
    return f"<Subject> <was> still not {absent}{_say_again(part)} at {_format_time(proved, facts)}."


def _say_released(part: PartVerdict, facts: ReleaseFacts) -> str:
    """Return when a part was released at or after its slot, for verdicts such as `early`, or ""."""
    appeared = fact_rules.find_appearance(part)
    if appeared.by is None or was_public_at_slot(part):
        return ""
    # It may have been public early and removed, and then come late.
    is_late = any(
        finding.kind == FindingKind.LATE and finding.part == part.id for finding in facts.findings
    )
    if is_late:
        return _say_late(part, facts)
    if not was_released(part):
        # It may have come long before, so only say `by`.
        return f"<Subject> <was> available {_format_interval(Interval(None, appeared.by), facts)}."
    if part.exposures and facts.slot is not None and appeared.by <= facts.slot + ON_TIME_TOLERANCE:
        return _say_on_time(part, facts)
    return f"<Subject> <was> published {_format_interval(appeared, facts)}."


def _say_unproven(part: PartVerdict, facts: ReleaseFacts) -> str:
    """Return that it is unknown whether a part was on time, and when it was first seen."""
    unknown = "It is not known whether <subject> <was> published as announced"
    if part.changed.by is not None:
        changed = _format_interval(part.changed, facts)
        return f"{unknown}; what had been at its address before changed {changed}."
    seen = part.first_seen
    if seen.by is None:
        return f"{unknown}."
    what = "<it> became available"
    if seen.after is None:  # no proof of absence before
        # A file may be the edition before.
        what = "<it> <was> available" if part.role == "page" else "something was at its address"
    return f"{unknown}; {what} {_format_interval(seen, facts)}."


SENTENCE_WRITERS: Mapping[str, Callable[[PartVerdict, ReleaseFacts], str]] = {
    "late": _say_late,
    "on_time": _say_on_time,
    "overdue": _say_overdue,
    "not_published": lambda part, facts: (
        f"<Subject> had not been found{_say_again(part)} by {_format_time(facts.at, facts)}."
    ),
    "unproven": _say_unproven,
}


def _fill_subjects(
    texts: Iterable[tuple[PartVerdict, str]], facts: ReleaseFacts, *, has_addresses: bool = False
) -> list[str]:
    """Return each different sentence once, with all parts that share it as its subject.

    `has_addresses` adds the address of a single file or other page.
    """
    groups: dict[str, list[PartVerdict]] = {}
    for part, text in texts:
        if text:
            groups.setdefault(text, []).append(part)
    sentences: list[str] = []
    for text, parts in groups.items():
        sentences += [
            _fill_sentence(text, alike, facts, has_addresses=has_addresses)
            for alike in _separate_page(text, parts, facts)
        ]
    return sentences


def _separate_page(
    text: str, parts: list[PartVerdict], facts: ReleaseFacts
) -> list[list[PartVerdict]]:
    """Return the parts that can share a sentence, the page apart if `text` says where
    it was not.
    """
    page = [part for part in parts if _is_without_release(text, [part], facts)]
    others = [part for part in parts if part not in page]
    if not page or not others or _is_whole(parts, facts):
        return [parts]
    return [page, others]


def _is_without_release(text: str, parts: Sequence[PartVerdict], facts: ReleaseFacts) -> bool:
    """Return whether a sentence is only about the landing page, which had other content."""
    is_about_place = "<available>" in text or "<place>" in text
    is_page = len(parts) == 1 and parts[0].role == "page" and parts[0].had_other_content
    return is_about_place and is_page and not _is_whole(parts, facts)


def _fill_sentence(
    text: str, parts: Sequence[PartVerdict], facts: ReleaseFacts, *, has_addresses: bool
) -> str:
    name, is_plural = _name_parts(parts, facts)
    available, place = "available", ""
    if _is_without_release(text, parts, facts):
        name, available, place = WHOLE, "on its landing page", " on its landing page"
    if has_addresses and len(parts) == 1 and parts[0].role != "page":
        name += f" at {parts[0].shown_at}"
    it, was = ("they", "were") if is_plural else ("it", "was")
    # A word for each mark. One with a capital letter begins a sentence.
    word_of = {"subject": name, "it": it, "was": was, "available": available, "place": place}
    word_of |= {"Subject": words.capitalise(name), "It": words.capitalise(it)}
    return _MARK.sub(lambda mark: word_of[mark[1]], text)


def _name_parts(parts: Sequence[PartVerdict], facts: ReleaseFacts) -> tuple[str, bool]:
    """Return a name of parts (`the release` for all), and whether it is plural."""
    if _is_whole(parts, facts):
        return WHOLE, False
    by_noun: dict[str, list[PartVerdict]] = {}
    for part in parts:
        by_noun.setdefault(_find_noun(part), []).append(part)
    names = [_name_alike(noun, alike, facts) for noun, alike in by_noun.items()]
    is_plural = len(parts) > 1 or names[0].endswith("tables")
    return words.join(names), is_plural


def _is_whole(parts: Sequence[PartVerdict], facts: ReleaseFacts) -> bool:
    """Return whether parts are all of the release, of which another address had none since its
    slot.
    """
    required = {part.id for part in facts.parts if part.can_be_late}
    has_all = bool(required) and required <= {part.id for part in parts}
    was_elsewhere = any(
        part.role == "alternative" and part.exposures and part.released.by is not None
        for part in facts.parts
    )
    return has_all and not was_elsewhere and not _list_found_alternatives(facts)


def _find_noun(part: PartVerdict) -> str:
    return "landing page" if part.role == "page" else title_part(part)


def _name_alike(noun: str, parts: Sequence[PartVerdict], facts: ReleaseFacts) -> str:
    """Return a name for parts of one `noun`: `the data file`, `the 2 data files`.

    If there are others, they have their file names or, without, a count: `one data file`.
    """
    if parts[0].role == "alternative":
        # Named by its content.
        return words.join([_name_alternative(part) for part in parts])
    number_in_release = sum(_find_noun(part) == noun for part in facts.parts)
    is_one = len(parts) == 1
    counted = noun if is_one else count(len(parts), noun)
    if len(parts) == number_in_release:
        return f"the {counted}"
    file_names = [unquote(urlsplit(part.url).path.rsplit("/", 1)[-1]) for part in parts]
    if all("." in name for name in file_names):
        return f"the {noun if is_one else f'{noun}s'} {words.join(file_names)}"
    return f"one {noun}" if is_one else counted


def _list_found_alternatives(facts: ReleaseFacts) -> list[PartVerdict]:
    alternatives = (
        part for part in facts.parts if part.role == "alternative" and not part.exposures
    )
    found = [(part.first_seen.by, part) for part in alternatives if part.first_seen.by]
    return [part for _, part in sorted(found, key=lambda seen_and_part: seen_and_part[0])]


def _name_alternative(part: PartVerdict) -> str:
    return ALTERNATIVE_NAMES.get(part.id, "content of the release")


def say_since(seen: Interval, facts: ReleaseFacts) -> str:
    """Return the start of availability in words: `from about 9.51am`, `by 10am`."""
    start = _format_interval(seen, facts, "from about ")
    return f"from some time {start}" if start.startswith("between") else start
