"""Combines sightings into runs.

A failed look starts or lengthens a separate run with the state `unknown`. So `present, unknown,
present` is three runs, and only the judge decides what may have happened in between.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain, groupby, pairwise

from monitor.files.facts import FileSign, NotRead
from monitor.look.recognise.title import ANOTHER_EDITION, NEXT_EDITION, OTHER_FILE
from monitor.look.sighting import Sighting, State
from schedules.times.interval import Interval

MOST_CHANGES = 8
"""After so many changes a file counts as generated for each request, and is not
compared any more.
"""
UNDERWAY = timedelta(seconds=1)
"""An answer is made at most this long before we receive it."""
_NO_GAP = timedelta()
# A look takes time, so a gap may exceed the planned spacing by this.
_SLACK = timedelta(seconds=2)
_OTHER_CONTENT = frozenset({ANOTHER_EDITION, NEXT_EDITION, OTHER_FILE})
_CAUSES_OF_ALL_MONITORS = ("budget", "clock")
# Between two looks so close, content is assumed not to be removed and published again.
_CLOSE = timedelta(seconds=20)
# From this long before a slot, the widest gap counts.
_BEFORE_SLOT = timedelta(minutes=2)


class OutOfOrder(ValueError):
    """A sighting was received before the last one of its run."""


@dataclass(frozen=True, slots=True)
class Run:
    """Consecutive sightings of one target with the same answer, stored as one row.

    `first_sent` to `last_received` is by our clock. The state was true at or before `begin` and at
    or after `end`, so a single sighting has `end` first.
    """

    target: str
    state: State
    first_sent: datetime
    last_received: datetime
    begin: datetime
    """The earliest `proved_to`."""
    end: datetime
    """The latest `proved_from`."""
    looks: int = 1
    largest_gap: timedelta = timedelta()
    """The longest time between two of its `looks` or, between absences from a cache, between the
    instants that they prove.
    """
    specific: bool = False
    """Whether the content can only be of this edition."""
    why: str = ""
    """The reason of an unknown run, or the address of a feed's entry."""
    status: int | None = None
    """That of the first answer."""
    digest: str | None = None
    """That of the body, for files and recorded changes."""
    evidence: tuple[str, ...] = ()
    """The names of the records kept for it."""
    version: str | None = None
    """What the content says about its own."""
    failed: int = 0
    """The failed looks of a run merged long after its release."""
    monitor: str = ""
    """The one that looked, empty in runs of older versions."""
    address: str = ""
    """Where it looked, empty in runs of older versions."""
    first_received: datetime | None = None
    """None in runs of older versions."""
    inside: tuple[FileSign, ...] | NotRead | None = None
    """The signs of faults in the file with this digest, or why it could not be read. None if no one
    tried.
    """

    @property
    def signs(self) -> tuple[FileSign, ...]:
        """Return `inside`, empty unless the file was read."""
        if isinstance(self.inside, tuple):
            return self.inside
        return ()

    def moved_back(self, step: timedelta, now: datetime) -> Run:
        """Return the run as dated by a clock that was moved by a negative `step`.

        What answers proved was corrected already, unless it is in the future.
        """
        begin, end, first_received = self.begin, self.end, self.first_received
        if begin > now:
            begin += step
        if end > now:
            end += step
        if first_received is not None:
            first_received += step
        return replace(
            self,
            first_sent=self.first_sent + step,
            last_received=self.last_received + step,
            begin=begin,
            end=end,
            first_received=first_received,
        )

    @property
    def key(self) -> tuple[str, datetime, str]:
        """Return what identifies a run."""
        return self.target, self.first_sent, self.monitor


Runs = Mapping[str, Sequence[Run]]
"""Runs by the id of their target, in time order."""


@dataclass(frozen=True, slots=True)
class Blind:
    """A span in which `monitor` (empty in older spans) could not look or trust its looks.

    It is about one `target` or `host`, or everything. `cause` is `killed`, `clock`, `budget`, …
    """

    begins: datetime
    ends: datetime
    cause: str
    host: str = ""
    target: str = ""
    monitor: str = ""

    def moved_back(self, step: timedelta, now: datetime) -> Blind:
        """Return the span with instants after `now` moved by a negative `step`."""
        begins = self.begins
        if self.begins > now:
            begins = self.begins + step
        return replace(self, begins=begins, ends=max(begins, self.ends + step))

    def hides(self, run: Run) -> bool:
        """Return whether the span is of the monitor of a run, and of its target or all."""
        is_same_monitor = "" in (self.monitor, run.monitor) or self.monitor == run.monitor
        return is_same_monitor and self.target in ("", run.target)


def was_blind(last: Run, sighting: Sighting, blind: Sequence[Blind]) -> bool:
    """Return whether a blind span separates a target's last run from this sighting."""
    # A host that is the cause shows by failed looks. Two of these may share a run: neither is a
    # proof.
    if last.state is State.UNKNOWN and sighting.state is State.UNKNOWN:
        return False
    relevant = (span for span in blind if not span.host and span.hides(last))
    return any(span.begins < sighting.sent and span.ends > last.last_received for span in relevant)


def monitors_of(runs: Runs) -> set[str]:
    """Return the monitors that made these runs."""
    return {run.monitor for run in chain.from_iterable(runs.values())}


def drop_watched_spans(blind: Sequence[Blind], runs: Runs) -> Sequence[Blind]:
    """Return the blind spans but those in which another monitor watched every target
    that answered.
    """
    if not blind or len(monitors_of(runs)) < 2:
        return blind
    successful = (
        [run for run in target_runs if run.state is not State.UNKNOWN]
        for target_runs in runs.values()
    )
    by_target = [target_runs for target_runs in successful if target_runs]
    if not by_target:
        return blind
    kept = []
    for span in blind:
        # These may blind all monitors, unless the span names one.
        may_be_of_all = not span.monitor and span.cause in _CAUSES_OF_ALL_MONITORS
        if may_be_of_all or not all(
            _was_watched_by_other(span, target_runs) for target_runs in by_target
        ):
            kept.append(span)
    return kept


def _was_watched_by_other(span: Blind, runs: Sequence[Run]) -> bool:
    """Return whether one other monitor's runs cover a whole span, without unusually long gaps."""
    monitors = {run.monitor for run in runs}
    others = monitors
    if span.monitor:
        others = monitors - {span.monitor}
    for monitor in others:
        own = [run for run in runs if run.monitor == monitor]
        near = [
            run for run in own if run.last_received >= span.begins and run.first_sent <= span.ends
        ]
        if near and near[0].first_sent <= span.begins and near[-1].last_received >= span.ends:
            pairs = pairwise(near)
            if all(
                run.first_sent - before.last_received <= max(before.largest_gap, _SLACK)
                for before, run in pairs
            ):
                return True
    return False


def extend_run(
    last: Run, sighting: Sighting, spacing: timedelta | None = None, *, apart: bool = False
) -> Run | None:
    """Return the last run lengthened by a sighting, None if that must begin a new run.

    It must if the answer differs, the gap is much wider than `spacing`, close looks at content
    begin to be far apart, or it is `apart` because the monitor was blind in between. Raises
    `OutOfOrder` if it was received before the last one.
    """
    if sighting.received < last.last_received:
        raise OutOfOrder(
            f"{sighting.target}: {sighting.received.isoformat()} is before the last run's end"
        )
    gap = max(sighting.sent - last.last_received, _NO_GAP)
    is_gap_too_long = spacing is not None and gap > 2 * spacing + _SLACK
    # Later gaps must not hide that an exposure was watched without a break.
    was_watched_closely = last.state is State.PRESENT and last.looks > 1
    is_break = was_watched_closely and last.largest_gap <= _CLOSE < gap
    if apart or is_gap_too_long or is_break or not _has_same_answer(last, sighting):
        return None
    gap_between_copies = sighting.proved_from - last.end
    # Without a cache, the gaps differ by less than `UNDERWAY`.
    if last.state in (State.ABSENT, State.WITHDRAWN) and gap_between_copies > gap + UNDERWAY:
        # Two close looks may get copies made far apart, between which absence is not proved.
        gap = gap_between_copies
    # `dataclasses.replace` takes longer, at each look.
    return Run(
        last.target,
        last.state,
        last.first_sent,
        sighting.received,
        begin=min(last.begin, sighting.proved_to),
        end=max(last.end, sighting.proved_from),
        looks=last.looks + 1,
        largest_gap=max(last.largest_gap, gap),
        specific=last.specific,
        why=last.why,
        status=last.status,
        digest=last.digest or sighting.digest,
        evidence=last.evidence,
        version=last.version or sighting.version,
        failed=last.failed,
        monitor=last.monitor,
        address=last.address,
        first_received=last.first_received,
        inside=last.inside,
    )


def start_run(sighting: Sighting) -> Run:
    """Return a run of one sighting."""
    # An answer made between 9:29:30 and 9:29:32 shows that content came by 9:29:32 (`begin`), and
    # was not removed before 9:29:30 (`end`).
    return Run(
        sighting.target,
        sighting.state,
        first_sent=sighting.sent,
        last_received=sighting.received,
        begin=sighting.proved_to,
        end=sighting.proved_from,
        specific=sighting.specific,
        why=sighting.why,
        status=sighting.status,
        digest=sighting.digest,
        version=sighting.version,
        address=sighting.address,
        first_received=sighting.received,
    )


def _has_same_answer(last: Run, sighting: Sighting) -> bool:
    """Return whether a sighting gives the same answer as a run.

    State and address are equal. Failed looks, and looks at another edition or file, have the same
    reason, the latter also the same bytes. For others, both or neither are specific, and presences
    have the same content.
    """
    if last.state is not sighting.state or (last.address and last.address != sighting.address):
        return False
    is_other_content = sighting.state is State.ABSENT and not _OTHER_CONTENT.isdisjoint(
        (last.why, sighting.why)
    )
    if is_other_content and _has_other_content(last, sighting):
        return False
    if sighting.state is State.UNKNOWN or is_other_content:
        return last.why == sighting.why
    # If only the later one is specific, the earlier ones must not become proof.
    if last.specific is not sighting.specific:
        return False
    return sighting.state is not State.PRESENT or not _has_other_content(last, sighting)


def last_absence_until(run: Run, limit: datetime) -> datetime | None:
    """Return the latest instant up to `limit` at which a run proves absence, or None."""
    if run.end <= limit:
        return run.end
    if run.first_sent > limit:
        return None
    # Only the largest gap is kept. If that is 5 s and the limit 9:30:00, a look was answered at
    # 9:29:55 or later, made at most 1 s (`UNDERWAY`) before.
    before_limit = limit - run.largest_gap - UNDERWAY
    # A cached copy may be from before the first look.
    at_first_look = min(run.begin, run.first_sent)
    return max(at_first_look, before_limit)


def is_change(before: Run | None, run: Run) -> bool:
    """Return whether a run differs in state or content from `before`, the last that proved
    anything.
    """
    return before is None or run.state is not before.state or _has_other_content(before, run)


def count_changes(runs: Iterable[Run]) -> int:
    """Return how often the bytes of content changed from one run with a digest to the next."""
    digests = [run.digest for run in runs if run.digest]
    return sum(before != after for before, after in pairwise(digests))


def find_changes_of_content(runs: Iterable[Run]) -> list[Interval]:
    """Return when present content changed, nothing if it changes all the time."""
    present = [run for run in runs if run.state is State.PRESENT and run.digest]
    changes = [
        Interval(before.end, run.begin)
        for before, run in pairwise(present)
        if before.digest != run.digest
    ]
    return changes if len(changes) < MOST_CHANGES else []


def widest_gap(runs: Iterable[Run], slot: datetime) -> timedelta | None:
    """Return the longest time without a proof, from shortly before a slot until it was seen.

    `runs` may be of several views. It may be too long if a run began earlier. None without two
    looks that proved something.
    """
    gaps = []
    proved_until: datetime | None = None
    for run in sorted(runs, key=lambda run: run.first_sent):
        if run.state is State.UNKNOWN or run.last_received < slot - _BEFORE_SLOT:
            continue
        if proved_until is not None:
            gaps.append(run.first_sent - proved_until)
        if run.state is State.PRESENT and run.last_received >= slot:
            break  # later looks are planned further apart
        if run.looks > 1:
            gaps.append(run.largest_gap)
        proved_until = max(proved_until or run.last_received, run.last_received)
    return max([_NO_GAP, *gaps]) if gaps else None


def find_last_removal(runs: Iterable[Run]) -> datetime | None:
    """Return when a look last found content removed or changed, None if never, or if it is back."""
    proved = [run for run in runs if run.state is not State.UNKNOWN]
    for before, run in reversed(list(pairwise(proved))):
        if before.state is not State.PRESENT:
            if run.state is State.PRESENT:
                return None
        elif run.state is not State.PRESENT or (
            before.digest and run.digest and before.digest != run.digest
        ):
            return run.first_sent
    return None


def _has_other_content(last: Run, sighting: Sighting | Run) -> bool:
    if last.digest is not None and sighting.digest is not None and last.digest != sighting.digest:
        return True
    return (
        last.version is not None
        and sighting.version is not None
        and last.version != sighting.version
    )


def merge_by_state(runs: Sequence[Run]) -> list[Run]:
    """Return the runs of one target, merged so that people have fewer to read.

    Equal runs of one monitor become one, which counts failed looks in between. Other failed runs in
    a row become one for each monitor and reason.
    """
    merged: list[Run] = []
    for is_failed, group in groupby(
        _merge_equal_runs(runs), key=lambda run: run.state is State.UNKNOWN
    ):
        if not is_failed:
            merged += group
            continue
        failed: dict[tuple[str, str], Run] = {}  # by monitor and reason
        for run in group:
            first = failed.get((run.monitor, run.why))
            failed[run.monitor, run.why] = (
                run if first is None else _join_runs(first, between=(), last=run)
            )
        merged += failed.values()
    return merged


def _merge_equal_runs(runs: Iterable[Run]) -> list[Run]:
    """Return the runs with equal neighbours merged, and failed runs between these counted."""
    merged: list[Run] = []
    failed: list[Run] = []
    for run in runs:
        if run.state is State.UNKNOWN:
            failed.append(run)
            continue
        if merged and _fields_to_compare(merged[-1]) == _fields_to_compare(run):
            merged[-1] = _join_runs(merged[-1], failed, run)
        else:
            merged += [*failed, run]
        failed = []
    return [*merged, *failed]


def _fields_to_compare(run: Run) -> tuple[object, ...]:
    return run.monitor, run.state, run.specific, run.status, run.digest, run.version, run.address


def records_of(runs: Iterable[Run]) -> Iterator[str]:
    """Return the names of the records of evidence of these runs, in the order of the runs."""
    return chain.from_iterable(run.evidence for run in runs)


def _join_runs(first: Run, between: Sequence[Run], last: Run) -> Run:
    """Return one run from `first` to `last`, looks in between counted as failed."""
    gap = last.first_sent - first.last_received
    records = dict.fromkeys(records_of([first, *between, last]))
    return replace(
        first,
        last_received=last.last_received,
        begin=min(first.begin, last.begin),
        end=max(first.end, last.end),
        looks=first.looks + last.looks,
        largest_gap=max(first.largest_gap, last.largest_gap, gap),
        evidence=tuple(records),
        failed=first.failed + last.failed + sum(run.looks for run in between),
    )
