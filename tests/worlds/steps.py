"""The words of case files: instants, lengths of time, and what a target answered and when.

- `90`, `-2h`, `14d`: so long after the slot. `09:31:05`, `2018-01-04 09:30`: a time in London.
- `absent, present from 90`: looked at regularly. A first answer without a time is that of -100.
- `absent at -2, present at 0.5`: these looks only.
- `absent from -90 to -10, unknown at -5`: stored runs, the second of one look.

`status=410` after an answer is its own. `; every=5 specific` at the end is of all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from monitor.judge.runs import Run
from monitor.look.sighting import State
from schedules.times.interval import Bounds, Interval, since
from tests.worlds.instants import SLOT, after_slot, seconds_at
from tests.worlds.looks import Look, Looks, RegularLooks, a_run, a_sighting, looks

Answers = RegularLooks | Looks | list[Run]
UNITS = {"h": 3600, "d": 86_400}
INSTANT = r"(?:\d{4}-\d\d-\d\d )?\d\d:\d\d[:.\d]*|-?[\d.]+[hd]?"
STEP = re.compile(
    rf"(?P<state>\w+)(?: (?P<how>at|from) (?P<first>{INSTANT})(?: to (?P<last>{INSTANT}))?)?"
    r"(?P<options>(?: \w+=(?:'[^']*'|\S+))*)"
)
READ_OPTION = {"status": int, "looks": int, "specific": bool}
OPTION = re.compile(r"(\w+)=(?:'([^']*)'|(\S+))")


def seconds_of(instant: str | float) -> float:
    """Return how many seconds after the slot an instant of a case file is."""
    if not isinstance(instant, str):
        return instant
    if ":" in instant:
        return seconds_at(instant)
    unit = UNITS.get(instant[-1], 1)
    return float(instant.rstrip("hd")) * unit


def span_text(span: Bounds | Interval | None) -> str:
    """Return `89 to 90`, `200 or more`, `up to 30`, `unknown` or, without a span, `none`.

    Both ends are in seconds. Those of an interval count from the slot.
    """
    if span is None:
        return "none"
    bounds = since(span, SLOT) if isinstance(span, Interval) else span
    least, most = bounds.min, bounds.max
    if least is None and most is None:
        return "unknown"
    if least is None:
        return f"up to {most:g}"
    if most is None:
        return f"{least:.10g} or more"
    return f"{least:.10g} to {most:.10g}"


def read_answers(text: str, target: str, usual: Mapping[str, Any]) -> Answers:
    """Return what a target answered. `usual` has options of the case: `begins`, `every`,
    `specific` and `address`.
    """
    steps_text, _, options_text = text.partition(";")
    steps = [_read_step(each.strip(), text) for each in steps_text.split(",")]
    options = {key: usual[key] for key in ("every", "specific", "address") if key in usual}
    for word in options_text.split():
        key, _, value = word.partition("=")
        options[key] = _typed(value) if value else True
    if any(step["last"] for step in steps):
        return [_run(step, target) for step in steps]
    if all(step["how"] == "at" for step in steps):
        options.pop("every", None)
        return looks(*(_look(step, options) for step in steps))
    if any(step["how"] == "at" for step in steps):
        raise ValueError(f"looks at instants beside regular looks: {text}")
    return _regular_looks(steps, options, usual.get("begins", -100))


def _read_step(step: str, text: str) -> dict[str, Any]:
    match = STEP.fullmatch(step)
    if match is None:
        raise ValueError(f"not an answer like “absent from -90”: “{step}” in “{text}”")
    options: dict[str, Any] = {}
    for key, quoted, plain in OPTION.findall(match["options"]):
        options[key] = READ_OPTION[key](plain) if key in READ_OPTION else quoted or plain
    return match.groupdict() | {"state": State(match["state"]), "options": options}


def _typed(value: str) -> float | str:
    return float(value) if re.fullmatch(r"-?\d+(\.\d+)?", value) else value


def _regular_looks(
    steps: list[dict[str, Any]], options: Mapping[str, Any], begins: str | float
) -> RegularLooks:
    turns: list[tuple[float, State]] = []
    digests: list[tuple[float, str]] = []
    for step in steps:
        when = seconds_of(step["first"] or begins)
        turns.append((when, step["state"]))
        if "bytes" in step["options"]:
            digests.append((when, step["options"]["bytes"]))
    return RegularLooks(turns, digests=digests, **options)


def _look(step: Mapping[str, Any], options: Mapping[str, Any]) -> Look:
    fields = {**options, **step["options"]}
    if step["state"] is not State.PRESENT:
        fields.pop("specific", None)
    if "age" in fields:
        least, _, most = fields["age"].partition("..")
        fields["age"] = (float(least), float(most or least))
    return a_sighting(step["state"], seconds_of(step["first"]), **fields)


def _run(step: Mapping[str, Any], target: str) -> Run:
    fields: dict[str, Any] = dict(step["options"])
    if "end" in fields:
        fields["end"] = after_slot(seconds_of(fields["end"]))
    if step["state"] is State.UNKNOWN:
        fields = {"why": "timeout"} | fields
    last = None if step["last"] is None else seconds_of(step["last"])
    return a_run(target, step["state"], seconds_of(step["first"]), last, **fields)
