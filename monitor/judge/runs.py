"""Sightings folded into runs: consecutive sightings of one target with the same answer.

How unknown is kept honest: a look that proved nothing makes (or lengthens) a run of its own, state
`unknown`, with its reason and count. It stands between the runs around it, so that `present, unknown,
present` is three runs: it neither ends the first presence nor joins it to the second. Only judgement, which
sees what stands on both sides, may say what the gap can have held.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

from monitor.look.recognise.title import ANOTHER_EDITION
from monitor.look.sighting import Sighting, State

MOST_CHANGES = 8
"""Bytes that became others this often are not compared any more: those of a file made anew for each who asks."""
UNDERWAY = timedelta(seconds=1)
"""An answer was made at most this long before it reached us; a run keeps only when it was received."""
_NO_GAP = timedelta()
_SLACK = timedelta(seconds=2)
_OF_ALL = ("budget", "clock")
AROUND_SLOT = timedelta(minutes=2)
"""The widest gap between looks is stated for so long before and after a slot."""


class OutOfOrder(ValueError):
    """A sighting that was received before the last one folded: our clock went back, or somebody mixed up looks."""


@dataclass(frozen=True, slots=True)
class Run:
    """Consecutive sightings of one target with the same answer; stored as one row.

    `first_sent` … `last_received` are by our clock. `begin` is the earliest `proved_to` and `end` the
    latest `proved_from` of its sightings: the state held at or before `begin`, and at or after `end` (so
    a run of one sighting has `end` before `begin`). `looks` counts the sightings, `largest_gap` is the
    longest time between two of them. `digest` is that of the body (files and recorded changes), `status`
    that of the first answer, `why` the reason of an unknown run. `evidence` names the records kept for it.
    `version` is what the content said of its own version, the same at every look of the run. `failed` counts looks in
    between that proved nothing, in a run that was put together of several long after its release (`compact`).
    `monitor` is the one that looked, `address` the one that was looked at; each is empty for a run of a store that did
    not keep it yet.
    """

    target: str
    state: State
    first_sent: datetime
    last_received: datetime
    begin: datetime
    end: datetime
    looks: int = 1
    largest_gap: timedelta = timedelta()
    specific: bool = False
    why: str = ""
    status: int | None = None
    digest: str | None = None
    evidence: tuple[str, ...] = ()
    version: str | None = None
    failed: int = 0
    monitor: str = ""
    address: str = ""

    @property
    def key(self) -> tuple[str, datetime, str]:
        """Return what tells a run from all others."""
        return self.target, self.first_sent, self.monitor


@dataclass(frozen=True, slots=True)
class Blind:
    """A span in which the monitor could not see, and why (`stopped`, `killed`, `clock`, `stalled`, …).

    `target` narrows it to one target, `host` to one host; both empty: everything. `monitor` is the one that could not
    see, empty in a store that did not keep it yet.
    """

    begins: datetime
    ends: datetime
    cause: str
    host: str = ""
    target: str = ""
    monitor: str = ""

    def hides(self, run: Run) -> bool:
        """Tell whether it is of the monitor that saw a run, and of its target if of one alone."""
        is_its = "" in (self.monitor, run.monitor) or self.monitor == run.monitor
        return is_its and self.target in ("", run.target)


def was_blind(last: Run | None, sighting: Sighting, blind: Sequence[Blind]) -> bool:
    """Tell whether the monitor was blind between a target's last run and this sighting, so that they are kept apart.

    What one host hides is seen from its failed looks; only spans of everything or of this target count.
    """
    # Between two looks that proved nothing there is nothing to be kept apart.
    if not blind or last is None or last.state is State.UNKNOWN is sighting.state:
        return False
    mine = (span for span in blind if not span.host and span.hides(last))
    # A span that only touches the last look or this one hid nothing between them.
    return any(span.begins < sighting.sent and span.ends > last.last_received for span in mine)


def unwatched(blind: Sequence[Blind], runs: Mapping[str, Sequence[Run]]) -> Sequence[Blind]:
    """Return the blind spans in which no other monitor of the store went on watching what `runs`, by target, are of.

    What a clock or a budget hid stays where it is not known whose it was.
    """
    if not blind or len({run.monitor for each in runs.values() for run in each}) < 2:
        return blind
    by_target = [[run for run in each if run.state is not State.UNKNOWN] for each in runs.values()]
    told = [each for each in by_target if each]
    known = (span for span in blind if span.monitor or span.cause not in _OF_ALL)
    watched = {span for span in known if all(_watched(span, each) for each in told)}
    return [span for span in blind if span not in watched]


def _watched(span: Blind, runs: Sequence[Run]) -> bool:
    """Tell whether looks of one other monitor that told something went on from before a span until after it."""
    for monitor in {run.monitor for run in runs} - {span.monitor or None}:
        its = [run for run in runs if run.monitor == monitor]
        near = [run for run in its if run.last_received >= span.begins and run.first_sent <= span.ends]
        if near and near[0].first_sent <= span.begins and near[-1].last_received >= span.ends:
            pairs = pairwise(near)
            if all(after.first_sent - one.last_received <= max(one.largest_gap, _SLACK) for one, after in pairs):
                return True
    return False


def extend(
    last: Run | None, sighting: Sighting, spacing: timedelta | None = None, *, apart: bool = False
) -> Run | tuple[Run, Run]:
    """Return the last run lengthened by a sighting, or the last run and the new one the sighting begins.

    `apart` begins a new run whatever the answer: the monitor was blind in between. Raises OutOfOrder when
    the sighting was received before the last one folded.
    """
    if last is None:
        return begun(sighting)
    if sighting.received < last.last_received:
        raise OutOfOrder(f"{sighting.target}: {sighting.received.isoformat()} is before the last run's end")
    if apart or not _goes_on(last, sighting):
        return last, begun(sighting)
    gap = max(sighting.sent - last.last_received, _NO_GAP)
    # A gap longer than the spacing in force means we were blind, not that nothing happened.
    if spacing is not None and gap > 2 * spacing + _SLACK:
        return last, begun(sighting)
    return _lengthened(last, sighting, gap)


def begun(sighting: Sighting) -> Run:
    """Return the run that one sighting makes."""
    return Run(
        sighting.target,
        sighting.state,
        sighting.sent,
        sighting.received,
        begin=sighting.proved_to,
        end=sighting.proved_from,
        specific=sighting.specific,
        why=sighting.why,
        status=sighting.status,
        digest=sighting.digest,
        version=sighting.version,
        address=sighting.address,
    )


def _goes_on(last: Run, sighting: Sighting) -> bool:
    if last.state is not sighting.state or (last.address and last.address != sighting.address):
        return False
    if sighting.state is State.UNKNOWN:
        return last.why == sighting.why
    if sighting.state is State.ABSENT and ANOTHER_EDITION in (last.why, sighting.why):
        return last.why == sighting.why
    # What only a later answer showed to be this edition must not make the earlier answers proof of it.
    if last.specific is not sighting.specific:
        return False
    return sighting.state is not State.PRESENT or not _is_other(last, sighting)


def is_turn(before: Run | None, run: Run) -> bool:
    """Tell whether a run shows another state than the last that proved anything, or the same of something else."""
    return before is None or run.state is not before.state or _is_other(before, run)


def changes(runs: Iterable[Run]) -> int:
    """Return how often the bytes of what was present became others from one look to the next that read any."""
    digests = [run.digest for run in runs if run.state is State.PRESENT and run.digest]
    return sum(one != other for one, other in pairwise(digests))


def widest_gap(runs: Sequence[Run], slot: datetime) -> timedelta | None:
    """Return the longest time between two looks at a target around its slot, until it was seen; None without two.

    It is never too short: a run that began or ended outside the span gives its own longest gap.
    """
    begins, ends = slot - AROUND_SLOT, slot + AROUND_SLOT
    near = [run for run in runs if run.last_received >= begins and run.first_sent <= ends]
    # Looks are further apart on purpose once it was seen.
    seen = (place for place, run in enumerate(near) if run.state is State.PRESENT and run.last_received >= slot)
    after_seen = next(seen, len(near))
    until_seen = near[: after_seen + 1]
    between = [after.first_sent - one.last_received for one, after in pairwise(until_seen)]
    inside = [run.largest_gap for run in near[:after_seen] if run.looks > 1]
    return max([_NO_GAP, *inside, *between]) if inside or between else None


def left(runs: Iterable[Run]) -> datetime | None:
    """Return when what had been present was first looked at and gone, or other bytes; None when it is back since.

    Of several such turns the last; None as well when there was none.
    """
    proved = [run for run in runs if run.state is not State.UNKNOWN]
    return next(_turns(proved), None)


def _turns(proved: Sequence[Run]) -> Iterator[datetime]:
    """Yield the turns from what was present, the last first, up to the last return."""
    for before, run in zip(proved[-2::-1], proved[:0:-1], strict=True):
        if before.state is not State.PRESENT:
            if run.state is State.PRESENT:
                return
        elif run.state is not State.PRESENT or (before.digest and run.digest and before.digest != run.digest):
            yield run.first_sent


def _is_other(last: Run, sighting: Sighting | Run) -> bool:
    if last.digest is not None and sighting.digest is not None and last.digest != sighting.digest:
        return True
    return last.version is not None and sighting.version is not None and last.version != sighting.version


def _lengthened(last: Run, sighting: Sighting, gap: timedelta) -> Run:
    return replace(
        last,
        last_received=sighting.received,
        begin=min(last.begin, sighting.proved_to),
        end=max(last.end, sighting.proved_from),
        looks=last.looks + 1,
        largest_gap=max(last.largest_gap, gap),
        digest=last.digest or sighting.digest,
        version=last.version or sighting.version,
    )
