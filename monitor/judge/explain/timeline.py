"""Draw when each part was seen present or absent around the slot, as spans on lanes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from monitor.judge.runs import Blind, Run
from monitor.look.sighting import State
from monitor.plan.targets import View, target_id
from schedules.announcement import Origin
from schedules.times.json import instant_from_json
from schedules.times.words import MINUTE, rounded

_MOST_LANES = 12
_MOST_SPANS = 40
# The time drawn before the first change and after the last one: a share of the time between them.
_LEAST_MARGIN = timedelta(minutes=2)
_MARGIN_SHARE = 0.08
# The narrowest span that can be seen, in percent.
_LEAST_WIDTH = 0.5


@dataclass(frozen=True, slots=True)
class Span:
    """One state from `begins` to `ends`, seen in `looks` looks.

    The state `early` means public before the slot.
    """

    state: str
    begins: datetime
    ends: datetime
    looks: int = 0


@dataclass(frozen=True, slots=True)
class Lane:
    """The spans of one view of one part. `left_out` counts the spans left out of the middle."""

    part: str
    view: str
    spans: tuple[Span, ...]
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Timeline:
    """Lanes between two instants, with the slot and the spans in which the monitor was blind."""

    begins: datetime
    ends: datetime
    slot: datetime | None
    now: datetime
    lanes: tuple[Lane, ...]
    blind: tuple[Span, ...]

    def place(self, instant: datetime) -> float:
        """Return the position of an instant in percent of the width, at least 0 and at most 100."""
        share = (instant - self.begins) / (self.ends - self.begins)
        return round(100 * min(max(share, 0.0), 1.0), 2)

    def box(self, span: Span) -> tuple[float, float] | None:
        """Return the left side and the width of a span in percent; None if it is outside the
        timeline.
        """
        if span.ends < self.begins or span.begins > self.ends:
            return None
        left = self.place(span.begins)
        width = max(self.place(span.ends) - left, _LEAST_WIDTH)
        return min(left, 100 - width), round(width, 2)


def build_timeline(
    body: Mapping[str, Any],
    runs: Mapping[str, Sequence[Run]],
    blind: Iterable[Blind],
    now: datetime,
) -> Timeline | None:
    """Return the timeline of a release from its JSON and its runs by target id, or None without
    looks.

    A lane shows the looks at one view of a part. Of many lanes, only the first are kept.
    """
    slot = instant_from_json(body["slot"]["start"]) if body["slot"] else None
    early_until = now if slot is None else min(slot, now)  # until when an open exposure is drawn
    lanes = [
        lane
        for part in body["parts"]
        if part.get("origin") != Origin.LINKED.value  # parts on other sites are not watched
        for view in (View.EDGE, View.ORIGIN)
        if (
            lane := _draw_lane(
                part, view, runs.get(target_id(body["id"], part["id"], view), ()), early_until
            )
        )
    ][:_MOST_LANES]
    if not lanes:
        return None
    # The timeline shows these instants: the slot, each change of a proved state, and both ends of
    # each early span.
    visible = [] if slot is None else [slot]
    for lane in lanes:
        proved = [span for span in lane.spans if span.state not in (State.UNKNOWN.value, "early")]
        visible += [span.begins for before, span in pairwise(proved) if before.state != span.state]
        visible += [
            side
            for span in lane.spans
            if span.state == "early"
            for side in (span.begins, span.ends)
        ]
    if not body["final"] or not visible:
        visible.append(now)
    margin = max((max(visible) - min(visible)) * _MARGIN_SHARE, _LEAST_MARGIN)
    begins, ends = (
        rounded(min(visible) - margin, MINUTE),
        rounded(max(visible) + margin, MINUTE, up=True),
    )
    inside = (span for span in blind if span.begins <= ends and span.ends >= begins)
    blind_spans = [
        Span(span.cause, span.begins, span.ends)
        for span in sorted(inside, key=lambda span: span.begins)
    ]
    return Timeline(begins, ends, slot, now, tuple(lanes), tuple(blind_spans))


def _draw_lane(
    part: Mapping[str, Any], view: View, runs: Sequence[Run], until: datetime
) -> Lane | None:
    """Return the looks at one view as a lane to draw; None without a run.

    An open exposure is drawn until `until`.
    """
    if not runs:
        return None
    seen = [Span(run.state.value, run.first_sent, run.last_received, run.looks) for run in runs]
    early = [
        Span("early", begins, instant_from_json(exposure["to"]["after"]) or max(until, begins))
        for exposure in part["exposures"]
        if (begins := instant_from_json(exposure["from"]["by"])) is not None
    ]
    # Of many spans, keep the first and the last, as the explanation in words does.
    half = _MOST_SPANS // 2
    kept = seen if len(seen) <= _MOST_SPANS else [*seen[:half], *seen[-half:]]
    return Lane(part["id"], view.value, (*kept, *early), len(seen) - len(kept))
