"""After the release: content that says of itself that it was changed since."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from monitor.judge.case import Case
from monitor.judge.part_evidence import PartEvidence
from monitor.judge.runs import Run
from monitor.judge.verdict import Finding, Kind, PartVerdict
from monitor.judge.window import Window
from monitor.look.recognise.version import advanced_fields, parse_version
from monitor.look.sighting import State
from monitor.plan.targets import View
from schedules.times.interval import Interval, between
from schedules.times.words import between_exactly, exactly

# Whichever tells of its version; the API tells the most.
_VIEWS = (View.CONTENT, View.ORIGIN, View.EDGE)

Fields = dict[str, datetime | int]


def corrected(case: Case, part: PartVerdict, sight: PartEvidence) -> list[Finding]:
    """Return each time the fields in which a part tells of its version moved on after its release.

    Told are the fields, what they moved to, and between which looks: never a word of a change note. What was out from
    the first look on, and proves nothing, may have been the edition before: it does not count.
    """
    since = None if case.window is None else _out_since(sight, case.window)
    if since is None:
        return []
    for view in _VIEWS:
        runs = [run for run in sight.views.get(view, ()) if run.last_received >= since]
        if any(_tells(run) for run in runs):
            return [_finding(case, part, change, moved) for change, moved in _changes(runs)]
    return []


def _out_since(sight: PartEvidence, window: Window) -> datetime | None:
    """Return when the content that stood at the slot, or came after it, was first proved out, not before the slot."""
    lasting = (presence for presence in sight.public if presence.end >= window.opens)
    return min((max(presence.begin, window.opens) for presence in lasting), default=None)


def _tells(run: Run) -> bool:
    return run.state is State.PRESENT and run.version is not None


def _changes(runs: Sequence[Run]) -> Iterator[tuple[Interval, list[tuple[str, Fields]]]]:
    """Yield when the version moved on, and each field that did with its values before and after."""
    known: Fields = {}
    before: Run | None = None
    for run in runs:
        if run.state in (State.ABSENT, State.WITHDRAWN):
            # What came back after it was taken away is told of as that.
            known, before = {}, None
        if not _tells(run):
            continue
        told = parse_version(run.version or "")
        fields = advanced_fields(known, told)
        if before is not None and fields:
            yield Interval(before.end, run.begin), [(name, {"was": known[name], "is": told[name]}) for name in fields]
        if before is None or fields:
            known |= told
        before = run


def _finding(case: Case, part: PartVerdict, change: Interval, moved: Iterable[tuple[str, Fields]]) -> Finding:
    what = ", ".join(f"{name} {_moved(case, values)}" for name, values in moved)
    told = f"corrected or updated after its release: {what}; seen {between_exactly(change, case.zone)}"
    return Finding(
        Kind.CORRECTED, part.id, told, between(part.released, change) if part.released.by is not None else None
    )


def _moved(case: Case, values: Fields) -> str:
    later = values["is"]
    if isinstance(later, datetime):
        return f"moved on to {exactly(later, case.zone)}"
    return f"went from {values['was']} to {later}"
