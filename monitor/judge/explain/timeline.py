"""Draws when each part was seen present or absent around the slot, as spans on lanes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from alerts.draft.report import Lane, Span, Timeline
from monitor.judge.as_json import Body, decisive_delay, lateness_text
from monitor.judge.runs import Blind, Run, Runs
from monitor.look.sighting import State
from monitor.plan.targets import View, target_id
from schedules.announcement import Origin
from schedules.contract.verdict import LATE_VERDICTS
from schedules.times.json import instant_from_json
from schedules.times.words import MINUTE, count, rounded

_MOST_LANES = 12
_MOST_SPANS = 40
# The time drawn before the first change and after the last one: a share of the time between them.
_LEAST_MARGIN = timedelta(minutes=2)
_MARGIN_SHARE = 0.08


def build_timeline(
    body: Body,
    runs: Runs,
    blind: Iterable[Blind],
    now: datetime,
    timezone: str,
) -> Timeline | None:
    """Return the timeline of a release from its JSON and its runs by target id, or None without
    looks.

    A lane shows the looks at one view of a part, the last one when the monitor was blind. Of many
    lanes, only the first are kept.
    """
    slot = instant_from_json(body["slot"]["start"]) if body["slot"] else None
    early_until = now if slot is None else min(slot, now)  # until when an open exposure is drawn
    lanes: list[Lane] = []
    for part in body["parts"]:
        # Parts on other sites are not watched.
        views = () if part.get("origin") == Origin.LINKED.value else (View.EDGE, View.ORIGIN)
        for view in views:
            looks = runs.get(target_id(body["id"], part["id"], view), ())
            if looks and len(lanes) < _MOST_LANES:
                lanes.append(_draw_lane(part, view, looks, early_until))
    if not lanes:
        return None
    # The timeline shows these instants: the slot, each change of a proved state, and both ends of
    # each early span.
    visible = [] if slot is None else [slot]
    for lane in lanes:
        proved = [span for span in lane.spans if span.state not in (State.UNKNOWN.value, "early")]
        visible += [span.begins for before, span in pairwise(proved) if before.state != span.state]
        for span in lane.spans:
            if span.state == "early":
                visible += (span.begins, span.ends)
    if not body["final"] or not visible:
        visible.append(now)
    margin = max((max(visible) - min(visible)) * _MARGIN_SHARE, _LEAST_MARGIN)
    begins = rounded(min(visible) - margin, MINUTE)
    ends = rounded(max(visible) + margin, MINUTE, up=True)
    shown = [span for span in blind if span.begins <= ends and span.ends >= begins]
    shown.sort(key=lambda span: span.begins)
    gap_spans = [Span(span.begins, span.ends, "blind", span.cause) for span in shown]
    if gap_spans:
        lanes.append(Lane("monitor", tuple(gap_spans)))
    title = "What was seen around the slot"
    alt = "The table below says the same"
    lateness = None if slot is None else _find_lateness(body, slot)
    return Timeline(title, begins, ends, slot, timezone, tuple(lanes), alt, lateness)


def _find_lateness(body: Body, slot: datetime) -> Span | None:
    """Return from its slot until when a release was late, with how late it was in words."""
    delay, _part = decisive_delay(body)
    if delay is None or body["verdict"] not in LATE_VERDICTS:
        return None
    seconds = delay["min"] if delay["max"] is None else delay["max"]
    ends = slot + timedelta(seconds=seconds)
    return Span(slot, ends, "late", f"{lateness_text(body)} late")


def _draw_lane(part: Body, view: View, runs: Sequence[Run], early_until: datetime) -> Lane:
    """Return the looks at one view as a lane to draw."""
    seen = []
    for run in runs:
        state = run.state.value
        if run.state is State.PRESENT:
            state = "public"
        seen.append(Span(run.first_sent, run.last_received, state, count(run.looks, "look")))
    early = []
    for exposure in part["exposures"]:
        begins = instant_from_json(exposure["from"]["by"])
        if begins is not None:
            ends = instant_from_json(exposure["to"]["after"]) or max(early_until, begins)
            early.append(Span(begins, ends, "early"))
    # Of many spans, keep the first and the last, as the explanation in words does.
    half = _MOST_SPANS // 2
    kept = seen
    if len(seen) > _MOST_SPANS:
        kept = [*seen[:half], *seen[-half:]]
    label = part["id"] if view is View.EDGE else f"{part['id']}, without caches"
    return Lane(label, (*kept, *early), len(seen) - len(kept))
