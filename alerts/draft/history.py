"""Earlier incidents: cited with dates, what they share with this one, and the causes logged."""

from __future__ import annotations

import calendar
import re
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
MONTHS = {month.casefold() for month in (*calendar.month_name[1:], *calendar.month_abbr[1:])}
PERIODS = MONTHS | {"spring", "summer", "autumn", "winter", "to", "and"}
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
    """Return one sentence: when it was, of which release, what happened, what it shares, the cause logged."""
    shared = shared_with(earlier, case.incident)
    same = f" (same {shared})" if shared else ""
    cause = earlier.words.get("cause")
    logged = f" Its cause was: {cause.rstrip('.')}." if cause else ""
    named = f"“{earlier.title}”{_whose(earlier, case)}"
    day = case.local_day(earlier.occurred)
    return f"An earlier incident on {day} concerned {named}: {outcome(earlier)}{same}.{logged}"


def _whose(earlier: Incident, case: DraftInput) -> str:
    if earlier.producer == case.incident.producer:
        return ""
    return f" ({case.settings.get(f'name of {earlier.producer}') or 'another producer'})"


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
    """Return the closest thing two incidents share: release, series, producer or platform; empty for none.

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
    mine_of, theirs_of = series(incident.title), series(earlier.title)
    if producer and mine_of and mine_of == theirs_of:
        producer = "series"
    return " and ".join(each for each in (producer, platform) if each)


def series(title: str) -> tuple[str, ...]:
    """Return the words of a title that its editions share: those that name no period."""
    every = re.findall(r"[^\W_]+", title.casefold())
    return tuple(word for word in every if not any(map(str.isdigit, word)) and word not in PERIODS)


def _host(incident: Incident) -> str:
    return urlsplit(incident.facts.url).hostname or "" if incident.facts else ""


def recurring(earlier: Sequence[Incident]) -> tuple[str, ...]:
    """Return a line on causes that were logged more than once."""
    causes = Counter(each.words["cause"] for each in earlier if each.words.get("cause"))
    often = [f"{cause} ({words.count(number, 'time')})" for cause, number in causes.most_common() if number > 1]
    return (f"Causes that occurred more than once: {words.joined(often)}.",) if often else ()
