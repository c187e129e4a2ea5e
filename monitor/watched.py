"""One release under watch: its promises, its targets, and what was seen of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from http import HTTPStatus

from monitor.judge.runs import Blind, Run, extend
from monitor.judge.verdict import PartVerdict, Verdict, Word
from monitor.look.sighting import Sighting, State
from monitor.plan.phases import Window
from monitor.plan.targets import Target, View
from monitor.plan.windows import Stage, Standing
from schedules.promise import Promise
from schedules.release import Release

_OUT = {Word.ON_TIME, Word.LATE}
_OVER = {Word.CANCELLED, Word.NOT_PUBLISHED}


@dataclass(slots=True)
class Watched:
    """A release, and everything known of it, as the daemon holds it in memory.

    `announced` is the release as its calendars tell of it; `release` has configured and found parts as well.
    `told` marks what was last written down of it. Until `held` its verdict is for planning alone: its slot passed
    while nobody watched, and nobody is told what one look may settle. `closely` are parts that a listing showed,
    with since when: looked at as if they were out early, until they prove it or not.
    """

    release: Release
    promises: list[Promise]
    announced: Release | None = None
    targets: dict[str, Target] = field(default_factory=dict)
    runs: dict[str, list[Run]] = field(default_factory=dict)
    windows: dict[str, tuple[Window, ...]] = field(default_factory=dict)
    verdict: Verdict | None = None
    final_since: datetime | None = None
    incident: str | None = None
    told: object = None
    held: datetime | None = None
    closely: tuple[tuple[str, datetime], ...] = ()

    def add(self, target: Target, sighting: Sighting, spacing: timedelta | None, *, apart: bool) -> tuple[Run, bool]:
        """Fold a sighting in; returns the run it went to and whether that run is new.

        Bytes count for files alone: a page differs at every look, and its state is what the recogniser read.
        Raises OutOfOrder.
        """
        if not target.file and target.recognise != "changed":
            sighting = replace(sighting, digest=None)
        runs = self.runs.setdefault(target.id, [])
        outcome = extend(runs[-1] if runs else None, sighting, spacing, apart=apart)
        if isinstance(outcome, Run):
            new = not runs
            runs[-1:] = [outcome]
            return outcome, new
        runs.append(outcome[1])
        return outcome[1], True

    def last_run(self, target: str) -> Run | None:
        """Return the last run of a target."""
        runs = self.runs.get(target)
        return runs[-1] if runs else None

    def last_proved(self, target: str) -> Run | None:
        """Return the last run of a target that proved anything."""
        return next((run for run in reversed(self.runs.get(target, [])) if run.state is not State.UNKNOWN), None)

    def take_back(self, target: str, before: Run | None, *, new: bool) -> None:
        """Undo the last `add`, which nobody could keep: `before` was the last run then."""
        runs = self.runs[target]
        runs.pop()
        if before is not None and not new:
            runs.append(before)

    def remembered(self, target: Target) -> tuple[str | None, bool]:
        """Return the SHA-256 that `changed` compares the target's bytes with, and whether the target was ever missing.

        A baseline is the first body that was read, and it is known from its run alone.
        """
        runs = self.runs.get(target.id, [])
        first = next((run for run in runs if run.digest is not None), None)
        baseline = first.digest if first is not None and target.recognise == "changed" else None
        return baseline, any(run.status == HTTPStatus.NOT_FOUND for run in runs)

    def replace_last(self, run: Run) -> None:
        """Put a run that has changed in the place of the last one of its target."""
        self.runs[run.target][-1] = run

    def standing(self, target: Target) -> Standing:
        """Return how a target stands, from the last verdict."""
        stands = self._standing(target)
        since = dict(self.closely).get(target.part)
        return Standing(Stage.EXPOSED, since) if since is not None and stands.stage is Stage.UNSEEN else stands

    def _standing(self, target: Target) -> Standing:
        verdict = self.verdict
        part = self._part(target.part)
        if verdict is None or part is None:
            return Standing()
        if verdict.word in _OVER:
            return Standing(Stage.CLOSED)
        exposed = [exposure.start.by for exposure in part.exposures if exposure.open and exposure.start.by]
        if exposed:
            return Standing(Stage.EXPOSED, min(exposed))
        return self._seen(part, verdict)

    def _seen(self, part: PartVerdict, verdict: Verdict) -> Standing:
        if (since := _out_since(part)) is not None:
            return Standing(Stage.SEEN, since)
        page = verdict.page
        out = _out_since(page) if page is not None else None
        return Standing() if out is None else Standing(Stage.SEEN, out, complete=False)

    def _part(self, part_id: str) -> PartVerdict | None:
        parts = self.verdict.parts if self.verdict else ()
        return next((part for part in parts if part.id == part_id), None)

    def is_over(self, now: datetime) -> bool:
        """Tell whether nothing of it will be looked at again."""
        return all(not windows or windows[-1].ends <= now for windows in self.windows.values())


def _out_since(part: PartVerdict) -> datetime | None:
    """Return since when a part has been out as promised, None while it is not."""
    if part.released.by is not None:
        return part.released.by
    if part.word in _OUT or (part.word is Word.UNPROVEN and part.first_seen.by is not None):
        return part.first_seen.by
    return None


def is_view_of_page(target: Target) -> bool:
    """Tell whether a target is what users see of the landing page."""
    return target.part == "page" and target.view is View.EDGE


def extended(spans: Sequence[Blind], span: Blind) -> list[Blind]:
    """Return blind spans with one more, in time order.

    One that begins at the same instant for the same cause and scope is extended, and never shortened: the
    same as in the store, so that what is judged now is judged alike ever after.
    """
    known = next((one for one in spans if replace(one, ends=span.ends) == span), None)
    others = [one for one in spans if one is not known]
    longest = span if known is None else replace(span, ends=max(known.ends, span.ends))
    return sorted([*others, longest], key=lambda one: one.begins)
