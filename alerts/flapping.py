"""Content that comes and goes: one notice says so, and one says how it is once it stays as it is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from alerts.fact_rules import begins, episodes, removals
from alerts.finding import Ended, ReleaseFacts
from alerts.incident import Incident, Kind, notice_about
from alerts.telling import Notice, notice_id
from schedules.times.words import moment

STEADY = timedelta(minutes=10)
"""Content that has not come or gone for so long stays as it is."""
_FLAPS_FROM = 3
"""From so many changes on, each within `STEADY` of the one before, content comes and goes."""
TURNS = frozenset({"exposed", "over", "withdrawn", "back"})
"""The names of facts that tell of one change each: content came, or it was removed."""


def flaps(facts: ReleaseFacts | None) -> list[list[datetime]]:
    """Return the stretches in which content came and went again and again, each as the instants of its changes."""
    stretches: list[list[datetime]] = []
    for at in _content_changes(facts) if facts is not None else []:
        if not stretches or at - stretches[-1][-1] > STEADY:
            stretches.append([])
        stretches[-1].append(at)
    return [stretch for stretch in stretches if len(stretch) >= _FLAPS_FROM]


def is_flapping(facts: ReleaseFacts, now: datetime) -> bool:
    """Return whether content comes and goes at this time."""
    stretches = flaps(facts)
    return bool(stretches) and now - stretches[-1][-1] < STEADY


def what_flaps(facts: ReleaseFacts, now: datetime) -> str:
    """Return since when content comes and goes, and when the next notice follows."""
    stretch = flaps(facts)[-1]
    is_ahead = facts.slot is not None and now < facts.slot
    return (
        f"it comes and goes, {len(stretch)} changes since {moment(stretch[0], facts.timezone, now)}; the next notice "
        f"follows once nothing has changed for 10 minutes{', or when its slot has come' if is_ahead else ''}"
    )


def steady_notice(incident: Incident, now: datetime) -> Notice | None:
    """Return the notice that content which came and went now stays as it is, None while that is not so.

    Nor is there one for a closed incident, or if the slot came in between: then its own notice has said how it is.
    """
    facts = incident.facts
    stretches = flaps(facts)
    if facts is None or not stretches or incident.closed is not None or is_flapping(facts, now):
        return None
    stretch = stretches[-1]
    if facts.slot is not None and stretch[-1] < facts.slot <= now:
        return None
    first, last = (moment(at, facts.timezone, now) for at in (stretch[0], stretch[-1]))
    changed = f"it came and went from {first} to {last}, {len(stretch)} changes; nothing has changed since"
    return notice_about("steady", str(len(stretches)), incident, facts, now, case=case_of(facts), changed=changed)


def flapping_id(incident: Incident) -> str:
    """Return the id of the notice that content comes and goes, in the last stretch in which it did."""
    return notice_id(incident.id, "comes_and_goes", str(len(flaps(incident.facts))))


def case_of(facts: ReleaseFacts) -> Kind:
    """Return the kind that leads a notice about content that comes and goes."""
    return Kind.EARLY if facts.exposures else Kind.ALTERED


def _content_changes(facts: ReleaseFacts) -> list[datetime]:
    """Return when content appeared or was removed, in time order.

    It does so before its slot (exposures) and after its release (removals). That the slot passes is no change.
    """
    found: list[datetime] = []
    for group in episodes(facts.exposures):
        began, ends = begins(group), [each.to.by for each in group if each.to.by is not None]
        if began is not None:
            found.append(began)
        if ends and all(each.ended is Ended.REMOVED for each in group):
            found.append(max(ends))
    for removed in removals(facts):
        found += _removal_times(
            [(each.at, each.seconds.max if each.seconds is not None else None) for each in removed if each.at]
        )
    return sorted(found)


def _removal_times(removed: Sequence[tuple[datetime, float | None]]) -> list[datetime]:
    """Return when parts were removed together, and when the last of them was back if all are."""
    back = [at + timedelta(seconds=after) for at, after in removed if after is not None]
    went = [min(at for at, _ in removed)] if removed else []
    return [*went, *([max(back)] if back and len(back) == len(removed) else [])]
