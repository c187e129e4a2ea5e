"""Files that have the same bytes at two addresses: at least one of them is a wrong file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from monitor.judge.runs import Run
from monitor.judge.witnesses import Publication
from monitor.look.sighting import State
from monitor.plan.targets import parse_target_id
from schedules.announcement import Role
from schedules.release import Release

SAME_BYTES = "a file with the same bytes as"
"""Begins the reason of an unknown: the file at the address may be that of another part."""
_TOGETHER, _DAY = timedelta(minutes=1), timedelta(days=1)
_Runs = Mapping[str, Sequence[Run]]


@dataclass(frozen=True, slots=True)
class _SeenFile:
    """A file that was seen at an address, with the release and part that it is of."""

    release: str
    part: str
    title: str
    run: Run

    def is_of_other_part(self, other: _SeenFile) -> bool:
        """Return whether two files are of two parts with two addresses."""
        parts = (self.release, self.part), (other.release, other.part)
        return parts[0] != parts[1] and self.run.address != other.run.address


def doubt_same_bytes(
    release: Release, runs: _Runs, published: Iterable[Publication], slot: datetime, now: datetime
) -> _Runs:
    """Return the runs of a release, unknown where a file since the slot may be that of another
    part.

    The other part, of this release or of one published within a day, had the same bytes before or
    at most a minute later. So of two files that came together, each names the other.
    """
    roles = {part.id: part.role for part in release.parts}
    own = [
        file
        for file in _list_files(release.id, runs, "", now)
        if roles.get(file.part) in (Role.ATTACHMENT, Role.DATA)
    ]
    since_slot = [file for file in own if file.run.first_sent >= slot]
    if not since_slot:
        return runs
    known = list(own)
    for other in published:
        if abs(other.slot - slot) <= _DAY:
            known += _list_files(other.release, other.runs, other.title, now)
    same_as = {id(file.run): _find_same(file, known) for file in since_slot}
    return {
        target: [_doubt(run, same_as.get(id(run))) for run in of_target]
        for target, of_target in runs.items()
    }


def _list_files(release: str, runs: _Runs, title: str, now: datetime) -> Iterator[_SeenFile]:
    """Yield the files of a release that runs show. `title` is its title, "" for our own."""
    for target, of_target in runs.items():
        of_release, part, _ = parse_target_id(target)
        for run in of_target if of_release == release else ():
            if run.state is State.PRESENT and run.digest and run.first_sent <= now:
                yield _SeenFile(release, part, title, run)


def _find_same(file: _SeenFile, known: Iterable[_SeenFile]) -> _SeenFile | None:
    """Return the first file of another part with the same bytes, None if none came before it or
    with it.
    """
    together_until = file.run.first_sent + _TOGETHER
    same = (
        other
        for other in known
        if other.run.digest == file.run.digest
        and other.is_of_other_part(file)
        and other.run.first_sent <= together_until
    )
    return min(same, key=lambda other: other.run.first_sent, default=None)


def _doubt(run: Run, other: _SeenFile | None) -> Run:
    if other is None:
        return run
    of_release = f" of \N{LEFT DOUBLE QUOTATION MARK}{other.title}\N{RIGHT DOUBLE QUOTATION MARK}"
    why = f"{SAME_BYTES} {other.part}{of_release if other.title else ''}"
    return replace(run, state=State.UNKNOWN, specific=False, why=why)
