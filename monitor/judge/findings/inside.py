"""Findings from what was read inside a file: another edition, another series, a mark, a name."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import chain

from monitor.files.compare import EMBARGOED
from monitor.files.facts import FileSign
from monitor.judge.case import Case
from monitor.judge.part_evidence import PartEvidence
from monitor.judge.reasons import Reason
from monitor.judge.runs import Run
from monitor.look.sighting import State
from monitor.plan.targets import extension_of
from schedules.announcement import Origin, Role
from schedules.contract.verdict import Finding, FindingKind, PartVerdict
from schedules.times.interval import Bounds

_REASONS = {
    FindingKind.WRONG_EDITION: Reason.FILE_OF_OTHER_EDITION,
    FindingKind.WRONG_CONTENT: Reason.FILE_OF_OTHER_SERIES,
    FindingKind.MARKED_DRAFT: Reason.FILE_MARKED,
    FindingKind.PERSONAL_METADATA: Reason.FILE_NAMES_PERSON,
    FindingKind.NOT_ACCESSIBLE: Reason.FILE_NOT_ACCESSIBLE,
}
_NOT_SHOWN = (FindingKind.PERSONAL_METADATA, FindingKind.NOT_ACCESSIBLE)
_OPEN_FORMATS = ("ods", "csv")


def find_inside(case: Case, part: PartVerdict, evidence: PartEvidence) -> Iterator[Finding]:
    """Yield a finding for each kind of fault inside each file that users could get.

    A file that was in place before the slot may be the previous edition. It counts if it was public
    early, or is still there after the tolerance.
    """
    if part.role == Role.ALTERNATIVE.value:
        return
    runs = [run for run in evidence.runs_at_edge_and_origin if run.state is not State.UNKNOWN]
    for digest in dict.fromkeys(run.digest for run in runs if isinstance(run.inside, tuple)):
        of_file = [run for run in runs if run.digest == digest]
        since = _find_fault_start(case, part, of_file)
        if since is None:
            continue
        seconds = _measure_stay(runs, digest, since)
        for sign in _choose_signs(case, part, of_file):
            kind = sign.kind
            text = _REASONS[kind].text(case.zone, text=sign.text, seen=since)
            # A leftover embargo notice is not a fault of the content once the release is out.
            is_instead = kind not in _NOT_SHOWN and sign.text != EMBARGOED
            instead = sign.text if is_instead else ""
            yield Finding(kind, part.id, text, seconds, at=since, instead=instead)


def _find_fault_start(case: Case, part: PartVerdict, of_file: list[Run]) -> datetime | None:
    """Return since when a fault of this file counts; None if it does not count yet."""
    window = case.judged_window
    first = min(run.first_sent for run in of_file)
    starts = [exposure.start.after or exposure.start.by for exposure in part.exposures]
    was_exposed = any(start is not None and first >= start for start in starts)
    if first >= window.slot_begins or was_exposed:
        return first
    is_still_there = max(run.last_received for run in of_file) > window.on_time_until
    return window.slot_begins if is_still_there else None


def _measure_stay(runs: list[Run], digest: str | None, since: datetime) -> Bounds:
    """Return for how long the file was there; without an upper bound if it is there now."""
    last = max(run.last_received for run in runs if run.digest == digest)
    after = [run.first_sent for run in runs if run.digest != digest and run.first_sent > last]
    least = max((last - since).total_seconds(), 0.0)
    return Bounds(least, (min(after) - since).total_seconds() if after else None)


def _choose_signs(case: Case, part: PartVerdict, of_file: list[Run]) -> Iterator[FileSign]:
    """Yield one sign of each kind that the policy of the producer wants.

    A mark such as "draft" counts before a leftover embargo notice.
    """
    signs = list(chain.from_iterable(run.signs for run in of_file))
    listed = {extension_of(other.url) for other in case.release.parts}
    # Only a part that was found on its page proves that the page's list was read.
    is_xlsx = extension_of(part.url) == "xlsx" and part.origin is Origin.FOUND
    if is_xlsx and listed.isdisjoint(_OPEN_FORMATS):
        signs.append(FileSign(FindingKind.NOT_ACCESSIBLE, "no ODS or CSV beside this XLSX"))
    signs.sort(key=lambda sign: sign.text == EMBARGOED)
    by_kind: dict[FindingKind, FileSign] = {}
    for sign in signs:
        by_kind.setdefault(sign.kind, sign)
    yield from (sign for kind, sign in by_kind.items() if kind in case.policy.file_findings)
