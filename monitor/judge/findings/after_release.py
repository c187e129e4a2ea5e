"""Findings after the release: changed files, removed content, and content that says that it was
corrected.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from itertools import groupby, zip_longest

from monitor.judge.case import Case
from monitor.judge.part_evidence import PartEvidence
from monitor.judge.presence import Presence
from monitor.judge.reasons import Reason
from monitor.judge.runs import MOST_CHANGES, Run
from monitor.look.recognise.title import NEXT_EDITION
from monitor.look.sighting import State
from monitor.look.version import advanced_fields, parse_version
from monitor.plan.targets import View
from schedules.announcement import Role
from schedules.contract.verdict import Finding, FindingKind, PartVerdict, VerdictKind
from schedules.times.interval import Bounds, Interval, between, latest_known, seconds_between

_UNDECIDED = (VerdictKind.PENDING, VerdictKind.UNPROVEN)
_FILES = (Role.ATTACHMENT.value, Role.DATA.value)
# Of a file that changes again and again, only the first changes are findings.
_MOST_SWAPS = 3
# Read the version from these views, in this order, because the content API states the most.
_VERSION_VIEWS = (View.CONTENT, View.ORIGIN, View.EDGE)
# Between looks this close, in seconds, the time of a change is known well.
_CLOSE = 90


def find_swaps(case: Case, part: PartVerdict, evidence: PartEvidence) -> Iterator[Finding]:
    """Yield a finding for each of the first three changes of a released file's bytes, with its time
    after the release.

    Pages do not count, because they change at every look. New bytes must last for `on_time_within`,
    so a file that its server generates for each request never counts. Old bytes from a cache do not
    count either.
    """
    if part.role not in _FILES:
        return
    slot = case.judged_window.slot_begins
    least = case.policy.on_time_within
    at_origin = _find_changes_of_bytes(evidence.views.get(View.ORIGIN, ()), slot, least)
    at_edge = _find_changes_of_bytes(evidence.views.get(View.EDGE, ()), slot, least)
    # If the origin was not watched closely at the first change, the edge may show better when it
    # happened.
    width = None
    if at_origin:
        width = seconds_between(at_origin[0].after, at_origin[0].by)
    is_origin_precise = width is not None and width <= _CLOSE
    changes = at_edge
    if is_origin_precise or not at_edge:
        changes = at_origin
    if part.verdict in _UNDECIDED and evidence.is_in_place_at(slot):
        # The first change of what was in place may be the release itself.
        changes = changes[1:]
    for change in changes[:_MOST_SWAPS]:
        text = Reason.SWAPPED.text(case.zone, changed=change)
        yield Finding(FindingKind.SWAPPED, part.id, text, _time_since_release(part, change))


def _find_changes_of_bytes(runs: Sequence[Run], slot: datetime, least: timedelta) -> list[Interval]:
    """Return when a view got bytes that it had not shown since the slot, and then showed them for
    at least `least`.
    """
    present = (run for run in runs if run.state is State.PRESENT and run.digest)
    # Each group is consecutive runs with the same bytes.
    groups = [tuple(group) for _, group in groupby(present, key=lambda run: run.digest)]
    # Later groups are left out: after `MOST_CHANGES` changes, runs no longer begin when the bytes
    # change.
    since_slot = [group for group in groups[:MOST_CHANGES] if group[-1].last_received >= slot]
    if not since_slot:
        return []
    before, *others = since_slot
    known = {before[0].digest}  # the bytes at the slot, which are those of the release
    changes = []
    for group in others:
        if group[-1].last_received - group[0].first_sent < least:
            # Perhaps a cached copy, which proves nothing about the bytes after it.
            continue
        if group[0].digest not in known:
            known.add(group[0].digest)
            changes.append(Interval(before[-1].end, group[0].begin))
        before = group
    return changes


def find_withdrawals(case: Case, part: PartVerdict, evidence: PartEvidence) -> Iterator[Finding]:
    """Yield a finding for each removal of released content: a notice of withdrawal, or an absence
    that lasts.
    """
    slot_begins = case.in_force.slot_begins
    if slot_begins is None:
        return
    for presence, following in zip_longest(evidence.presences, evidence.presences[1:]):
        removed = presence.removed
        # If the content was not seen at the slot or later, it may have been removed before the
        # slot.
        if removed is None or removed.by is None or presence.end < slot_begins:
            continue
        absences = _absences_between(evidence, presence, following)
        if absences and all(run.why == NEXT_EDITION for run in absences):
            # The page got its next edition.
            continue
        if _is_withdrawal(case, presence, following, absences):
            back = None if following is None else following.appears
            last_absent = latest_known(run.end for run in absences)
            absence_ends = Interval(last_absent, None)
            if back is not None:
                absence_ends = back
            is_readable = _is_only_marked(absences)
            reason = Reason.WITHDRAWN
            if is_readable:
                reason = Reason.MARKED_WITHDRAWN
            yield Finding(
                FindingKind.WITHDRAWN,
                part.id,
                reason.text(case.zone, removed=removed, back=back),
                seconds=between(removed, absence_ends),
                at=removed.by,
                is_readable=is_readable,
            )


def _is_only_marked(absences: Sequence[Run]) -> bool:
    """Return whether a part only got a notice of withdrawal, under which its content still is."""
    return bool(absences) and all(
        run.state is State.WITHDRAWN and run.status == HTTPStatus.OK for run in absences
    )


def _absences_between(
    evidence: PartEvidence, presence: Presence, following: Presence | None
) -> list[Run]:
    """Return the absences of a part after one presence and before the following one, if there is
    one.
    """
    came = min(spell.first_sent for spell in presence.spells)
    absences = []
    for run in evidence.absent_runs:
        # One that began before the content came is of a view that never showed it.
        is_after = run.first_sent > came and max(run.begin, run.end) > presence.end
        if is_after and (following is None or run.begin < following.begin):
            absences.append(run)
    return absences


def _is_withdrawal(
    case: Case, presence: Presence, following: Presence | None, absences: Sequence[Run]
) -> bool:
    """Return whether the absence after a presence, and before the `following` one if that is set,
    is a removal and no flicker of a cache.
    """
    if any(run.state is State.WITHDRAWN and run.begin > presence.end for run in absences):
        return True
    # A single look may have met a flickering cache. So the absence must last as long as a delay
    # that counts as late.
    first = min((max(run.begin, presence.end) for run in absences), default=presence.end)
    last = max((run.end for run in absences), default=presence.end)
    if following is not None:
        last = min(last, following.begin)
    return last - first >= case.policy.on_time_within


def find_corrections(case: Case, part: PartVerdict, evidence: PartEvidence) -> Iterator[Finding]:
    """Yield a finding for each time that a part's own version, such as its time of update, changed
    after its release.

    Only the first view that shows versions is used. Content that was present from the first look on
    does not count, because it may be the previous edition: `all_presences` leaves it out.
    """
    opens = case.judged_window.slot_begins
    public = [presence.begin for presence in evidence.all_presences if presence.end >= opens]
    if not public:
        return
    public_since = max(opens, min(public))
    for view in _VERSION_VIEWS:
        runs = [run for run in evidence.views.get(view, ()) if run.last_received >= public_since]
        if any(_has_version(run) for run in runs):
            for change, fields in _version_changes(runs, case.zone):
                text = Reason.CORRECTED.text(case.zone, fields=fields, changed=change)
                yield Finding(
                    FindingKind.CORRECTED, part.id, text, _time_since_release(part, change)
                )
            return


def _has_version(run: Run) -> bool:
    return run.state is State.PRESENT and run.version is not None


def _version_changes(runs: Sequence[Run], zone: str) -> Iterator[tuple[Interval, tuple[str, ...]]]:
    """Yield each change to a newer version: when it happened, and its fields with their new values,
    in words.
    """
    known: dict[str, datetime | int] = {}
    before: Run | None = None
    for run in runs:
        if run.state in (State.ABSENT, State.WITHDRAWN):
            # Content that was removed and came back is a withdrawal, not a correction.
            known, before = {}, None
        if not _has_version(run):
            continue
        stated = parse_version(run.version or "")
        advanced = advanced_fields(known, stated)
        if before is not None and advanced:
            fields = []
            for name in advanced:
                is_time = isinstance(stated[name], datetime)
                reason = Reason.MOVED_ON if is_time else Reason.COUNTED_ON
                fields.append(reason.text(zone, field=name, old=known[name], new=stated[name]))
            yield Interval(before.end, run.begin), tuple(fields)
        if before is None or advanced:
            known |= stated
        elif advanced_fields(stated, known):
            # An older version is that of a cached copy, which proves nothing about later ones.
            continue
        before = run


def _time_since_release(part: PartVerdict, change: Interval) -> Bounds | None:
    if part.released.by is not None:
        return between(part.released, change)
    return None
