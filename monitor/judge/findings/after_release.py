"""Findings after the release: changed files, removed content, and content that says that it was corrected."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby, pairwise

from monitor.judge.case import Case
from monitor.judge.part_evidence import MAIN_VIEWS, PartEvidence
from monitor.judge.presence import Presence
from monitor.judge.runs import MOST_CHANGES, Run
from monitor.judge.window import Window
from monitor.look.recognise.version import advanced_fields, parse_version
from monitor.look.sighting import State
from monitor.plan.targets import View
from schedules.announcement import Role
from schedules.contract.verdict import Finding, Kind, PartVerdict
from schedules.times.interval import Interval, between
from schedules.times.words import between_exactly, exactly

_FILES = (Role.ATTACHMENT.value, Role.DATA.value)
# Of a file that changes again and again, only the first changes are findings.
_MOST_SWAPS = 3
# Read the version from these views, in this order, because the content API states the most.
_VERSION_VIEWS = (View.CONTENT, View.ORIGIN, View.EDGE)
# Between looks this close, the time of a change is known well.
_CLOSE = timedelta(seconds=90)

Fields = dict[str, datetime | int]


def find_swaps(case: Case, part: PartVerdict, evidence: PartEvidence) -> list[Finding]:
    """Return a finding for each of the first three times that a released file got new bytes.

    Pages do not count, because they change at every look. New bytes must last for `on_time_within`, so a file that its
    server generates for each request never counts. Old bytes from a cache do not count either.
    """
    window = case.window
    if window is None or part.role not in _FILES:
        return []
    least = case.policy.on_time_within
    groups = [_group_by_bytes(evidence.views.get(view, ()), least) for view in reversed(MAIN_VIEWS)]
    found = [changes for each in groups if (changes := _stable_changes(each, window.opens))]
    # If the origin was not watched closely at the change, the edge may show better when it happened.
    swaps = next((changes for changes in found if _is_closely_watched(changes[0])), found[-1] if found else [])
    return [
        Finding(
            Kind.SWAPPED,
            part.id,
            f"its bytes changed {between_exactly(change, case.zone)}",
            between(part.released, change) if part.released.by is not None else None,
        )
        for change in swaps[:_MOST_SWAPS]
    ]


def _is_closely_watched(change: Interval) -> bool:
    return change.after is not None and change.by is not None and change.by - change.after <= _CLOSE


@dataclass(frozen=True, slots=True)
class _SameBytes:
    """Consecutive runs of one view with the same bytes. `is_stable`: they lasted longer than a flicker."""

    runs: tuple[Run, ...]
    is_stable: bool


def _group_by_bytes(runs: Sequence[Run], least: timedelta) -> list[_SameBytes]:
    """Return the runs of present content, grouped by equal bytes. A stable group lasts for `least`."""
    present = (run for run in runs if run.state is State.PRESENT and run.digest)
    groups = [tuple(group) for _, group in groupby(present, key=lambda run: run.digest)]
    # After `MOST_CHANGES` changes, bytes are not compared any more, so a run may contain different ones.
    return [
        _SameBytes(group, is_stable=place < MOST_CHANGES and group[-1].last_received - group[0].first_sent >= least)
        for place, group in enumerate(groups)
    ]


def _stable_changes(groups: Sequence[_SameBytes], opens: datetime) -> list[Interval]:
    """Return when stable bytes that were not seen before replaced others, among groups since the slot."""
    after = [each for each in groups if each.runs[-1].last_received >= opens]
    known = {each.runs[0].digest for each in after[:1]}
    changes = []
    for before, each in pairwise(after):
        if each.is_stable and each.runs[0].digest not in known:
            known.add(each.runs[0].digest)
            changes.append(Interval(before.runs[-1].end, each.runs[0].begin))
    return changes


def find_withdrawals(case: Case, part: PartVerdict, evidence: PartEvidence) -> list[Finding]:
    """Return a finding for each removal of released content: a notice of withdrawal, or an absence that lasts."""
    slot = case.in_force.slot
    begins = None if slot is None else slot.begins()
    if begins is None:
        return []
    found = []
    for place, presence in enumerate(evidence.presences):
        # If it was not seen at the slot or later, it may have been removed before the slot.
        if presence.goes is None or presence.goes.by is None or presence.end < begins:
            continue
        back = evidence.presences[place + 1] if place + 1 < len(evidence.presences) else None
        absences = _absences_after(evidence, presence, back)
        if _is_withdrawal(case, presence, back, absences):
            again = None if back is None else back.appears
            found.append(_withdrawal_finding(case, part, presence.goes, absences, again))
    return found


def _absences_after(evidence: PartEvidence, presence: Presence, back: Presence | None) -> list[Run]:
    """Return the absences of a part after one presence and before the next one, `back`.

    Runs that began before the content came are left out: they are of a view that never showed it.
    """
    runs = (run for spell in evidence.absences for run in spell.runs)
    came = min(spell.first_sent for spell in presence.spells)
    after = (run for run in runs if run.first_sent > came and max(run.begin, run.end) > presence.end)
    return [run for run in after if back is None or run.begin < back.begin]


def _is_withdrawal(case: Case, presence: Presence, back: Presence | None, absences: Sequence[Run]) -> bool:
    """Return whether an absence between two presences is a removal and no flicker of a cache."""
    if any(run.state is State.WITHDRAWN and run.begin > presence.end for run in absences):
        return True
    # A single look may have met a flickering cache. So the first and last absence must be far enough apart.
    first = min((max(run.begin, presence.end) for run in absences), default=presence.end)
    last = max((run.end for run in absences), default=presence.end)
    last = last if back is None else min(last, back.begin)
    return last - first >= case.policy.on_time_within


def _withdrawal_finding(
    case: Case, part: PartVerdict, goes: Interval, absences: Sequence[Run], back: Interval | None
) -> Finding:
    latest: datetime | None = max((run.end for run in absences), default=None)
    away = between(goes, back if back is not None else Interval(latest, None))
    text = f"taken away {between_exactly(goes, case.zone)}"
    text += "" if back is None else f", back {between_exactly(back, case.zone)}"
    return Finding(Kind.WITHDRAWN, part.id, text, away, goes.by)


def find_corrections(case: Case, part: PartVerdict, evidence: PartEvidence) -> list[Finding]:
    """Return a finding for each time that a part's own version, such as its time of update, changed after its release.

    The text has the fields, their new values and the looks around the change, but never a change note. Content that was
    present from the first look on does not count, because it may be the previous edition.
    """
    since = None if case.window is None else _public_since(evidence, case.window)
    if since is None:
        return []
    for view in _VERSION_VIEWS:
        runs = [run for run in evidence.views.get(view, ()) if run.last_received >= since]
        if any(_has_version(run) for run in runs):
            return [_correction_finding(case, part, change, moved) for change, moved in _version_changes(runs)]
    return []


def _public_since(evidence: PartEvidence, window: Window) -> datetime | None:
    """Return the first instant at or after the slot at which the content is proved public; None if it is not."""
    lasting = (presence for presence in evidence.all_presences if presence.end >= window.opens)
    return min((max(presence.begin, window.opens) for presence in lasting), default=None)


def _has_version(run: Run) -> bool:
    return run.state is State.PRESENT and run.version is not None


def _version_changes(runs: Sequence[Run]) -> Iterator[tuple[Interval, list[tuple[str, Fields]]]]:
    """Yield each change of version: when it happened, and its fields with their values before and after."""
    known: Fields = {}
    before: Run | None = None
    for run in runs:
        if run.state in (State.ABSENT, State.WITHDRAWN):
            # Content that was removed and came back is a withdrawal, not a correction.
            known, before = {}, None
        if not _has_version(run):
            continue
        stated = parse_version(run.version or "")
        fields = advanced_fields(known, stated)
        if before is not None and fields:
            yield Interval(before.end, run.begin), [(name, {"was": known[name], "is": stated[name]}) for name in fields]
        if before is None or fields:
            known |= stated
        before = run


def _correction_finding(
    case: Case, part: PartVerdict, change: Interval, moved: Iterable[tuple[str, Fields]]
) -> Finding:
    what = ", ".join(f"{name} {_field_text(case, values)}" for name, values in moved)
    text = f"corrected or updated after its release: {what}; seen {between_exactly(change, case.zone)}"
    return Finding(
        Kind.CORRECTED, part.id, text, between(part.released, change) if part.released.by is not None else None
    )


def _field_text(case: Case, values: Fields) -> str:
    later = values["is"]
    if isinstance(later, datetime):
        return f"moved on to {exactly(later, case.zone)}"
    return f"went from {values['was']} to {later}"
