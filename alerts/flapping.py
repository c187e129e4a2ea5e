"""Content that comes and goes: one notice reports that it does, and one reports its status once it
is steady.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from alerts.fact_rules import (
    FactKind,
    find_first_exposure_start,
    group_exposures,
    group_removals,
)
from alerts.finding import ReleaseFacts
from alerts.incident import Incident, IncidentKind, make_fact_notice
from alerts.notice import Notice, notice_id
from schedules.contract.verdict import Ended
from schedules.times.interval import earliest_known, latest_known
from schedules.times.words import moment

STEADY_AFTER = timedelta(minutes=10)
"""Content is steady if it has not appeared or been removed for this long."""
CONTENT_CHANGES = (FactKind.EXPOSED, FactKind.OVER, FactKind.WITHDRAWN, FactKind.BACK)
"""The kinds of facts that report one change of content: it came, or it was removed."""


def find_flapping_stretches(facts: ReleaseFacts | None) -> list[list[datetime]]:
    """Return each stretch in which content came and went, as the instants of its changes; none
    without facts.
    """
    stretches: list[list[datetime]] = []
    for change in _list_content_changes(facts) if facts is not None else []:
        if not stretches or change - stretches[-1][-1] > STEADY_AFTER:
            stretches.append([])
        stretches[-1].append(change)
    return [stretch for stretch in stretches if len(stretch) >= 3]


def is_flapping(facts: ReleaseFacts, now: datetime) -> bool:
    """Return whether content comes and goes now: its last change is more recent than
    `STEADY_AFTER`.
    """
    stretches = find_flapping_stretches(facts)
    return bool(stretches) and now - stretches[-1][-1] < STEADY_AFTER


def describe_flapping(facts: ReleaseFacts, now: datetime) -> str:
    """Return in words since when content of a release comes and goes, and when the next notice of
    it follows.
    """
    stretch = find_flapping_stretches(facts)[-1]
    steady_minutes = STEADY_AFTER // timedelta(minutes=1)
    text = (
        f"it comes and goes, {len(stretch)} changes since"
        f" {moment(stretch[0], facts.timezone, now)}; the next notice follows once nothing has"
        f" changed for {steady_minutes} minutes"
    )
    if facts.slot is not None and now < facts.slot:
        text += ", or when its slot has come"
    return text


def make_steady_notice(incident: Incident, now: datetime) -> Notice | None:
    """Return the notice that content which came and went is steady; None if the incident needs no
    such notice now.
    """
    facts = incident.facts
    stretches = find_flapping_stretches(facts)
    if facts is None or not stretches or incident.closed is not None or is_flapping(facts, now):
        return None
    changes = stretches[-1]
    # When the slot comes, other notices report the status of the release, and this one is not
    # needed.
    has_slot_come_since = facts.slot is not None and changes[-1] < facts.slot <= now
    if has_slot_come_since:
        return None
    first, last = (moment(at, facts.timezone, now) for at in (changes[0], changes[-1]))
    changed = f"it came and went from {first} to {last}, {len(changes)} changes; no change since"
    kind = find_flapping_kind(facts)
    occasion = str(len(stretches))  # part of the notice's id, so that each stretch gets one notice
    return make_fact_notice(
        "steady", occasion, incident, facts, now, reported_kind=kind, changed=changed
    )


def make_flapping_id(incident: Incident) -> str:
    """Return the id of the notice that content comes and goes, for the last stretch."""
    return notice_id(
        incident.id, "comes_and_goes", str(len(find_flapping_stretches(incident.facts)))
    )


def find_flapping_kind(facts: ReleaseFacts) -> IncidentKind:
    """Return the kind of incident that flapping is: exposure, or change after the release."""
    return IncidentKind.EARLY if facts.exposures else IncidentKind.ALTERED


def _list_content_changes(facts: ReleaseFacts) -> list[datetime]:
    """Return in time order each instant at which content appeared early, was removed, or was back
    after a removal.

    Parts that change together, such as a page and its files, give one instant. For an appearance,
    or a removal after the release, it is that of the first part. For a return or the end of an
    exposure, it is that of the last part.
    """
    changes: list[datetime | None] = []
    for exposures in group_exposures(facts.exposures):
        changes.append(find_first_exposure_start(exposures))
        # An exposure that ended because its slot came was not removed.
        if all(exposure.ended is Ended.REMOVED for exposure in exposures):
            changes.append(latest_known(exposure.to.by for exposure in exposures))
    for removals in group_removals(facts):  # removals after the release
        changes.append(earliest_known(removal.at for removal in removals))
        dated = [(removal.at, removal.seconds) for removal in removals if removal.at is not None]
        # How long the content was absent has an upper bound only once the content is back.
        back_at = [
            removed_at + timedelta(seconds=absent.max)
            for removed_at, absent in dated
            if absent is not None and absent.max is not None
        ]
        if len(back_at) == len(dated):
            changes.append(latest_known(back_at))
    return sorted(change for change in changes if change is not None)
