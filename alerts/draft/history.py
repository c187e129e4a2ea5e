"""Cites earlier incidents: their dates, what they share with this one, and the causes logged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from urllib.parse import urlsplit

from alerts.draft import words
from alerts.draft.input import DraftInput
from alerts.incident import Incident

MOST_CITED_OF_PLATFORM = 3
CITE_OTHERS = "cite_others"
"""The key of an incident's words with which a person includes incidents of other producers."""
LOGGED_OUTCOMES = {
    "access": "access before release",
    "late": "late release",
    "partial": "release without all of its parts",
    "swapped": "file replaced after its release",
    "unannounced": "unannounced release",
}
NONE_ON_FILE = "No earlier incident of this release, producer or platform is in this store. Add any that you know of."


def cite_earlier_incidents(case: DraftInput) -> tuple[str, ...]:
    """Return a sentence on each earlier incident that shares something with this one, oldest first, and common causes.

    Incidents without a draft, such as a lead, are not cited. If only the platform is shared, the newest are cited and
    the others counted.
    """
    others = (
        each
        for each in case.previous
        if each.has_draft and each.id != case.incident.id and describe_shared(each, case.incident)
        # Skip platform incidents without linked releases: reports on a period, whose incidents are cited separately.
        if each.linked or each.kind != "platform"
    )
    earlier = sorted(others, key=lambda each: each.occurred)
    if not earlier:
        return ()
    of_platform = [each for each in earlier if describe_shared(each, case.incident).startswith("platform")]
    left_out = of_platform[:-MOST_CITED_OF_PLATFORM]
    more = words.count(len(left_out), "further incident")
    counted = (f"On the same platform {more} before that.",) if left_out else ()
    cited = (_cite_incident(each, case) for each in earlier if each not in left_out)
    return (*counted, *cited, *_say_recurring_causes(earlier))


def _cite_incident(earlier: Incident, case: DraftInput) -> str:
    """Return a sentence on an earlier incident: its day, platform, release, outcome and logged cause."""
    where = " on the same platform" * ("platform" in describe_shared(earlier, case.incident))
    cause = earlier.words.get("cause")
    logged = f" Its cause was: {cause.rstrip('.')}." if cause else ""
    producer = case.settings.get(f"name of {earlier.producer}") or "another producer"
    named = f"“{earlier.title}”" + (f" ({producer})" if earlier.producer != case.incident.producer else "")
    day = case.local_day(earlier.occurred)
    return f"An earlier incident on {day}{where} concerned {named}: {describe_outcome(earlier)}.{logged}"


def describe_outcome(incident: Incident) -> str:
    """Return what happened in an incident in a few words."""
    facts = incident.facts
    if incident.kind == "hand" or facts is None:
        sort = incident.words.get("sort", "incident")
        return LOGGED_OUTCOMES.get(sort, sort.replace("_", " "))
    if facts.exposures:
        longest = words.round_length(max(facts.exposures, key=lambda each: each.seconds.min or 0.0).seconds)
        return f"public before its announced time{f' for {longest}' if longest else ''}"
    if facts.verdict == "unproven":
        return "whether it was published as announced is not known"
    delays = [part.delay for part in facts.parts if part.required and part.delay]
    worst = max(delays, key=lambda delay: delay.min or 0.0, default=None)
    page = facts.page.delay if facts.page and facts.page.verdict == "late" else worst
    by = f" by {words.round_length(page)}" if page and (page.min or 0) > 0 else ""
    return f"{facts.verdict.replace('_', ' ')}{by}"


def describe_shared(earlier: Incident, incident: Incident) -> str:
    """Return what two incidents share: the release, or the producer and the platform; empty for nothing.

    A platform counts only between incidents of one kind: a leak of one producer does not explain a delay of another.
    Incidents of other producers count only if the person who signs includes them.
    """
    # An empty release name is not shared.
    if incident.release and earlier.release == incident.release:
        return "release"
    if earlier.producer != incident.producer and not incident.words.get(CITE_OTHERS):
        return ""
    host, other_host = _find_host(incident), _find_host(earlier)
    alike = earlier.kind == incident.kind and incident.kind != "hand"
    platform = "platform" if alike and host and host == other_host else ""
    producer = "producer" if earlier.producer == incident.producer else ""
    return " and ".join(each for each in (producer, platform) if each)


def _find_host(incident: Incident) -> str:
    return urlsplit(incident.facts.url).hostname or "" if incident.facts else ""


def _say_recurring_causes(earlier: Sequence[Incident]) -> tuple[str, ...]:
    """Return a sentence on the causes that were logged more than once, empty without any."""
    causes = Counter(each.words["cause"] for each in earlier if each.words.get("cause"))
    often = [f"{cause} ({words.count(number, 'time')})" for cause, number in causes.most_common() if number > 1]
    return (f"Causes that occurred more than once: {words.join(often)}.",) if often else ()
