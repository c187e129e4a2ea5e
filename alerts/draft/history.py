"""Cites earlier incidents: their dates, what they share with this one, and the causes logged."""

from __future__ import annotations

from collections import Counter

from alerts.draft import words
from alerts.draft.input import DraftInput
from alerts.draft.logged import describe_sort
from alerts.draft.report import Paragraphs
from alerts.incident import Incident
from schedules.times.words import count


def say_none_recorded(inputs: DraftInput) -> str:
    """Return the sentence that no earlier incident is on record, and since when there are
    records.
    """
    sentence = "The monitor has recorded no earlier incident of this release, producer or platform"
    if inputs.recorded_since is not None:
        sentence += f" since {inputs.local_day(inputs.recorded_since)}"
    return f"{sentence}."


def cite_earlier_incidents(inputs: DraftInput) -> Paragraphs:
    """Return a sentence on each earlier incident that shares something with this, oldest first, on
    late editions in a row, and on their causes.
    """
    # What each earlier incident shares with this one: `release`, `series`, `producer`, `platform`,
    # …, or empty if nothing.
    shared = {other.id: describe_shared(other, inputs.incident) for other in inputs.previous}
    for other_id in inputs.series.incidents & shared.keys():
        if shared[other_id] != "release":
            shared[other_id] = "series"
    earlier = []
    for other in sorted(inputs.previous, key=lambda other: other.occurred):
        # It is stored as an incident of a platform without releases, and only lists incidents.
        is_period_report = other.kind == "platform" and not other.linked
        if not other.has_draft or is_period_report or other.id == inputs.incident.id:
            continue
        if shared[other.id]:
            earlier.append(other)
    # Many incidents can share only the platform. The newest 3 have a sentence each, the older ones
    # are only counted.
    only_counted = [other for other in earlier if shared[other.id] == "platform"][:-3]
    sentences = [
        _cite_incident(other, shared[other.id], inputs)
        for other in earlier
        if other not in only_counted
    ]
    if only_counted:
        # This sentence comes first, and “before that” means before the incidents that the next
        # sentences cite.
        sentences.insert(
            0, f"On the same platform {count(len(only_counted), 'further incident')} before that."
        )
    if inputs.series.late_in_row > 1:
        ordinal = words.format_ordinal(inputs.series.late_in_row)
        sentences.append(f"This is the {ordinal} late edition in a row of this series.")
    causes = Counter(other.words["cause"] for other in earlier if other.words.get("cause"))
    repeated = [
        f"{cause} ({count(number, 'time')})" for cause, number in causes.most_common() if number > 1
    ]
    if repeated:
        sentences.append(f"Causes that occurred more than once: {words.join(repeated)}.")
    return tuple(sentences)


def _cite_incident(earlier: Incident, shared: str, inputs: DraftInput) -> str:
    """Return a sentence on an earlier incident: its day, series or platform (if in `shared`),
    release, outcome and cause.
    """
    where = ""
    if shared == "series":
        where = " of the same series"
    elif "platform" in shared:
        where = " on the same platform"
    title = f"“{earlier.title}”"
    if earlier.producer != inputs.incident.producer:
        title += f" ({inputs.settings.get(f'name of {earlier.producer}') or 'another producer'})"
    sentence = (
        f"An earlier incident on {inputs.local_day(earlier.occurred)}{where} concerned {title}:"
        f" {describe_outcome(earlier)}."
    )
    if cause := earlier.words.get("cause"):
        sentence += f" Its cause was: {cause.rstrip('.')}."
    return sentence


def describe_outcome(incident: Incident) -> str:
    """Return in a few words what happened: the logged sort, an exposure, not known, or `late by
    about 3 hours`.
    """
    facts = incident.facts
    if incident.kind == "hand" or facts is None:
        return describe_sort(incident)
    if facts.exposures:
        longest = max(facts.exposures, key=lambda exposure: exposure.seconds.min or 0.0)
        length = words.round_length(longest.seconds)
        outcome = "public before its announced time"
        if length:
            outcome += f" for {length}"
        return outcome
    if facts.verdict == "unproven":
        return "whether it was published as announced is not known"
    # The delay of the announced page counts if that was late, else the longest delay of a part.
    delays = [part.delay for part in facts.parts if part.required and part.delay]
    delay = max(delays, key=lambda delay: delay.min or 0.0, default=None)
    if facts.page and facts.page.verdict == "late":
        delay = facts.page.delay
    outcome = facts.verdict.replace("_", " ")
    if delay and (delay.min or 0) > 0:
        outcome += f" by {words.round_length(delay)}"
    return outcome


def describe_shared(earlier: Incident, incident: Incident) -> str:
    """Return what two incidents share: `release`, `producer`, `platform` or `producer and
    platform`; empty if nothing.

    A platform counts only between measured incidents of one kind: a leak of one producer does not
    explain a delay of another. Incidents of other producers count only if the person who signs
    includes them.
    """
    # An empty release name is not shared.
    if incident.release and earlier.release == incident.release:
        return "release"
    shared = []
    if earlier.producer == incident.producer:
        shared.append("producer")
    elif not incident.words.get("cite_others"):
        return ""
    facts, others = incident.facts, earlier.facts
    is_comparable = earlier.kind == incident.kind and incident.kind != "hand"
    if is_comparable and facts and others and facts.host == others.host != "":
        shared.append("platform")
    return " and ".join(shared)
