"""Earlier incidents: cited with dates, what they share with this one, and the causes logged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from urllib.parse import urlsplit

from alerts.draft import words
from alerts.draft.input import DraftInput
from alerts.incident import Incident

CITED_OF_PLATFORM = 3
CITES_OTHERS = "cite_others"
"""The word of an incident by which a person asks that other producers' incidents be cited."""
SORTS = {
    "access": "access before release",
    "late": "late release",
    "partial": "release without all of its parts",
    "swapped": "file replaced after its release",
    "unannounced": "unannounced release",
}
NONE_ON_FILE = "No earlier incident of this release, producer or platform is in this store. Add any that you know of."


def previous(case: DraftInput) -> tuple[str, ...]:
    """Return one line per earlier incident that shares something with this one, oldest first, and recurring causes.

    What claims no breach, such as a lead, is none. Of those that share the platform alone only the newest are cited,
    the others counted.
    """
    others = (
        each
        for each in case.previous
        if each.has_draft and each.id != case.incident.id and shared_with(each, case.incident)
        # Skip platform incidents without linked releases: reports on a period, whose incidents are cited separately.
        if each.linked or each.kind != "platform"
    )
    earlier = sorted(others, key=lambda each: each.occurred)
    if not earlier:
        return ()
    afar = [each for each in earlier if shared_with(each, case.incident).startswith("platform")]
    left_out = afar[:-CITED_OF_PLATFORM]
    more = words.count(len(left_out), "further incident")
    counted = (f"On the same platform {more} before that.",) if left_out else ()
    return (*counted, *(cited(each, case) for each in earlier if each not in left_out), *recurring(earlier))


def cited(earlier: Incident, case: DraftInput) -> str:
    """Return one sentence: when it was, of which release, on which platform, what happened, the cause logged."""
    where = " on the same platform" * ("platform" in shared_with(earlier, case.incident))
    cause = earlier.words.get("cause")
    logged = f" Its cause was: {cause.rstrip('.')}." if cause else ""
    whose = case.settings.get(f"name of {earlier.producer}") or "another producer"
    named = f"“{earlier.title}”{f' ({whose})' * (earlier.producer != case.incident.producer)}"
    day = case.local_day(earlier.occurred)
    return f"An earlier incident on {day}{where} concerned {named}: {outcome(earlier)}.{logged}"


def outcome(incident: Incident) -> str:
    """Return what happened in an incident in a few words."""
    facts = incident.facts
    if incident.kind == "hand" or facts is None:
        sort = incident.words.get("sort", "incident")
        return SORTS.get(sort, sort.replace("_", " "))
    if facts.exposures:
        longest = words.roughly(max(facts.exposures, key=lambda each: each.seconds.min or 0.0).seconds)
        return f"public before its announced time{f' for {longest}' if longest else ''}"
    delays = [part.delay for part in facts.parts if part.required and part.delay]
    worst = max(delays, key=lambda delay: delay.min or 0.0, default=None)
    page = facts.page.delay if facts.page and facts.page.verdict == "late" else worst
    by = f" by {words.roughly(page)}" if page and (page.min or 0) > 0 else ""
    return f"{facts.verdict.replace('_', ' ')}{by}"


def shared_with(earlier: Incident, incident: Incident) -> str:
    """Return what two incidents share: the release, or producer and platform; empty for nothing.

    A platform counts only between incidents of one kind: one producer's leak says nothing of another's delay. Other
    producers' incidents are theirs to tell of: they count only when whoever signs asks for them.
    """
    # Two that name no release have none in common.
    if incident.release and earlier.release == incident.release:
        return "release"
    if earlier.producer != incident.producer and not incident.words.get(CITES_OTHERS):
        return ""
    mine, theirs = _host(incident), _host(earlier)
    alike = earlier.kind == incident.kind and incident.kind != "hand"
    platform = "platform" if alike and mine and mine == theirs else ""
    producer = "producer" if earlier.producer == incident.producer else ""
    return " and ".join(each for each in (producer, platform) if each)


def _host(incident: Incident) -> str:
    return urlsplit(incident.facts.url).hostname or "" if incident.facts else ""


def recurring(earlier: Sequence[Incident]) -> tuple[str, ...]:
    """Return a line on causes that were logged more than once."""
    causes = Counter(each.words["cause"] for each in earlier if each.words.get("cause"))
    often = [f"{cause} ({words.count(number, 'time')})" for cause, number in causes.most_common() if number > 1]
    return (f"Causes that occurred more than once: {words.joined(often)}.",) if often else ()
