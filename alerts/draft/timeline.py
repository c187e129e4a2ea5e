"""The timeline figure: announced time, sightings and the monitor's gaps, in a lane per part, drawn as SVG."""

from __future__ import annotations

from datetime import datetime, timedelta
from html import escape

from alerts.draft import words
from alerts.draft.input import parts_in_order
from alerts.draft.report import Lane, Span, Timeline
from alerts.finding import ReleaseFacts, part_name
from alerts.one_line import one_line
from alerts.status import was_public_at_slot
from schedules.contract.verdict import Ended, PartVerdict
from schedules.times.interval import Interval
from schedules.times.words import clock
from schedules.times.zone import local_date

# Each state has its own pattern and its own grey, so that the states differ in a black-and-white print.
# The values are the state's meaning, its look in words, and its SVG fill.
STATES = {
    "absent": ("not public", "light grey", "#e8e8e8"),
    "between": ("changed in here", "hatched", "url(#between)"),
    "public": ("public", "dark green", "#1d5c3a"),
    "early": ("public before the announced time", "dark red with white lines", "#9c2a1b"),
    "blind": ("monitor could not see", "dotted", "url(#blind)"),
}
LABEL = 30
EDGE = 'stroke="#333333" stroke-width="0.5"'
WIDTH, LEFT, ROW, TOP = 700, 190, 26, 44


def timeline(facts: ReleaseFacts) -> Timeline | None:
    """Return the timeline of a release, None if there are fewer than two different instants to show."""
    instants = _instants(facts)
    if len(set(instants)) < 2:
        return None
    # A margin on both sides shows the state before the first and after the last instant.
    margin = max((max(instants) - min(instants)) * 0.06, timedelta(seconds=30))
    begins = (min(instants) - margin).replace(second=0, microsecond=0)
    ends = (max(instants) + margin + timedelta(seconds=59)).replace(second=0, microsecond=0)
    lanes = [Lane(part_name(part), _spans(part, begins, ends, facts.at)) for part in parts_in_order(facts)]
    blind = _blind(facts, begins, ends)
    # The monitor's gaps get a separate lane because they concern every part equally.
    lanes += [Lane("monitor", blind)] if blind else []
    title = f"Timeline of {facts.title}"
    return Timeline(title, begins, ends, facts.slot, facts.timezone, tuple(lanes), _alt(facts))


def _instants(facts: ReleaseFacts) -> list[datetime]:
    seen = [each for part in facts.parts for each in (part.first_seen, part.released)]
    seen += [each for exposure in facts.exposures for each in (exposure.start, exposure.to)]
    measured = [at for each in seen for at in (each.after, each.by) if at is not None]
    return [*measured, *([facts.slot] if facts.slot else []), *([] if facts.final else [facts.at])]


def _spans(part: PartVerdict, begins: datetime, ends: datetime, now: datetime) -> tuple[Span, ...]:
    marks: list[tuple[datetime, str]] = [(begins, "absent")]
    for each in part.exposures:
        marks += _change(each.start.after, each.start.by, "early")
        left = "absent" if each.ended is Ended.REMOVED else "between"
        marks += [] if each.open else _change(each.to.after, each.to.by, left)
    appeared = part.released if part.exposures else part.first_seen
    marks += _change(appeared.after, appeared.by, "public")
    # A part that was never seen is proved absent only until now.
    last = min(ends, now) if len(marks) == 1 else ends
    bounds = [*(at for at, _ in marks[1:]), last]
    stretches = [Span(at, until, state) for (at, state), until in zip(marks, bounds, strict=True)]
    return tuple(each for each in stretches if each.begins < each.ends)


def _change(after: datetime | None, by: datetime | None, state: str) -> list[tuple[datetime, str]]:
    if by is None:
        return []
    return [(by, state)] if after is None else [(after, "between"), (by, state)]


def _blind(facts: ReleaseFacts, begins: datetime, ends: datetime) -> tuple[Span, ...]:
    clipped = [Span(max(each.begins, begins), min(each.ends, ends), "blind") for each in facts.certainty.blind]
    return tuple(each for each in clipped if each.begins < each.ends)


def _alt(facts: ReleaseFacts) -> str:
    slot = f"Announced for {words.moment(facts.slot, facts.timezone)}. " if facts.slot else ""
    told = [_lane_alt(part, facts.timezone) for part in parts_in_order(facts)]
    return slot + " ".join(told)


def _lane_alt(part: PartVerdict, timezone: str) -> str:
    name = part_name(part)
    early = [f"became public early {words.between(each.start, timezone)}" for each in part.exposures]
    appeared, how = (part.released, "released") if part.exposures else (part.first_seen, "first seen")
    stayed = ["public ever since"] if was_public_at_slot(part) else []
    seen = stayed or ([f"{how} {words.between(appeared, timezone)}"] if appeared.by else [])
    return f"{words.capital(name)}: {', then '.join([*early, *seen]) or 'not seen'}."


def span_text(figure: Timeline) -> str:
    """Return the start and the end of the figure in words."""
    told = words.between(Interval(figure.begins, figure.ends), figure.timezone)
    return words.capital(told)


def legend_text(figure: Timeline) -> str:
    """Return the meaning of the figure's marks in words, for formats that draw it without a legend."""
    marks = "; ".join(f"{look}: {meaning}" for meaning, look, _ in map(STATES.__getitem__, _used(figure)))
    slot = f"Dashed line: announced time, {clock(figure.slot, figure.timezone, zone=False)}. " if figure.slot else ""
    return f"{slot}{words.capital(marks)}."


def _used(figure: Timeline) -> list[str]:
    """Return the states that the figure shows, in the order of the legend."""
    return [state for state in STATES if any(span.state == state for lane in figure.lanes for span in lane.spans)]


def lane_alt(figure: Timeline, lane: Lane) -> str:
    """Return the states of a lane in words, each with its start."""
    told = [f"{STATES[span.state][0]} from {words.brief(span.begins, figure.timezone)}" for span in lane.spans]
    return "; ".join(told)


def size(figure: Timeline) -> tuple[int, int]:
    """Return width and height of the drawing in points."""
    return WIDTH, TOP + ROW * len(figure.lanes) + 52


def svg(figure: Timeline) -> str:
    """Return the figure as an SVG element with its text alternative, without scripts or external references."""
    _, height = size(figure)
    lanes = "".join(_lane(figure, row, lane) for row, lane in enumerate(figure.lanes))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="timeline-title timeline-text"'
        f' viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
        f' font-family="Arial, sans-serif" font-size="12">'
        f'<title id="timeline-title">{escape(figure.title)}</title><desc id="timeline-text">{escape(figure.alt)}</desc>'
        f"{PATTERNS}{lanes}{_axis(figure)}{_legend(figure, height - 12)}</svg>"
    )


PATTERNS = (
    '<defs><pattern id="between" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect width="6" height="6" fill="#ffffff"/><rect width="3" height="6" fill="#1d5c3a"/></pattern>'
    '<pattern id="blind" width="6" height="6" patternUnits="userSpaceOnUse"><rect width="6" height="6" fill="#ffffff"/>'
    '<circle cx="3" cy="3" r="1.5" fill="#333333"/></pattern></defs>'
)


def _x(figure: Timeline, at: datetime) -> float:
    share = (at - figure.begins) / (figure.ends - figure.begins)
    return round(LEFT + share * (WIDTH - LEFT - 10), 1)


def _lane(figure: Timeline, row: int, lane: Lane) -> str:
    y = TOP + row * ROW
    label = f'<text x="0" y="{y + 13}">{escape(one_line(lane.label, LABEL))}</text>'
    return label + "".join(_bar(figure, span, y) for span in lane.spans)


def _bar(figure: Timeline, span: Span, y: int) -> str:
    x = _x(figure, span.begins)
    # A one-second interval would be invisible on a scale of hours, so a bar is at least two points wide.
    width = max(2.0, round(_x(figure, span.ends) - x, 1))
    return f'<rect x="{x}" y="{y}" width="{width}" height="18" fill="{STATES[span.state][2]}" {EDGE}/>'


def ticks(figure: Timeline) -> list[datetime]:
    """Return instants at round times for the marks of the axis."""
    whole = (figure.ends - figure.begins).total_seconds()
    steps = (15, 30, 60, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
    step = next((each for each in steps if whole / each <= 6), 86400 * 7)
    first = figure.begins.timestamp() // step * step + step
    count = int((figure.ends.timestamp() - first) // step) + 1
    return [datetime.fromtimestamp(first + step * each, tz=figure.begins.tzinfo) for each in range(max(0, count))]


def _axis(figure: Timeline) -> str:
    bottom = TOP + ROW * len(figure.lanes)
    long = local_date(figure.begins, figure.timezone) != local_date(figure.ends, figure.timezone)
    marks = "".join(_tick(_x(figure, at), bottom, _tick_text(at, figure.timezone, long=long)) for at in ticks(figure))
    return marks + (_slot_mark(figure, figure.slot, bottom) if figure.slot else "")


def _tick_text(at: datetime, timezone: str, *, long: bool) -> str:
    local = local_date(at, timezone)
    return f"{local.day} {local:%b} {clock(at, timezone, zone=False)}" if long else clock(at, timezone, zone=False)


def _tick(x: float, y: int, text: str) -> str:
    line = f'<line x1="{x}" y1="{y - 4}" x2="{x}" y2="{y}" stroke="#333333"/>'
    return f'{line}<text x="{x}" y="{y + 12}" text-anchor="middle" font-size="10">{escape(text)}</text>'


def _slot_mark(figure: Timeline, slot: datetime, bottom: int) -> str:
    x = _x(figure, slot)
    text = f"announced {clock(slot, figure.timezone)}"
    anchor = "end" if x > WIDTH - 80 else "start" if x < LEFT + 80 else "middle"
    line = f'<line x1="{x}" y1="26" x2="{x}" y2="{bottom}" stroke="#000000" stroke-width="2" stroke-dasharray="5 3"/>'
    return f'{line}<text x="{x}" y="20" text-anchor="{anchor}" font-weight="bold">{escape(text)}</text>'


def _legend(figure: Timeline, y: int) -> str:
    used = _used(figure)
    widths = [30 + 6 * len(STATES[state][0]) for state in used]
    return "".join(_key(state, sum(widths[:place]), y) for place, state in enumerate(used))


def _key(state: str, x: int, y: int) -> str:
    meaning, _, fill = STATES[state]
    box = f'<rect x="{x}" y="{y - 10}" width="14" height="10" fill="{fill}" stroke="#333333" stroke-width="0.5"/>'
    return f'{box}<text x="{x + 18}" y="{y}" font-size="10">{escape(meaning)}</text>'
