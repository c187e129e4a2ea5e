"""The timeline figure: a lane for each part, the announced time, and the monitor's gaps."""

from __future__ import annotations

from datetime import datetime, timedelta

from alerts.draft import words
from alerts.draft.input import sort_parts
from alerts.draft.report import Lane, Span, Timeline
from alerts.finding import ReleaseFacts, part_name
from alerts.plots import STATES, list_states
from alerts.status import was_public_at_slot
from schedules.contract.verdict import Ended, PartVerdict
from schedules.times.interval import Interval
from schedules.times.words import clock, instant_text


def build_figure(facts: ReleaseFacts) -> Timeline | None:
    """Return the timeline of a release, None if there are fewer than two different instants to
    show.
    """
    # Show all measured bounds, the slot, and the time of the facts unless they are final.
    intervals: list[Interval] = []
    for part in facts.parts:
        intervals += [part.first_seen, part.released]
    for exposure in facts.exposures:
        intervals += [exposure.start, exposure.to]
    shown = [facts.slot]
    if not facts.final:
        shown.append(facts.at)
    for interval in intervals:
        shown += [interval.after, interval.by]
    instants = [at for at in shown if at is not None]
    if len(set(instants)) < 2:
        return None
    # A margin on both sides shows the state before the first and after the last instant.
    margin = max((max(instants) - min(instants)) * 0.06, timedelta(seconds=30))
    begins = (min(instants) - margin).replace(second=0, microsecond=0)
    ends = (max(instants) + margin + timedelta(seconds=59)).replace(second=0, microsecond=0)
    lanes = [
        Lane(part_name(part), _build_spans(part, begins, ends, facts.at))
        for part in sort_parts(facts)
    ]
    # The monitor's gaps get a separate lane because they concern every part equally.
    clipped = [
        Span(max(gap.begins, begins), min(gap.ends, ends), "blind") for gap in facts.certainty.blind
    ]
    if gaps := tuple(span for span in clipped if span.begins < span.ends):
        lanes.append(Lane("monitor", gaps))
    alt = " ".join(_describe_part(part, facts.timezone) for part in sort_parts(facts))
    if facts.slot:
        alt = f"Announced for {instant_text(facts.slot, facts.timezone)}. {alt}"
    return Timeline(
        f"Timeline of {facts.title}", begins, ends, facts.slot, facts.timezone, tuple(lanes), alt
    )


def _build_spans(
    part: PartVerdict, begins: datetime, ends: datetime, now: datetime
) -> tuple[Span, ...]:
    """Return the spans from `begins` to `ends` in which a part was absent, early, public, or
    `between` two states.
    """
    # In `between`, the state is not known: from the last look that showed the old one to the first
    # with the new one. The starts are in time order.
    starts: list[tuple[datetime, str]] = [(begins, "absent")]
    for exposure in part.exposures:
        starts += _list_starts(exposure.start, "early")
        if not exposure.open:
            # `to` is the interval in which it ended. If it did not end by removal, the state after
            # it is not known.
            state = "absent" if exposure.ended is Ended.REMOVED else "between"
            starts += _list_starts(exposure.to, state)
    starts += _list_starts(_find_publication(part), "public")
    known_until = ends
    if len(starts) == 1:
        known_until = now  # it was never seen, and is proved absent until now
    elif starts[-1][1] == "public" and part.seen_until is not None:
        known_until = part.seen_until  # it was public, but the last look did not show it any more
    # each state lasts until the next one starts
    span_ends = [*(at for at, _ in starts[1:]), min(ends, known_until)]
    spans = [Span(at, until, state) for (at, state), until in zip(starts, span_ends, strict=True)]
    return tuple(span for span in spans if span.begins < span.ends)


def _find_publication(part: PartVerdict) -> Interval:
    """Return since when a part was public after its slot, or first seen without an exposure."""
    # After an exposure, `first_seen` is when that began.
    return part.released if part.exposures else part.first_seen


def _list_starts(seen: Interval, state: str) -> list[tuple[datetime, str]]:
    """Return the start of a new `state`, and before it of the state `between` if its start is
    known.
    """
    starts = []
    if seen.by is not None:
        if seen.after is not None:
            starts.append((seen.after, "between"))
        starts.append((seen.by, state))
    return starts


def _describe_part(part: PartVerdict, timezone: str) -> str:
    events = [
        f"became public early {words.format_interval(each.start, timezone)}"
        for each in part.exposures
    ]
    appeared = _find_publication(part)
    if was_public_at_slot(part):
        events.append("still public at the announced time")
    elif appeared.by:
        how = "released" if part.exposures else "first seen"
        events.append(f"{how} {words.format_interval(appeared, timezone)}")
    return f"{words.capitalise(part_name(part))}: {', then '.join(events) or 'not seen'}."


def format_range(figure: Timeline) -> str:
    """Return the start and the end of the figure in words."""
    return words.capitalise(
        words.format_interval(Interval(figure.begins, figure.ends), figure.timezone)
    )


def write_legend(figure: Timeline) -> str:
    """Return the meaning of the figure's marks in words, for formats that draw it without a
    legend.
    """
    looks = (STATES[state] for state in list_states(figure))
    marks = words.capitalise("; ".join(f"{look}: {meaning}" for meaning, look, _ in looks))
    if figure.slot is None:
        return f"{marks}."
    return (
        f"Dashed line: announced time, {clock(figure.slot, figure.timezone, zone=False)}. {marks}."
    )


def describe_lane(figure: Timeline, lane: Lane) -> str:
    """Return the states of a lane in words, each with its start."""
    return "; ".join(
        f"{STATES[span.state][0]} from {words.format_instant(span.begins, figure.timezone)}"
        for span in lane.spans
    )
