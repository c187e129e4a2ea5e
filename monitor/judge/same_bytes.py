"""Files with the same bytes as a file of another release: one of the two is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import chain

from monitor.judge.case import Window
from monitor.judge.runs import Run, Runs
from monitor.judge.witnesses import Publication
from monitor.look.sighting import State
from monitor.plan.targets import parse_target_id
from schedules.announcement import Role
from schedules.release import Release

SAME_BYTES = "a file with the same bytes as"
"""Begins the reason of an unknown: the file at the address is that of another release."""
_DAY = timedelta(days=1)


def doubt_same_bytes(
    release: Release,
    runs: Runs,
    published: Iterable[Publication],
    window: Window,
) -> Runs:
    """Return the runs of a release, unknown where a file since the slot may be that of another one.

    The other release is due within a day, and had a file with these bytes at another address
    before. If both came within the tolerance, no one knows which is wrong. That is asked only of
    data, because releases of one day often have the same notes attached.
    """
    roles = {part.id: part.role for part in release.parts}
    files = {
        target: of_target
        for target, of_target in runs.items()
        if roles.get(parse_target_id(target)[1]) in (Role.ATTACHMENT, Role.DATA)
    }
    if not any(map(_is_file, chain.from_iterable(files.values()))):
        return runs
    others: list[tuple[Run, str]] = []
    for other in published:
        if other.release != release.id and abs(other.slot - window.slot_begins) <= _DAY:
            others += _list_files(other)

    def doubt(run: Run, role: Role | None) -> Run:
        if run.first_sent < window.slot_begins or not _is_file(run):
            return run
        # A later file says nothing about this one: what was proved stays proved.
        counts_until = run.first_sent
        if role is Role.DATA:
            counts_until = max(counts_until, window.on_time_until)
        for other, name in others:
            is_same_elsewhere = run.digest == other.digest and run.address != other.address
            if is_same_elsewhere and other.first_sent < counts_until:
                why = f"{SAME_BYTES} {name}"
                return replace(run, state=State.UNKNOWN, specific=False, why=why)
        return run

    doubted = {
        target: [doubt(run, roles.get(parse_target_id(target)[1])) for run in of_target]
        for target, of_target in files.items()
    }
    return {**runs, **doubted}


def _is_file(run: Run) -> bool:
    return run.state is State.PRESENT and run.digest is not None


def _list_files(publication: Publication) -> Iterator[tuple[Run, str]]:
    """Yield the files that a release has shown, each with its part and title in words."""
    for target, of_target in publication.runs.items():
        release, part, _ = parse_target_id(target)
        if release != publication.release:
            continue  # the mapping may have runs of further releases
        title = f"\N{LEFT DOUBLE QUOTATION MARK}{publication.title}\N{RIGHT DOUBLE QUOTATION MARK}"
        yield from ((run, f"{part} of {title}") for run in of_target if _is_file(run))
